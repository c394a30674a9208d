/**
 * Which names a function uses that it does not declare, and what else of its surroundings it needs: `this`, `super`, direct eval.
 *
 * The result is data about every function in the text, outermost first.
 */

import type {
	AnyNode, ClassDeclaration, ClassExpression, Identifier, Pattern, PrivateIdentifier,
} from 'acorn';
import {
	declareHoisted, declareLexical, declareVariables, patternNames,
} from './declarations.js';
import {
	emptyFacts, hasStrictDirective, type FunctionFacts, type FunctionNode,
} from './function-facts.js';
import {Scope, type Access} from './scope.js';

/** Whoever binds `this`: a function, or the field initializer or static block of a class, which has no facts of its own. */
type Frame = {readonly facts: FunctionFacts | undefined; readonly bindsThis: boolean};

/** What a declared or assigned pattern does to its names. A declaration without a value does nothing. */
type PatternUse = Exclude<Access, 'read'> | 'declare';

/**
 * The facts of a function and of all functions in it.
 *
 * @param isStrict whether the code around the function is strict
 */
export function analyzeFunction(node: FunctionNode, isStrict: boolean): readonly [FunctionFacts, ...FunctionFacts[]] {
	const analysis = new Analysis();
	const root = analysis.function(node, new Scope(undefined, undefined), isStrict);
	return [root, ...analysis.functions.slice(1)];
}

const isNode = (value: unknown): value is AnyNode =>
	typeof value === 'object' && value !== null && typeof (value as {type?: unknown}).type === 'string';

class Analysis {
	readonly functions: FunctionFacts[] = [];
	readonly #frames: Frame[] = [];
	#isStrict = false;

	function(node: FunctionNode, outside: Scope, isStrictOutside: boolean): FunctionFacts {
		const isStrict = isStrictOutside || hasStrictDirective(node.body);
		const facts = emptyFacts(node, (this.#owner()?.depth ?? 0) + 1, isStrict);
		this.functions.push(facts);
		this.#within({facts, bindsThis: node.type !== 'ArrowFunctionExpression'}, isStrict, () => {
			this.#visitFunction(node, facts, outside);
		});
		return facts;
	}

	#visitFunction(node: FunctionNode, facts: FunctionFacts, outside: Scope): void {
		const self = new Scope(outside, facts);
		if (node.type === 'FunctionExpression' && node.id) {
			self.declare(node.id.name, 'self', node);
		}

		const parameters = new Scope(self, facts);
		for (const parameter of node.params) {
			for (const name of patternNames(parameter)) {
				parameters.declare(name.name, 'parameter', parameter);
			}
		}

		if (node.type !== 'ArrowFunctionExpression') {
			parameters.declare('arguments', 'arguments', node);
		}

		for (const parameter of node.params) {
			this.#pattern(parameter, parameters, 'declare');
		}

		// Default values do not see the variables of the body, so such a body has a scope of its own.
		const isSimple = node.params.every(parameter => parameter.type === 'Identifier');
		const body = isSimple ? parameters : new Scope(parameters, facts);
		if (node.body.type === 'BlockStatement') {
			declareHoisted(node.body.body, body, this.#isStrict);
			declareLexical(node.body.body, body);
			this.#visitAll(node.body.body, body);
		} else {
			this.#visit(node.body, body);
		}
	}

	#class(node: ClassDeclaration | ClassExpression, outside: Scope): void {
		const isStrictOutside = this.#isStrict;
		this.#isStrict = true;
		const self = this.#scope(outside);
		if (node.id) {
			self.declare(node.id.name, 'self', node);
		}

		// The heritage sees the name of the class, but not yet its private names.
		this.#visit(node.superClass, self);
		const scope = this.#scope(self);
		for (const member of node.body.body) {
			if (member.type !== 'StaticBlock' && member.key.type === 'PrivateIdentifier') {
				scope.declare(`#${member.key.name}`, 'private', member);
			}
		}

