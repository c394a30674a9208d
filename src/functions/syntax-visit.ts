/**
 * Which parts of a piece of syntax are uses of names, and in which scope they stand. What only looks like a name (a key, a label, a
 * member) is passed over.
 */

import type {
	AnyNode, ClassDeclaration, ClassExpression, Pattern,
} from 'acorn';
import {declareLexical, patternNames} from './declarations.js';
import type {FunctionFacts, FunctionNode} from './function-facts.js';
import type {NameUses} from './name-uses.js';
import type {Access, Scope} from './scope.js';

/** What a pattern does to its names. A declaration without a value does nothing. */
export type PatternUse = Exclude<Access, 'read'> | 'declare';

/** Who walks through the parts that have scopes of their own. */
export type Walker = {
	readonly uses: NameUses;
	function(node: FunctionNode, scope: Scope): FunctionFacts;
	class(node: ClassDeclaration | ClassExpression, scope: Scope): void;
	pattern(pattern: Pattern, scope: Scope, use: PatternUse): void;
};

type NodeOf<Type extends AnyNode['type']> = Extract<AnyNode, {type: Type}>;
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

const isNode = (value: unknown): value is AnyNode =>
	typeof value === 'object' && value !== null && typeof (value as {type?: unknown}).type === 'string';

const visitFunction = (node: FunctionNode, scope: Scope, walker: Walker): void => {
	walker.function(node, scope);
};

const visitClass = (node: ClassDeclaration | ClassExpression, scope: Scope, walker: Walker): void => {
	walker.class(node, scope);
};

const visitForEach = (node: NodeOf<'ForInStatement' | 'ForOfStatement'>, scope: Scope, walker: Walker): void => {
	const head = walker.uses.scope(scope);
	if (node.left.type === 'VariableDeclaration') {
		declareLexical([node.left], head);
		for (const {id, init} of node.left.declarations) {
			walker.pattern(id, head, 'initialise');
			visit(init, head, walker);
		}
	} else {
		walker.pattern(node.left, head, 'write');
	}

	// `for (const x of x)` meets its own x, before that has a value.
	visit(node.right, head, walker);
	visit(node.body, head, walker);
};

const visitNothing = (): void => undefined;

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

	ThisExpression(_node, _scope, {uses}) {
		uses.escape('usesThis');
	},

	Super(_node, _scope, {uses}) {
		uses.escape('usesSuper');
	},

	MetaProperty(node, _scope, {uses}) {
		if (node.meta.name === 'new') {
			uses.escape('usesNewTarget');
		} else {
			uses.mark('usesImportMeta');
		}
	},

	ImportExpression(node, scope, walker) {
		walker.uses.dynamicImport(node);
		visitChildren(node, scope, walker);
	},

	CallExpression(node, scope, walker) {
		// By the standard, `eval?.(text)` is an indirect eval.
		if (node.callee.type === 'Identifier' && node.callee.name === 'eval' && !node.optional) {
			walker.uses.mark('hasDirectEval');
		}

		visitChildren(node, scope, walker);
	},

	UnaryExpression(node, scope, walker) {
		if (node.argument.type === 'Identifier') {
			walker.uses.use(node.argument, scope, node.operator === 'delete' ? 'write' : 'read', node.operator === 'typeof');
		} else {
			visit(node.argument, scope, walker);
		}
	},

	MemberExpression(node, scope, walker) {
		visit(node.object, scope, walker);
		visit(node.computed || node.property.type === 'PrivateIdentifier' ? node.property : undefined, scope, walker);
	},

	Property(node, scope, walker) {
		visit(node.computed ? node.key : undefined, scope, walker);
		visit(node.value, scope, walker);
	},

	AssignmentExpression(node, scope, walker) {
		if (node.operator !== '=' && node.left.type === 'Identifier') {
			walker.uses.use(node.left, scope, 'read');
		}

		walker.pattern(node.left, scope, 'write');
		visit(node.right, scope, walker);
	},

	UpdateExpression(node, scope, walker) {
		visit(node.argument, scope, walker);
		if (node.argument.type === 'Identifier') {
			walker.uses.use(node.argument, scope, 'write');
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
		visitChildren(node, block, walker);
	},

	ForStatement(node, scope, walker) {
		const head = walker.uses.scope(scope);
		if (node.init?.type === 'VariableDeclaration') {
			declareLexical([node.init], head);
		}

		visitChildren(node, head, walker);
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
		const head = walker.uses.scope(scope);
		if (node.param) {
			for (const name of patternNames(node.param)) {
				head.declare(name.name, 'catch', node);
			}

			walker.pattern(node.param, head, 'declare');
		}

		visit(node.body, head, walker);
	},

	WithStatement(node, scope, walker) {
		walker.uses.mark('hasWith');
		visitChildren(node, scope, walker);
	},

	LabeledStatement(node, scope, walker) {
		visit(node.body, scope, walker);
	},

	BreakStatement: visitNothing,
	ContinueStatement: visitNothing,
};
