/** Which part of a script is the text of a function, and what makes an expression of it. */

import type {CapturedKind} from './code.js';
import type {ClassMember} from './code-plan.js';
import {type Edit, lineEnds} from './code-rewrite.js';
import type {FunctionNode} from './function-facts.js';
import type {Region} from './name-uses.js';
import type {ScriptSyntax} from './script-syntax.js';
import {
	ancestorsOf, methodOf, syntacticName, type Method,
} from './syntax-context.js';

/** A value that is needed to create a class. */
export interface EarlyValue {
	readonly kind: CapturedKind;
	readonly parameter: string;
	readonly name: string;
	/** Where it stands in the script. */
	readonly offset: number;
}

export interface CodeShape {
	readonly name: string;
	readonly start: number;
	readonly end: number;
	readonly head: string;
	readonly tail: string;
	/** What is replaced besides names. */
	readonly edits: readonly Edit[];
	/** Parts of the script that the text goes without. */
	readonly left: ReadonlyArray<{readonly start: number; readonly end: number}>;
	readonly early: readonly EarlyValue[];
	/** Of a class. */
	readonly members: readonly ClassMember[] | null;
}

export const isLeft = ({left}: CodeShape, offset: number): boolean => left.some(({start, end}) => offset >= start && offset < end);

export function functionShape(script: ScriptSyntax, {node}: Region): CodeShape {
	const parent = ancestorsOf(script.root, node).at(-1);
	const method = methodOf(node, parent);
	const {head, tail} = method ? methodEnds(node as FunctionNode, method) : {head: '', tail: ''};
	return {
		name: syntacticName(node, parent), start: node.start, end: node.end, head, tail, edits: [], left: [], early: [], members: null,
	};
}

/** A method is no expression; its key may be computed, and is evaluated already. Accessors are methods that are called otherwise. */
function methodEnds({async, generator}: FunctionNode, method: Method): {readonly head: string; readonly tail: string} {
	const known = method.key.type === 'Identifier' && !method.computed ? method.key.name : 'method';
	return {head: `({${async ? 'async ' : ''}${generator ? '*' : ''}${known}`, tail: `}).${known}`};
}

/** Puts a parameter in place of a part of the script. */
export const replacement = (source: string, {start, end}: {readonly start: number; readonly end: number}, text: string): Edit =>
	({start, end, text: text + lineEnds(source.slice(start, end))});