		for (const member of node.body.body) {
			if (member.type === 'StaticBlock') {
				const block = this.#scope(scope);
				declareHoisted(member.body, block, true);
				declareLexical(member.body, block);
				this.#within({facts: undefined, bindsThis: true}, true, () => {
					this.#visitAll(member.body, block);
				});
				continue;
			}

			if (member.computed) {
				this.#visit(member.key, scope);
			}

			if (member.type === 'MethodDefinition') {
				this.function(member.value, scope, true);
			} else {
				this.#within({facts: undefined, bindsThis: true}, true, () => {
					this.#visit(member.value, scope);
				});
			}
		}

		this.#isStrict = isStrictOutside;
	}

	/** Visits what uses names; what only looks like a name (a key, a label, a member) is passed over. */
	#visit(node: AnyNode | null | undefined, scope: Scope): void { // eslint-disable-line complexity
		if (!node) {
			return;
		}

		switch (node.type) {
			case 'Identifier':
			case 'PrivateIdentifier': {
				this.#use(node, scope, 'read');
				return;
			}

			case 'FunctionDeclaration':
			case 'FunctionExpression':
			case 'ArrowFunctionExpression': {
				this.function(node as FunctionNode, scope, this.#isStrict);
				return;
			}

			case 'ClassDeclaration':
			case 'ClassExpression': {
				this.#class(node as ClassDeclaration, scope);
				return;
			}

			case 'ThisExpression': {
				this.#escape('usesThis');
				return;
			}

			case 'Super': {
				this.#escape('usesSuper');
				return;
			}

			case 'MetaProperty': {
				if (node.meta.name === 'new') {
					this.#escape('usesNewTarget');
				} else {
					this.#mark('usesImportMeta');
				}

				return;
			}

			case 'ImportExpression': {
				for (const {facts} of this.#frames) {
					facts?.dynamicImports.push(node);
				}

				this.#visit(node.source, scope);
				this.#visit(node.options, scope);
				return;
			}

			case 'CallExpression': {
				// `eval?.(text)` is an indirect eval by the standard.
				if (node.callee.type === 'Identifier' && node.callee.name === 'eval' && !node.optional) {
					this.#mark('hasDirectEval');
				}

				break;
			}

			case 'UnaryExpression': {
				if (node.argument.type === 'Identifier') {
					this.#use(node.argument, scope, node.operator === 'delete' ? 'write' : 'read', node.operator === 'typeof');
					return;
				}

				break;
			}

			case 'MemberExpression': {
				this.#visit(node.object, scope);
				if (node.computed || node.property.type === 'PrivateIdentifier') {
					this.#visit(node.property, scope);
				}

				return;
			}

			case 'Property': {
				if (node.computed) {
					this.#visit(node.key, scope);
				}

				this.#visit(node.value, scope);
				return;
			}

			case 'AssignmentExpression': {
				if (node.operator !== '=' && node.left.type === 'Identifier') {
					this.#use(node.left, scope, 'read');
				}

				this.#pattern(node.left, scope, 'write');
				this.#visit(node.right, scope);
				return;
			}

			case 'UpdateExpression': {
				if (node.argument.type === 'Identifier') {
					this.#use(node.argument, scope, 'read');
					this.#use(node.argument, scope, 'write');
					return;
				}

				break;
			}

			case 'VariableDeclaration': {
				for (const {id, init} of node.declarations) {
					this.#pattern(id, scope, init ? 'initialise' : 'declare');
					this.#visit(init, scope);
				}

				return;
			}

			case 'BlockStatement': {
				const block = this.#scope(scope);
				declareLexical(node.body, block);
				this.#visitAll(node.body, block);
				return;
			}

			case 'ForStatement': {
				const head = this.#scope(scope);
				if (node.init?.type === 'VariableDeclaration') {
					declareVariables(node.init, head);
				}

				this.#visitAll([node.init, node.test, node.update, node.body], head);
				return;
			}

			case 'ForInStatement':
			case 'ForOfStatement': {
				const head = this.#scope(scope);
				if (node.left.type === 'VariableDeclaration') {
					declareVariables(node.left, head);
					for (const {id, init} of node.left.declarations) {
						this.#pattern(id, head, 'initialise');
						this.#visit(init, head);
					}
				} else {
					this.#pattern(node.left, head, 'write');
				}

				// Not in the scope outside: `for (const x of x)` meets its own x before it has a value.
				this.#visit(node.right, head);
				this.#visit(node.body, head);
				return;
			}

			case 'SwitchStatement': {
				this.#visit(node.discriminant, scope);
				const block = this.#scope(scope);
				declareLexical(node.cases.flatMap(clause => clause.consequent), block);
				for (const clause of node.cases) {
					this.#visit(clause.test, block);
					this.#visitAll(clause.consequent, block);
				}

				return;
			}

			case 'IfStatement': {
				this.#visit(node.test, scope);
				for (const clause of [node.consequent, node.alternate]) {
					const block = this.#scope(scope);
					declareLexical(clause ? [clause] : [], block);
					this.#visit(clause, block);
				}

				return;
			}

			case 'CatchClause': {
				const head = this.#scope(scope);
				if (node.param) {
					for (const name of patternNames(node.param)) {
						head.declare(name.name, 'catch', node);
					}

					this.#pattern(node.param, head, 'declare');
				}

				this.#visit(node.body, head);
				return;
			}

			case 'WithStatement': {
				this.#mark('hasWith');
				break;
			}

			case 'LabeledStatement': {
				this.#visit(node.body, scope);
				return;
			}

			case 'BreakStatement':
			case 'ContinueStatement': {
				return;
			}

			default: {
				break;
			}
		}

		this.#visitChildren(node, scope);
	}

	#visitChildren(node: AnyNode, scope: Scope): void {
		for (const value of Object.values(node) as unknown[]) {
			for (const child of Array.isArray(value) ? value as unknown[] : [value]) {
				if (isNode(child)) {
					this.#visit(child, scope);
				}
			}
		}
	}

	#visitAll(nodes: ReadonlyArray<AnyNode | null | undefined>, scope: Scope): void {
		for (const node of nodes) {
			this.#visit(node, scope);
		}
	}

	#pattern(pattern: Pattern, scope: Scope, use: PatternUse): void {
		switch (pattern.type) {
			case 'Identifier': {
				if (use !== 'declare') {
					this.#use(pattern, scope, use);
				}

				break;
			}

			case 'ObjectPattern': {
				for (const property of pattern.properties) {
					if (property.type === 'RestElement') {
						this.#pattern(property.argument, scope, use);
						continue;
					}

					if (property.computed) {
						this.#visit(property.key, scope);
					}

					this.#pattern(property.value, scope, use);
				}

				break;
			}

			case 'ArrayPattern': {
				for (const element of pattern.elements) {
					if (element) {
						this.#pattern(element, scope, use);
					}
				}

				break;
			}

			case 'AssignmentPattern': {
				this.#pattern(pattern.left, scope, use);
				this.#visit(pattern.right, scope);
				break;
			}

			case 'RestElement': {
				this.#pattern(pattern.argument, scope, use);
				break;
			}

			case 'MemberExpression': {
				this.#visit(pattern, scope);
				break;
			}

			default: {
				// `(a) = 1` and other targets that sloppy code accepts.
				this.#visit(pattern satisfies never, scope);
			}
		}
	}

	#use(node: Identifier | PrivateIdentifier, scope: Scope, access: Access, isTypeof = false): void {
		const name = node.type === 'Identifier' ? node.name : `#${node.name}`;
		const reference = {node, access, isTypeof};
		const binding = scope.lookup(name);
		binding?.references.push(reference);
		for (const {facts} of this.#frames) {
			if (facts && facts.depth > (binding?.depth ?? 0)) {
				const uses = facts.freeNames.get(name);
				if (uses) {
					uses.push(reference);
				} else {
					facts.freeNames.set(name, [reference]);
				}
			}
		}
	}

	/** Notes the use of something that arrow functions take from around them, up to the function that has its own. */
	#escape(flag: 'usesThis' | 'usesNewTarget' | 'usesSuper'): void {
		for (let index = this.#frames.length - 1; index >= 0; index--) {
			const frame = this.#frames[index];
			if (frame?.facts) {
				frame.facts[flag] = true;
			}

			if (frame?.bindsThis) {
				return;
			}
		}
	}

	#mark(flag: 'usesImportMeta' | 'hasDirectEval' | 'hasWith'): void {
		for (const {facts} of this.#frames) {
			if (facts) {
				facts[flag] = true;
			}
		}
	}

	#within(frame: Frame, isStrict: boolean, visit: () => void): void {
		const isStrictOutside = this.#isStrict;
		this.#isStrict = isStrict;
		this.#frames.push(frame);
		visit();
		this.#frames.pop();
		this.#isStrict = isStrictOutside;
	}

	#owner(): FunctionFacts | undefined {
		return this.#frames.findLast(frame => frame.facts)?.facts;
	}

	#scope(parent: Scope): Scope {
		return new Scope(parent, this.#owner());
	}
}
