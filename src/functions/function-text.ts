/**
 * The text of a function as an expression.
 *
 * `Function.prototype.toString` gives what stood in the file. For a method or an accessor that is no expression, and its computed key
 * would be evaluated a second time: such a text is written anew around the same parameters and body.
 */

import {parse, type Expression} from 'acorn';
import type {FunctionNode} from './function-facts.js';

export type FunctionText = {
	readonly node: FunctionNode;
	/** An expression whose value is the function. */
	readonly expression: string;
	/** Whether the text has `<!--` or `-->` comments, which are operators in a module. */
	readonly hasHtmlComments: boolean;
};

const methodKey = 'method';

/** What the text of a function is, or undefined when it is none that this parser knows. A class is reported as `class`. */
export function parseFunctionText(text: string, isStrict: boolean): FunctionText | 'class' | undefined {
	const directive = isStrict ? '"use strict";' : '';
	return parseExpression(text, `(function(){${directive}return (`, ')})')
		?? parseMethod(text, `(function(){${directive}return {`, '}})')
		?? parsePrivateMethod(text);
}

function parseExpression(text: string, head: string, tail: string): FunctionText | 'class' | undefined {
	const parsed = returned(head, text, tail);
	switch (parsed?.value.type) {
		case 'FunctionExpression':
		case 'ArrowFunctionExpression': {
			return {node: parsed.value, expression: text, hasHtmlComments: parsed.hasHtmlComments};
		}

		case 'ClassExpression': {
			return 'class';
		}

		default: {
			return undefined;
		}
	}
}

function parseMethod(text: string, head: string, tail: string): FunctionText | undefined {
	const parsed = returned(head, text, tail);
	if (parsed?.value.type !== 'ObjectExpression' || parsed.value.properties.length !== 1) {
		return undefined;
	}

	const [property] = parsed.value.properties;
	if (property?.type !== 'Property' || property.value.type !== 'FunctionExpression') {
		return undefined;
	}

	const node = property.value;
	const modifiers = `${node.async ? 'async ' : ''}${node.generator ? '*' : ''}`;
	const rest = text.slice(node.start - head.length, node.end - head.length);
	return {
		node,
		expression: `({${modifiers}${methodKey}${rest}}).${methodKey}`,
		hasHtmlComments: parsed.hasHtmlComments,
	};
}

/** `#name() {}` exists in classes only; with the `#` taken away it is any method. */
function parsePrivateMethod(text: string): FunctionText | undefined {
	const plain = text.replace(/^(?<modifiers>(?:async|get|set|\*|\s)*)#/v, '$<modifiers>');
	return plain === text ? undefined : parseMethod(plain, '(function(){"use strict";return {', '}})');
}

type Returned = {readonly value: Expression; readonly hasHtmlComments: boolean};

function returned(head: string, text: string, tail: string): Returned | undefined {
	const source = head + text + tail;
	let hasHtmlComments = false;
	try {
		const program = parse(source, {
			ecmaVersion: 'latest',
			sourceType: 'script',
			// What only the surroundings could allow is for the analysis to report, not for the parser to reject.
			allowSuperOutsideMethod: true,
			allowImportExportEverywhere: true,
			checkPrivateFields: false,
			onComment(_isBlock, _text, start) {
				hasHtmlComments ||= source[start] !== '/';
			},
		});
		const [statement] = program.body;
		if (statement?.type !== 'ExpressionStatement' || statement.expression.type !== 'FunctionExpression') {
			return undefined;
		}

		const last = statement.expression.body.body.at(-1);
		return last?.type === 'ReturnStatement' && last.argument ? {value: last.argument, hasHtmlComments} : undefined;
	} catch (error) {
		if (error instanceof SyntaxError) {
			return undefined;
		}

		throw error;
	}
}
