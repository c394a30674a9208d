/**
 * What a function can need of the code around it besides variables. None of it can be read from outside, so each is refused.
 */

import {exportIt, type Refusal} from './function-refusal.js';
import type {Region} from './name-uses.js';
import type {Binding, Reference, Scope} from './scope.js';
import type {ScriptSyntax} from './script-syntax.js';

const unsupported = 'ERR_CAPTURE_UNSUPPORTED';

/**
 * Why a function cannot leave the code it stands in; null when it can, its variables apart.
 *
 * @param within the uses of names in it
 * @param free those of names that it does not declare
 */
export function planRefusal(script: ScriptSyntax, {node, outside, firstScope}: Region, within: readonly Reference[], free: readonly Reference[]): Refusal | null {
	if (within.some(({place}) => place.isDirectEval)) {
		return {
			code: 'ERR_CAPTURE_EVAL',
			words: `calls eval, which can use any variable around the function. Call (0, eval)(text), which sees globals only. ${exportIt}`,
		};
	}

	if (script.uses.withs.some(start => start >= node.start && start < node.end)) {
		return {code: unsupported, words: `has a with statement, so its names cannot be told apart. ${exportIt}`};
	}

	// A method has a super of its own, which is that of its object.
	if (within.some(({name, binding}) => name === 'super' && (!binding || binding.scope.number <= firstScope))) {
		return {code: 'ERR_CAPTURE_SUPER', words: `uses super of the class or object it belongs to. ${exportIt}`};
	}

	for (const reference of free) {
		const refusal = keywordRefusal(script, reference) ?? scopeRefusal(reference, outside) ?? useRefusal(script, reference);
		if (refusal) {
			return refusal;
		}
	}

	return null;
}

/** Names that are no variables of the program. */
function keywordRefusal({kind}: ScriptSyntax, {name, binding}: Reference): Refusal | undefined {
	if (name.startsWith('#')) {
		return {
			code: 'ERR_CAPTURE_PRIVATE', variable: name, words: `uses the private name ${name} of the class it belongs to. ${exportIt}`,
		};
	}

	switch (name) {
		case 'this': {
			// That of a module is undefined, wherever the code runs.
			return kind === 'module' && binding?.scope.kind === 'program'
				? undefined
				: {
					code: 'ERR_CAPTURE_THIS', variable: 'this', words: `is an arrow function that uses the \`this\` of the code around it. Pass the object as an argument. ${exportIt}`,
				};
		}

		case 'arguments': {
			return binding && binding.kind !== 'arguments'
				? undefined
				: {
					code: 'ERR_CAPTURE_ARGUMENTS', variable: 'arguments', words: 'is an arrow function that uses the `arguments` of the function around it. Take them as a rest parameter: (...args) => ….',
				};
		}

		case 'new.target': {
			return {
				code: 'ERR_CAPTURE_NEW_TARGET', variable: 'new.target', words: 'is an arrow function that uses the `new.target` of the function around it. Pass it as an argument.',
			};
		}

		default: {
			return undefined;
		}
	}
}

/** What stands between a function and the declaration of a name can give the name another meaning. */
function scopeRefusal({name, binding}: Reference, outside: Scope): Refusal | undefined {
	if (name === 'this' || name === 'import.meta') {
		return undefined;
	}

	for (let scope: Scope | undefined = outside; scope && scope !== binding?.scope; scope = scope.parent) {
		if (scope.kind === 'with') {
			return {code: unsupported, words: `stands inside a with statement, so its names cannot be told apart. ${exportIt}`};
		}

		// At the top level of a script, eval declares globals.
		if (scope.isOpenToEval && scope.kind !== 'program') {
			return {code: 'ERR_CAPTURE_EVAL', variable: name, words: `uses ${name}, and stands in a function that calls eval, which can declare a variable of that name. ${exportIt}`};
		}
	}

	return undefined;
}

function useRefusal({kind}: ScriptSyntax, {name, binding, place}: Reference): Refusal | undefined {
	if (place.isDeleted) {
		return {code: unsupported, variable: name, words: `deletes ${name}, which is outside it. ${exportIt}`};
	}

	// In a text alone, it is the function's own name.
	if (binding && kind !== null && isOwnNameOfFunction(binding)) {
		return {
			code: unsupported, variable: name, words: `uses ${name}, the name that a function expression around it has for itself, which nothing can read from outside. Give that function to a variable, and use the variable.`,
		};
	}

	return undefined;
}

/** V8 does not list it among the variables around a function. */
const isOwnNameOfFunction = ({kind, node}: Binding): boolean => kind === 'self' && node.type === 'FunctionExpression';

export const undeclaredWrite = (name: string): Refusal => ({
	code: unsupported, variable: name, words: `assigns to ${name}, which is outside it: the assignment would be lost. Return the value instead.`,
});
