/**
 * Which parts of a piece of syntax are uses of names, and in which scope they stand. What only looks like a name (a key, a label, a
 * member) is passed over.
 */

import type {
	AnyNode, AssignmentExpression, AssignmentPattern, Identifier, Pattern,
} from 'acorn';
import {declareLexical, patternNames} from './declarations.js';
import {visitExpression, visitMember} from './expression-chain.js';
import type {FunctionNode} from './function-facts.js';
import type {ClassNode, NameUses} from './name-uses.js';
import type {Access, Scope} from './scope.js';

/** What a pattern does to its names. A declaration without a value does nothing. */
export type PatternUse = Exclude<Access, 'read'> | 'declare';

/** Who walks through the parts that have scopes of their own. */
export type Walker = {
	readonly uses: NameUses;
	function(node: FunctionNode, scope: Scope): void;
	class(node: ClassNode, scope: Scope): void;
	pattern(pattern: Pattern, scope: Scope, use: PatternUse): void;
};

export type NodeOf<Type extends AnyNode['type']> = Extract<AnyNode, {type: Type}>;
type Visitors = {readonly [Type in AnyNode['type']]?: (node: NodeOf<Type>, scope: Scope, walker: Walker) => void};

/** Visits a node and everything in it. */
export function visit(node: AnyNode | null | undefined, scope: Scope, walker: Walker): void {
	if (!node) {
		return;
	}

	const visitor = visitors[node.type] as ((node: AnyNode, scope: Scope, walker: Walker) => void) | undefined;
	(visitor ?? visitChildren)(node, scope, walker);
}

function visitChildren(node: AnyNode, scope: Scope, walker: Walker): void {
	for (const value of Object.values(node) as unknown[]) {
		for (const child of Array.isArray(value) ? value as unknown[] : [value]) {
			if (isNode(child)) {
				visit(child, scope, walker);
			}
		}
	}
}

/** Visits each of a list. Arrays have holes. */
export function visitAll(nodes: ReadonlyArray<AnyNode | null>, scope: Scope, walker: Walker): void {
	for (const node of nodes) {
		visit(node, scope, walker);
	}
}

const isNode = (value: unknown): value is AnyNode =>
	typeof value === 'object' && value !== null && typeof (value as {type?: unknown}).type === 'string';

const visitFunction = (node: FunctionNode, scope: Scope, walker: Walker): void => {
	walker.function(node, scope);
};

const visitClass = (node: ClassNode, scope: Scope, walker: Walker): void => {
	walker.class(node, scope);
};

const visitForEach = (node: NodeOf<'ForInStatement' | 'ForOfStatement'>, scope: Scope, walker: Walker): void => {
	const loop = walker.uses.scope(scope);
	if (node.left.type === 'VariableDeclaration') {
		declareLexical([node.left], loop);
		for (const {id, init} of node.left.declarations) {
			walker.pattern(id, loop, 'initialise');
			visit(init, loop, walker);
		}
	} else {
		walker.pattern(node.left, loop, 'write');
	}

	// `for (const x of x)` meets its own x, before that has a value.
	visit(node.right, loop, walker);
	visit(node.body, loop, walker);
};

const visitNothing = (): void => undefined;

/** Whether a function or class takes the name of the variable that it is assigned to. `(name) = () => {}` gives none. */
export const givesName = <Assignment extends AssignmentExpression | AssignmentPattern>(node: Assignment): node is Assignment & {left: Identifier} =>
	node.left.type === 'Identifier' && node.left.start === node.start && isAnonymous(node.right);

const isAnonymous = (node: AnyNode): boolean =>
	node.type === 'ArrowFunctionExpression' || ((node.type === 'FunctionExpression' || node.type === 'ClassExpression') && !node.id);

