/** The plan of a function of which nothing is known but its text: every name that it does not declare may be a variable. */

import {parse, type AnyNode, type Program} from 'acorn';
import type {CodePlan} from './code-plan.js';
import {functionOffset} from './function-location.js';
import {makePlan} from './make-plan.js';
import {ScriptLines, type Place} from './script-lines.js';
import type {ScriptSyntax} from './script-syntax.js';
import {ancestorsOf} from './syntax-context.js';
import {walkText} from './syntax-walk.js';

export interface TextFacts {
	/** Whether the code around the function is strict. */
	readonly isStrict: boolean;
	readonly isModule: boolean;
}

/**
 * Plans a function by its text.
 *
 * @param text what Function.prototype.toString says
 * @param location where V8 says that it stands, counted from 0; without one, positions count from the beginning of the text
 * @returns undefined when it is no text that the parser knows
 */
export function planText(text: string, facts: TextFacts, location?: Place): CodePlan | undefined {
	// Within a function, an arrow function may use `new.target`, which is for the analysis to report.
	const head = `(function(){${facts.isStrict ? '"use strict";' : ''}return (`;
	const found = inExpression(head, text, ')})', facts)
		?? inExpression(`${head}{`, text, '})})', facts)
		?? privateMethod(`${head}{`, text, '})})', facts);
	if (!found) {
		return undefined;
	}

	const {source, start, root, node} = found;
	const uses = walkText(node, facts.isStrict || facts.isModule);
	const [region] = uses.regions.values();
	const script: ScriptSyntax = {
		source,
		kind: null,
		isModule: facts.isModule,
		root,
		uses,
		top: null,
		lines: placesFrom(source, location ? functionOffset(source, node) : start, location ?? {line: 0, column: 0}),
		imports: new Map(),
		exportsByLocal: new Map(),
	};
	return region && makePlan(script, region);
}

interface Found {
	readonly source: string;
	/** Where the text begins. */
	readonly start: number;
	readonly root: AnyNode;
	readonly node: Parameters<typeof walkText>[0];
}

function inExpression(head: string, text: string, tail: string, {isModule}: TextFacts): Found | undefined {
	const source = head + text + tail;
	const root = program(source, isModule ? 'module' : 'script');
	const [statement] = root?.body ?? [];
	const around = statement?.type === 'ExpressionStatement' && statement.expression.type === 'FunctionExpression' && statement.expression.body.body.at(-1);
	const node = around && around.type === 'ReturnStatement' && around.argument && functionIn(around.argument);
	return root && node
		? {
			source, start: head.length, root, node,
		}
		: undefined;
}

/** `#name() {}` exists in classes only; with another character in place of the `#` it is any method. */
function privateMethod(head: string, text: string, tail: string, facts: TextFacts): Found | undefined {
	const plain = text.replace(/^(?<modifiers>(?:async|get|set|\*|\s)*)#/v, '$<modifiers>_');
	const found = plain === text ? undefined : inExpression(head, plain, tail, facts);
	const parent = found && ancestorsOf(found.root, found.node).at(-1);
	if (parent?.type !== 'Property' || parent.key.type !== 'Identifier') {
		return undefined;
	}

	const {key} = parent;
	Object.assign(key, {type: 'PrivateIdentifier', name: key.name.slice(1)});
	return found;
}

/** The function that an expression is, or the only member of an object literal. */
function functionIn(expression: AnyNode): Found['node'] | undefined {
	switch (expression.type) {
		case 'FunctionExpression':
		case 'ArrowFunctionExpression':
		case 'ClassExpression': {
			return expression;
		}

		case 'ObjectExpression': {
			const [property, ...others] = expression.properties;
			return property?.type === 'Property' && property.value.type === 'FunctionExpression' && others.length === 0 ? property.value : undefined;
		}

		default: {
			return undefined;
		}
	}
}

function program(source: string, sourceType: 'module' | 'script'): Program | undefined {
	try {
		// What only the surroundings could allow is for the analysis to report, not for the parser to reject.
		return parse(source, {
			ecmaVersion: 'latest', sourceType, allowSuperOutsideMethod: true, allowImportExportEverywhere: true, checkPrivateFields: false,
		});
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof RangeError) {
			return undefined;
		}

		throw error;
	}
}

/** Places in the script, when one of them is known. The column of a line that the text does not begin is that in the text. */
function placesFrom(source: string, origin: number, location: Place): ScriptSyntax['lines'] {
	const lines = new ScriptLines(source);
	const first = lines.placeOf(origin);
	return {
		placeOf(offset) {
			const {line, column} = lines.placeOf(offset);
			return {line: line - first.line + location.line, column: line === first.line ? column - first.column + location.column : column};
		},
	};
}
