/**
 * Which names a piece of syntax declares, and in which scope they land.
 *
 * Declarations are collected when a scope is entered, before anything in it is visited: a use may stand in front of its declaration.
 */

import type {
	AnyNode, CatchClause, Identifier, ModuleDeclaration, Pattern, Statement, VariableDeclaration,
} from 'acorn';
import type {BindingKind, Scope} from './scope.js';

type Item = Statement | ModuleDeclaration;

/** Names that a destructuring pattern, a parameter or a plain identifier declares. */
export function * patternNames(pattern: Pattern): Generator<Identifier> {
	switch (pattern.type) {
		case 'Identifier': {
			yield pattern;
			break;
		}

		case 'ObjectPattern': {
			for (const property of pattern.properties) {
				yield * patternNames(property.type === 'RestElement' ? property.argument : property.value);
			}

			break;
		}

		case 'ArrayPattern': {
			for (const element of pattern.elements) {
				if (element) {
					yield * patternNames(element);
				}
			}

			break;
		}

		case 'AssignmentPattern': {
			yield * patternNames(pattern.left);
			break;
		}

		case 'RestElement': {
			yield * patternNames(pattern.argument);
			break;
		}

		// A member expression is a target of assignments, it declares nothing.
		case 'MemberExpression': {
			break;
		}
	}
}

/** The statement behind its labels and `export`: `a: b: function f() {}` declares f as if the labels were not there. */
function unlabelled(statement: Item): AnyNode {
	let inner: AnyNode = statement;
	while (inner.type === 'LabeledStatement') {
		inner = inner.body;
	}

	switch (inner.type) {
		case 'ExportNamedDeclaration': {
			return inner.declaration ?? inner;
		}

		case 'ExportDefaultDeclaration': {
			return inner.declaration;
		}

		default: {
			return inner;
		}
	}
}

/** The names that a list of statements declares in its own block: let, const, using, class, function. */
function * lexicalDeclarations(statements: readonly Item[]): Generator<{name: string; kind: BindingKind; node: AnyNode}> {
	for (const statement of statements) {
		const node = unlabelled(statement);
		if (node.type === 'VariableDeclaration' && node.kind !== 'var') {
			const kind = node.kind === 'await using' ? 'using' : node.kind;
			for (const {id} of node.declarations) {
				for (const {name} of patternNames(id)) {
					yield {name, kind, node};
				}
			}
		} else if ((node.type === 'ClassDeclaration' || node.type === 'FunctionDeclaration') && node.id) {
			// What is exported as the default may have no name.
			yield {name: node.id.name, kind: node.type === 'ClassDeclaration' ? 'class' : 'function', node};
		} else if (node.type === 'ImportDeclaration') {
			for (const specifier of node.specifiers) {
				yield {name: specifier.local.name, kind: 'import', node: specifier};
			}
		}
	}
}

/** Declares what a list of statements declares in its own block. */
export function declareLexical(statements: readonly Item[], scope: Scope): void {
	for (const {name, kind, node} of lexicalDeclarations(statements)) {
		scope.declare(name, kind, node);
	}
}

/** Names that stop a function declared further in from becoming a `var` (Annex B.3.2.1). */
const lexicalNames = (statements: readonly Item[]): Set<string> =>
	new Set([...lexicalDeclarations(statements)].map(({name}) => name));

/**
 * Declares the names that are hoisted to a function: every `var` below it and, in sloppy code, the functions declared in blocks.
 *
 * @param statements the body of the function
 */
export function declareHoisted(statements: readonly Item[], scope: Scope, isStrict: boolean): void {
	const lexical = new Set([...lexicalDeclarations(statements)].filter(({kind}) => kind !== 'function').map(({name}) => name));
	for (const statement of statements) {
		hoist(statement, [lexical]);
	}

	/** `enclosing` holds the lexical names of the blocks between the function and the statement. */
	function hoist(statement: AnyNode | null | undefined, enclosing: ReadonlyArray<ReadonlySet<string>>): void {
		if (!statement) {
			return;
		}

		switch (statement.type) {
			case 'VariableDeclaration': {
				hoistVariables(statement);
				break;
			}

			case 'BlockStatement': {
				hoistBlock(statement.body, enclosing);
				break;
			}

			case 'IfStatement': {
				hoistClause(statement.consequent, enclosing);
				hoistClause(statement.alternate, enclosing);
				break;
			}

			case 'ForStatement': {
				hoistLoop(statement.init, statement.body, enclosing);
				break;
			}

			case 'ForInStatement':
			case 'ForOfStatement': {
				hoistLoop(statement.left, statement.body, enclosing);
				break;
			}

			case 'ExportNamedDeclaration': {
				hoist(statement.declaration, enclosing);
				break;
			}

			case 'WhileStatement':
			case 'DoWhileStatement':
			case 'WithStatement':
			case 'LabeledStatement': {
				hoist(statement.body, enclosing);
				break;
			}

			case 'SwitchStatement': {
				hoistBlock(statement.cases.flatMap(clause => clause.consequent), enclosing);
				break;
			}

			case 'TryStatement': {
				hoist(statement.block, enclosing);
				hoist(statement.handler, enclosing);
				hoist(statement.finalizer, enclosing);
				break;
			}

			case 'CatchClause': {
				hoistCatch(statement, enclosing);
				break;
			}

			default: {
				// No other statement holds statements, and a `var` cannot stand in an expression.
				break;
			}
		}
	}

	function hoistVariables(declaration: VariableDeclaration): void {
		if (declaration.kind !== 'var') {
			return;
		}

		for (const {id} of declaration.declarations) {
			for (const {name} of patternNames(id)) {
				scope.declare(name, 'var', declaration);
			}
		}
	}

	/** A plain catch parameter may be redeclared by a `var` (Annex B.3.4); a destructured one may not. */
	function hoistCatch({param, body}: CatchClause, enclosing: ReadonlyArray<ReadonlySet<string>>): void {
		const isPlain = !param || param.type === 'Identifier';
		const names = isPlain ? [] : [...patternNames(param)].map(({name}) => name);
		hoist(body, [...enclosing, new Set(names)]);
	}

	function hoistBlock(body: readonly Item[], enclosing: ReadonlyArray<ReadonlySet<string>>): void {
		for (const item of body) {
			hoistFunction(unlabelled(item), enclosing);
		}

		const inside = [...enclosing, lexicalNames(body)];
		for (const item of body) {
			hoist(item, inside);
		}
	}

	/** `if (x) function f() {}` is as if the function stood in a block of its own. */
	function hoistClause(clause: Statement | null | undefined, enclosing: ReadonlyArray<ReadonlySet<string>>): void {
		if (clause?.type === 'FunctionDeclaration') {
			hoistFunction(clause, enclosing);
		} else {
			hoist(clause, enclosing);
		}
	}

	function hoistLoop(head: AnyNode | null | undefined, body: Statement, enclosing: ReadonlyArray<ReadonlySet<string>>): void {
		hoist(head, enclosing);
		const names = head?.type === 'VariableDeclaration' ? lexicalNames([head]) : new Set<string>();
		hoist(body, [...enclosing, names]);
	}

	function hoistFunction(item: AnyNode, enclosing: ReadonlyArray<ReadonlySet<string>>): void {
		if (isStrict || item.type !== 'FunctionDeclaration' || item.async || item.generator || !item.id) {
			return;
		}

		const {name} = item.id;
		if (!enclosing.some(names => names.has(name))) {
			// It has its value once the block is entered.
			scope.declare(name, 'var', item).givenValues += 1;
		}
	}
}
