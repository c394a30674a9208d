/**
 * What a function can need of the code around it besides variables. None of it can be read from outside, so each is refused.
 */

import type {ImportExpression} from 'acorn';
import type {FunctionFacts} from './function-facts.js';
import {exportIt, type Refusal} from './function-refusal.js';

/** Why a function cannot leave the code it stands in; undefined when it can, its variables apart. */
export function surroundingsRefusal(facts: FunctionFacts): Refusal | undefined {
	const {node, freeNames} = facts;
	const isArrow = node.type === 'ArrowFunctionExpression';
	if (node.generator) {
		return {
			code: 'ERR_CAPTURE_UNSUPPORTED',
			words: 'is a generator: the iterator that it returns cannot travel. Submit a function that iterates itself and returns the values in an array.',
		};
	}

	if (facts.hasDirectEval) {
		return {
			code: 'ERR_CAPTURE_EVAL',
			words: `calls eval, which can use any variable around the function. Call (0, eval)(text), which sees globals only. ${exportIt}`,
		};
	}

	if (facts.hasWith) {
		return {code: 'ERR_CAPTURE_UNSUPPORTED', words: `has a with statement, so its names cannot be told apart. ${exportIt}`};
	}

	if (facts.usesSuper) {
		return {code: 'ERR_CAPTURE_SUPER', words: `uses super of the class or object it belongs to. ${exportIt}`};
	}

	const privateName = [...freeNames.keys()].find(name => name.startsWith('#'));
	if (privateName !== undefined) {
		return {
			code: 'ERR_CAPTURE_PRIVATE', variable: privateName, words: `uses the private name ${privateName} of the class it belongs to. ${exportIt}`,
		};
	}

	if (isArrow && facts.usesThis) {
		return {
			code: 'ERR_CAPTURE_THIS', variable: 'this', words: `is an arrow function that uses the \`this\` of the code around it. Pass the object as an argument. ${exportIt}`,
		};
	}

	if (freeNames.has('arguments')) {
		return {
			code: 'ERR_CAPTURE_ARGUMENTS', variable: 'arguments', words: 'is an arrow function that uses the `arguments` of the function around it. Take them as a rest parameter: (...args) => ….',
		};
	}

	if (isArrow && facts.usesNewTarget) {
		return {
			code: 'ERR_CAPTURE_NEW_TARGET', variable: 'new.target', words: 'is an arrow function that uses the `new.target` of the function around it. Pass it as an argument.',
		};
	}

	if (facts.usesImportMeta) {
		return {
			code: 'ERR_CAPTURE_UNSUPPORTED', variable: 'import.meta', words: `uses import.meta of its module. Pass what it needs of it as an argument. ${exportIt}`,
		};
	}

	return facts.dynamicImports.map(node => importRefusal(node)).find(Boolean);
}

/** Text that travels has no place from which a relative specifier could be resolved. */
function importRefusal({source}: ImportExpression): Refusal | undefined {
	const specifier = source.type === 'Literal' && typeof source.value === 'string' ? source.value : undefined;
	if (specifier === undefined) {
		return {
			code: 'ERR_CAPTURE_UNSUPPORTED', words: `calls import() with a computed specifier, which is resolved from the place of its module. ${exportIt}`,
		};
	}

	if (/^[.\/#]/v.test(specifier)) {
		return {
			code: 'ERR_CAPTURE_UNSUPPORTED', words: `imports '${specifier}', which is resolved from the place of its module. Use a file: URL. ${exportIt}`,
		};
	}

	return undefined;
}
