/**
 * Whether a function runs in strict mode. Its text tells only when it has the directive: modules and classes are strict without one.
 */

import vm from 'node:vm';
import type {EnclosingScope} from './function-inspection.js';
import type {FunctionFacts, FunctionNode} from './function-facts.js';

/** `unknown`: the two modes can differ for this function, and nothing tells which one it was made in. */
export type Strictness = 'strict' | 'sloppy' | 'unknown';

const isPlain = (node: FunctionNode): boolean => node.type !== 'ArrowFunctionExpression' && !node.async && !node.generator;

// Kept from the time the package was loaded, so that no code of the program runs.
const argumentsGetter = Object.getOwnPropertyDescriptor(Function.prototype, 'arguments')?.get;

/**
 * Plain sloppy functions have the legacy properties `arguments` and `caller`, and no others have them. They are the function's own up to
 * V8 13; from V8 14 on they are accessors of Function.prototype, which throw for every other function.
 */
function hasLegacyProperties(fn: object): boolean {
	if (Object.hasOwn(fn, 'caller')) {
		return true;
	}

	try {
		argumentsGetter?.call(fn);
		return argumentsGetter !== undefined;
	} catch {
		return false;
	}
}

let tells: boolean | undefined;

/** Whether this V8 tells sloppy functions in one of the two ways. */
function legacyPropertiesTell(): boolean {
	tells ??= hasLegacyProperties(vm.runInThisContext('(function () {})') as object);
	return tells;
}

/** What the function object itself tells. Arrows, methods and async functions look the same in both modes. */
export function ownStrictness(fn: object, node: FunctionNode): Strictness {
	if (!isPlain(node) || !Object.hasOwn(fn, 'prototype')) {
		return 'unknown';
	}

	if (hasLegacyProperties(fn)) {
		return 'sloppy';
	}

	return legacyPropertiesTell() ? 'strict' : 'unknown';
}

/** A module is strict throughout. */
export const isInModule = (scopes: readonly EnclosingScope[] | undefined): boolean =>
	scopes?.some(scope => scope.description === 'Module') ?? false;

/**
 * Whether a function could give another result in strict mode without an error telling so. (An assignment to a read-only property also
 * differs, but strict mode throws there.)
 *
 * @param functions the analysis of the function as sloppy code
 */
export function isSensitiveToMode(functions: readonly FunctionFacts[]): boolean {
	const topLevel = new Set<unknown>(functions.flatMap(({node}) => node.body.type === 'BlockStatement' ? node.body.body : []));
	return functions.some(facts => {
		const {node, isStrict} = facts;
		if (isStrict || node.type === 'ArrowFunctionExpression') {
			return false;
		}

		const seesArguments = facts.bindings.some(({kind, references}) => kind === 'arguments' && references.length > 0);
		return facts.usesThis
			// Sloppy code ties `arguments` to the parameters.
			|| (seesArguments && node.params.length > 0)
			// A function in a block is a variable of the whole function only in sloppy code.
			|| (node.type === 'FunctionDeclaration' && isPlain(node) && !topLevel.has(node));
	});
}
