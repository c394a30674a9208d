/** Expressions that begin with another one, and so nest as deeply as they are long: `a.b().c + d + …`. */

import type {AnyNode} from 'acorn';
import type {Place, Scope} from './scope.js';
import {
	visit, visitAll, type NodeOf, type Walker,
} from './syntax-visit.js';

type ChainNode = NodeOf<'CallExpression' | 'TaggedTemplateExpression' | 'MemberExpression' | 'ChainExpression' | 'BinaryExpression' | 'LogicalExpression'>;

/** The part that an expression begins with. */
function head(node: ChainNode): AnyNode {
	switch (node.type) {
		case 'CallExpression': {
			return node.callee;
		}

		case 'TaggedTemplateExpression': {
			return node.tag;
		}

		case 'MemberExpression': {
			return node.object;
		}

		case 'ChainExpression': {
			return node.expression;
		}

		case 'BinaryExpression':
		case 'LogicalExpression': {
			return node.left;
		}
	}
}

const isChain = (node: AnyNode): node is ChainNode => chainTypes.has(node.type);

const chainTypes: ReadonlySet<string> = new Set<ChainNode['type']>([
	'CallExpression', 'TaggedTemplateExpression', 'MemberExpression', 'ChainExpression', 'BinaryExpression', 'LogicalExpression',
]);

/** `a.b().c + d + …`: such an expression nests as deeply as it is long, so its levels are no calls of functions here. */
function visitChain(node: ChainNode, scope: Scope, walker: Walker, isWritten = false): void {
	const chain = [node];
	for (let inner = head(node); isChain(inner); inner = head(inner)) {
		chain.push(inner);
	}

	const innermost = chain.at(-1)!;
	const first = head(innermost);
	if (first.type === 'Identifier') {
		const isMemberWritten = isWritten && chain.every(({type}) => type === 'MemberExpression');
		walker.uses.use(first, scope, 'read', placeIn(innermost, first.name, isMemberWritten));
	} else {
		visit(first, scope, walker);
	}

	for (const level of chain.toReversed()) {
		visitRest(level, scope, walker);
	}
}

/** The place of the name that an expression begins with. */
function placeIn(node: ChainNode, name: string, isMemberWritten: boolean): Place {
	switch (node.type) {
		case 'CallExpression': {
			// By the standard, `eval?.(text)` is an indirect eval.
			return {isCalled: true, isDirectEval: name === 'eval' && !node.optional};
		}

		case 'TaggedTemplateExpression': {
			return {isCalled: true};
		}

		case 'MemberExpression': {
			const member = memberKey(node);
			return member === undefined ? {isMemberWritten} : {isMemberWritten, member};
		}

		case 'ChainExpression':
		case 'BinaryExpression':
		case 'LogicalExpression': {
			return {};
		}
	}
}

function memberKey({property, computed}: NodeOf<'MemberExpression'>): string | undefined {
	if (computed) {
		return property.type === 'Literal' && typeof property.value === 'string' ? property.value : undefined;
	}

	return property.type === 'Identifier' ? property.name : undefined;
}

/** Visits what stands behind the head of an expression. */
function visitRest(node: ChainNode, scope: Scope, walker: Walker): void {
	switch (node.type) {
		case 'CallExpression': {
			visitAll(node.arguments, scope, walker);
			break;
		}

		case 'TaggedTemplateExpression': {
			visit(node.quasi, scope, walker);
			break;
		}

		case 'MemberExpression': {
			visit(node.computed || node.property.type === 'PrivateIdentifier' ? node.property : undefined, scope, walker);
			break;
		}

		case 'ChainExpression': {
			break;
		}

		case 'BinaryExpression':
		case 'LogicalExpression': {
			visit(node.right, scope, walker);
			break;
		}
	}
}

/** Visits an expression that is read. */
export function visitExpression(node: ChainNode, scope: Scope, walker: Walker): void {
	visitChain(node, scope, walker);
}

/** Visits a member that is assigned to, or deleted. */
export function visitMember(node: NodeOf<'MemberExpression'>, scope: Scope, walker: Walker): void {
	visitChain(node, scope, walker, true);
}
