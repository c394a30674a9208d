/** The plan of a function of which nothing is known but its text: every name that it does not declare may be a variable. */

import {parse, type AnyNode, type Program} from 'acorn';
import type {CodePlan} from './code-plan.js';
import {functionOffset} from './function-location.js';
import {makePlan} from './make-plan.js';
import {ScriptLines, type Place} from './script-lines.js';
import type {ScriptSyntax} from './script-syntax.js';
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
 * @returns undefined when it is no text that the parser knows, or that of a private method
 */
export function planText(text: string, facts: TextFacts, location?: Place): CodePlan | undefined {
	const directive = facts.isStrict && !facts.isModule ? '"use strict";' : '';
	const found = inExpression(`${directive}(`, text, ')', facts) ?? inExpression(`${directive}({`, text, '})', facts);
	if (!found) {
		return undefined;
	}

	const {source, head, root, node} = found;
	const uses = walkText(node, facts.isStrict || facts.isModule);
	const [region] = uses.regions.values();
	const script: ScriptSyntax = {
		source,
		kind: null,
		isModule: facts.isModule,
		root,
		uses,
		top: null,
		lines: placesFrom(source, location ? functionOffset(source, node) : head.length, location ?? {line: 0, column: 0}),
		imports: new Map(),
		exportsByLocal: new Map(),
	};
	return region && makePlan(script, region);
}

interface Found {
	readonly source: string;
	readonly head: string;
	readonly root: AnyNode;
	readonly node: Parameters<typeof walkText>[0];
}

function inExpression(head: string, text: string, tail: string, {isModule}: TextFacts): Found | undefined {
	const source = head + text + tail;
	const root = program(source, isModule ? 'module' : 'script');
	const statement = root?.body.at(-1);
	const node = statement?.type === 'ExpressionStatement' && functionIn(statement.expression);
	return root && node
		? {
			source, head, root, node,
		}
		: undefined;
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