const visitors: Visitors = {
	Identifier(node, scope, {uses}) {
		uses.use(node, scope, 'read');
	},

	PrivateIdentifier(node, scope, {uses}) {
		uses.use(node, scope, 'read');
	},

	FunctionDeclaration: visitFunction as (node: NodeOf<'FunctionDeclaration'>, scope: Scope, walker: Walker) => void,
	FunctionExpression: visitFunction,
	ArrowFunctionExpression: visitFunction,
	ClassDeclaration: visitClass as (node: NodeOf<'ClassDeclaration'>, scope: Scope, walker: Walker) => void,
	ClassExpression: visitClass,

	ThisExpression(node, scope, {uses}) {
		uses.useKeyword('this', node, scope);
	},

	Super(node, scope, {uses}) {
		uses.useKeyword('super', node, scope);
	},

	MetaProperty(node, scope, {uses}) {
		uses.useKeyword(node.meta.name === 'new' ? 'new.target' : 'import.meta', node, scope);
	},

	ImportExpression(node, scope, walker) {
		walker.uses.dynamicImports.push(node);
		visitChildren(node, scope, walker);
	},

	CallExpression: visitExpression,
	TaggedTemplateExpression: visitExpression,
	MemberExpression: visitExpression,
	ChainExpression: visitExpression,
	BinaryExpression: visitExpression,
	LogicalExpression: visitExpression,

	UnaryExpression(node, scope, walker) {
		const {operator, argument, start} = node;
		if (argument.type === 'Identifier') {
			walker.uses.use(argument, scope, operator === 'delete' ? 'write' : 'read', {isTypeof: operator === 'typeof', isDeleted: operator === 'delete'});
		} else if (operator === 'delete' && argument.type === 'MemberExpression') {
			visitMember(argument, scope, walker);
		} else {
			visit(argument, scope, walker);
		}

		if (operator === '!' && argument.type === 'UpdateExpression' && argument.prefix && argument.start === start + 1) {
			walker.uses.commentLike.push(start);
		}
	},

	Property(node, scope, walker) {
		visit(node.computed ? node.key : undefined, scope, walker);
		if (node.shorthand && node.value.type === 'Identifier') {
			walker.uses.use(node.value, scope, 'read', {isShorthand: true});
		} else {
			visit(node.value, scope, walker);
		}
	},

	AssignmentExpression(node, scope, walker) {
		if (node.operator !== '=' && node.left.type === 'Identifier') {
			walker.uses.use(node.left, scope, 'read');
		}

		if (givesName(node)) {
			walker.uses.use(node.left, scope, 'write', {named: node.right});
		} else {
			walker.pattern(node.left, scope, 'write');
		}

		visit(node.right, scope, walker);
	},

	UpdateExpression({argument}, scope, walker) {
		if (argument.type === 'Identifier') {
			walker.uses.use(argument, scope, 'read');
			walker.uses.use(argument, scope, 'write');
		} else if (argument.type === 'MemberExpression') {
			visitMember(argument, scope, walker);
		} else {
			visit(argument, scope, walker);
		}
	},

	VariableDeclaration(node, scope, walker) {
		for (const {id, init} of node.declarations) {
			walker.pattern(id, scope, init ? 'initialise' : 'declare');
			visit(init, scope, walker);
		}
	},

	BlockStatement(node, scope, walker) {
		const block = walker.uses.scope(scope);
		declareLexical(node.body, block);
		visitAll(node.body, block, walker);
	},

	ForStatement(node, scope, walker) {
		const loop = walker.uses.scope(scope);
		if (node.init?.type === 'VariableDeclaration') {
			declareLexical([node.init], loop);
		}

		visitChildren(node, loop, walker);
	},

	ForInStatement: visitForEach,
	ForOfStatement: visitForEach,

	SwitchStatement(node, scope, walker) {
		visit(node.discriminant, scope, walker);
		const block = walker.uses.scope(scope);
		declareLexical(node.cases.flatMap(clause => clause.consequent), block);
		for (const clause of node.cases) {
			visit(clause, block, walker);
		}
	},

	IfStatement(node, scope, walker) {
		visit(node.test, scope, walker);
		for (const clause of [node.consequent, node.alternate]) {
			// `if (x) function f() {}`: the function stands as if in a block of its own.
			const block = walker.uses.scope(scope);
			declareLexical(clause ? [clause] : [], block);
			visit(clause, block, walker);
		}
	},

	CatchClause(node, scope, walker) {
		const clause = walker.uses.scope(scope);
		if (node.param) {
			for (const name of patternNames(node.param)) {
				clause.declare(name.name, 'catch', node);
			}

			walker.pattern(node.param, clause, 'declare');
		}

		visit(node.body, clause, walker);
	},

	WithStatement(node, scope, walker) {
		walker.uses.withs.push(node.start);
		visit(node.object, scope, walker);
		visit(node.body, walker.uses.scope(scope, 'with'), walker);
	},

	LabeledStatement(node, scope, walker) {
		visit(node.body, scope, walker);
	},

	Literal: visitNothing,
	TemplateElement: visitNothing,
	BreakStatement: visitNothing,
	ContinueStatement: visitNothing,

	ImportDeclaration: visitNothing,
	ExportAllDeclaration: visitNothing,

	// The most frequent ones: looking through the properties of a node takes longer.
	ExpressionStatement(node, scope, walker) {
		visit(node.expression, scope, walker);
	},

	ReturnStatement(node, scope, walker) {
		visit(node.argument, scope, walker);
	},

	ObjectExpression(node, scope, walker) {
		visitAll(node.properties, scope, walker);
	},

	ArrayExpression(node, scope, walker) {
		visitAll(node.elements, scope, walker);
	},

	ConditionalExpression(node, scope, walker) {
		visit(node.test, scope, walker);
		visit(node.consequent, scope, walker);
		visit(node.alternate, scope, walker);
	},

	ExportNamedDeclaration(node, scope, walker) {
		visit(node.declaration, scope, walker);
		for (const {local} of node.source ? [] : node.specifiers) {
			if (local.type === 'Identifier') {
				walker.uses.use(local, scope, 'read');
			}
		}
	},
};
