/**
 * Names that a function does not declare itself: globals may travel, captured variables may not.
 */

import type {EnclosingScope} from './function-inspection.js';
import type {FunctionFacts} from './function-facts.js';
import {exportIt, type Refusal} from './function-refusal.js';
import {globalState, isGlobalValue} from './pristine-globals.js';
import type {BindingKind, Reference} from './scope.js';

const unsupported = 'ERR_CAPTURE_UNSUPPORTED';
const allowIt = 'Or start Node with --allow-inspector.';

/**
 * Why the free names of a function cannot travel; undefined when each means the same in every process.
 *
 * @param scopes what is around the function; undefined when that cannot be seen
 */
export function namesRefusal(facts: FunctionFacts, scopes: readonly EnclosingScope[] | undefined): Refusal | undefined {
	const names = [...facts.freeNames.keys()];
	if (scopes?.some(scope => scope.description === 'With Block')) {
		return {code: unsupported, words: `stands inside a with statement, so its names cannot be told apart. ${exportIt}`};
	}

	const captured = names.filter(name => scopes ? isVariable(name, scopes) : globalState(name) === 'absent');
	const [first] = captured;
	if (first !== undefined) {
		return capturedRefusal(captured, first);
	}

	for (const [name, uses] of facts.freeNames) {
		const refusal = globalRefusal(name, uses);
		if (refusal) {
			return refusal;
		}
	}

	const [global] = names;
	if (scopes !== undefined || global === undefined) {
		return undefined;
	}

	return {
		code: 'ERR_INSPECTOR_UNAVAILABLE',
		variable: global,
		words: `uses ${list(names)}, and without the inspector nothing tells whether that is the global or a variable of the same name. ${exportIt} ${allowIt}`,
	};
}

/** Whether a name means a variable of the code around the function. An import of what the global of that name is, such as `process`, is none. */
function isVariable(name: string, scopes: readonly EnclosingScope[]): boolean {
	for (const {description, variables} of scopes) {
		// V8 does not list the name that a function expression has for itself.
		if (description === `Closure (${name})`) {
			return true;
		}

		const descriptor = Object.getOwnPropertyDescriptor(variables, name);
		if (descriptor) {
			return descriptor.get !== undefined || !isGlobalValue(name, descriptor.value);
		}
	}

	return false;
}

function capturedRefusal(captured: readonly string[], first: string): Refusal {
	const many = captured.length > 1;
	const hint = captured.includes('require') ? ' Modules can be had inside the function: await import(\'node:fs\').' : '';
	return {
		code: unsupported,
		variable: first,
		words: `uses ${list(captured)}, ${many ? 'variables' : 'a variable'} from outside it. `
			+ `Pass ${many ? 'them as arguments' : 'it as an argument'}, or export the function from a module and use executor.module(url).${hint}`,
	};
}

function globalRefusal(name: string, uses: readonly Reference[]): Refusal | undefined {
	const state = globalState(name);
	if (uses.some(use => use.access === 'write')) {
		return {code: unsupported, variable: name, words: `assigns to ${name}, which is outside it: the assignment would be lost. Return the value instead.`};
	}

	switch (state) {
		case 'pristine': {
			return undefined;
		}

		case 'replaced': {
			return {code: unsupported, variable: name, words: `uses ${name}, a global that this program has replaced: a worker has the original. Pass it as an argument. ${exportIt}`};
		}

		case 'own': {
			return {code: unsupported, variable: name, words: `uses ${name}, a global that this program has made: a worker does not have it. Pass it as an argument. ${exportIt}`};
		}

		case 'absent': {
			// `typeof window` asks whether a name exists. It exists as little in a worker as here.
			return uses.some(({place}) => place.isTypeof) ? undefined : capturedRefusal([name], name);
		}
	}
}

/**
 * Why a function that mentions itself cannot travel. Its text becomes a function of its own: properties that the program gave it stay
 * behind, and its name means the copy.
 */
export function selfRefusal(fn: object, facts: FunctionFacts, readScopes: () => readonly EnclosingScope[] | undefined): Refusal | undefined {
	const mentioned = (kind: BindingKind) => facts.bindings.find(binding =>
		binding.kind === kind && binding.node === facts.node && binding.references.length > 0);
	const self = mentioned('self');
	// Sloppy code reaches the function through `arguments.callee` as well.
	const isMentioned = self !== undefined || (!facts.isStrict && mentioned('arguments') !== undefined);
	const property = isMentioned ? addedProperty(fn, facts) : undefined;
	if (property !== undefined) {
		return {code: unsupported, words: `uses itself, and has ${property}, which its text does not tell. ${exportIt}`};
	}

	if (!self) {
		return undefined;
	}

	const {name} = self;
	if (self.references.some(({access}) => access === 'write')) {
		return {code: unsupported, variable: name, words: `assigns to its own name, which is a variable outside it. ${exportIt}`};
	}

	const scopes = readScopes();
	if (!scopes) {
		return {code: 'ERR_INSPECTOR_UNAVAILABLE', variable: name, words: `uses its own name, and without the inspector nothing tells what that means now. ${exportIt} ${allowIt}`};
	}

	const outside = scopes.find(({variables}) => Object.hasOwn(variables, name));
	const value: unknown = outside && Object.getOwnPropertyDescriptor(outside.variables, name)?.value;
	if (!outside || value === fn) {
		return undefined;
	}

	return {
		code: unsupported, variable: name, words: `uses its own name, which means something else in the code around it by now. ${exportIt}`,
	};
}

const inherent = new Set<string | symbol>(['length', 'name', 'prototype', 'arguments', 'caller']);

/** What the program has made of the function object, in words. */
function addedProperty(fn: object, {node}: FunctionFacts): string | undefined {
	const added = Reflect.ownKeys(fn).find(key => !inherent.has(key));
	if (added !== undefined) {
		return `the property ${String(added)}`;
	}

	const required = node.params.findIndex(parameter => parameter.type === 'AssignmentPattern' || parameter.type === 'RestElement');
	const length = required === -1 ? node.params.length : required;
	if (Object.getOwnPropertyDescriptor(fn, 'length')?.value !== length) {
		return 'a length of its own';
	}

	const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
	if (prototype instanceof Object) {
		const [constructor, ...others] = Reflect.ownKeys(prototype);
		if (constructor !== 'constructor' || others.length > 0 || Object.getPrototypeOf(prototype) !== Object.prototype) {
			return 'a prototype with properties';
		}
	}

	return typeof Object.getOwnPropertyDescriptor(fn, 'name')?.value === 'string' ? undefined : 'a name of its own';
}

const list = (names: readonly string[]): string => names.length > 1
	? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
	: String(names[0]);
