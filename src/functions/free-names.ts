/**
 * Which names a function uses that it does not declare, and what else of its surroundings it needs: `this`, `super`, direct eval.
 *
 * The result is data about every function in the text, outermost first.
 */

import type {ClassDeclaration, ClassExpression, Pattern} from 'acorn';
import {declareHoisted, declareLexical, patternNames} from './declarations.js';
import {hasStrictDirective, type FunctionFacts, type FunctionNode} from './function-facts.js';
import {NameUses} from './name-uses.js';
import type {Scope} from './scope.js';
import {visit, type PatternUse, type Walker} from './syntax-visit.js';

/**
 * The facts of a function and of all functions in it.
 *
 * @param isStrict whether the code around the function is strict
 */
export function analyzeFunction(node: FunctionNode, isStrict: boolean): readonly [FunctionFacts, ...FunctionFacts[]] {
	const uses = new NameUses();
	uses.isStrict = isStrict;
	const root = new Walk(uses).function(node, uses.scope(undefined));
	return [root, ...uses.functions.slice(1)];
}

class Walk implements Walker {
	readonly uses: NameUses;

	constructor(uses: NameUses) {
		this.uses = uses;
	}

	function(node: FunctionNode, outside: Scope): FunctionFacts {
		return this.uses.inFunction(node, this.uses.isStrict || hasStrictDirective(node.body), () => {
			const self = this.uses.scope(outside);
			if (node.type === 'FunctionExpression' && node.id) {
				self.declare(node.id.name, 'self', node);
			}

			const parameters = this.uses.scope(self);
			this.#parameters(node, parameters);
			// Default values do not see the variables of the body, so such a body has a scope of its own.
			const isSimple = node.params.every(parameter => parameter.type === 'Identifier');
			this.#body(node, isSimple ? parameters : this.uses.scope(parameters));
		});
	}

	class(node: ClassDeclaration | ClassExpression, outside: Scope): void {
		const isStrictOutside = this.uses.isStrict;
		this.uses.isStrict = true;
		const self = this.uses.scope(outside);
		if (node.id) {
			self.declare(node.id.name, 'self', node);
		}

		// The heritage sees the name of the class, and none of its private names.
		visit(node.superClass, self, this);
		const scope = this.uses.scope(self);
		for (const member of node.body.body) {
			if (member.type !== 'StaticBlock' && member.key.type === 'PrivateIdentifier') {
				scope.declare(`#${member.key.name}`, 'private', member);
			}
		}

		for (const member of node.body.body) {
			this.#member(member, scope);
		}

		this.uses.isStrict = isStrictOutside;
	}

	pattern(pattern: Pattern, scope: Scope, use: PatternUse): void {
		switch (pattern.type) {
			case 'Identifier': {
				if (use !== 'declare') {
					this.uses.use(pattern, scope, use);
				}

				break;
			}

			case 'ObjectPattern': {
				for (const property of pattern.properties) {
					if (property.type === 'Property' && property.computed) {
						visit(property.key, scope, this);
					}

					this.pattern(property.type === 'Property' ? property.value : property.argument, scope, use);
				}

				break;
			}

			case 'ArrayPattern': {
				for (const element of pattern.elements) {
					if (element) {
						this.pattern(element, scope, use);
					}
				}

				break;
			}

			case 'AssignmentPattern': {
				this.pattern(pattern.left, scope, use);
				visit(pattern.right, scope, this);
				break;
			}

			case 'RestElement': {
				this.pattern(pattern.argument, scope, use);
				break;
			}

			case 'MemberExpression': {
				visit(pattern, scope, this);
				break;
			}
		}
	}

	#parameters(node: FunctionNode, scope: Scope): void {
		for (const parameter of node.params) {
			for (const name of patternNames(parameter)) {
				scope.declare(name.name, 'parameter', parameter);
			}
		}

		if (node.type !== 'ArrowFunctionExpression') {
			scope.declare('arguments', 'arguments', node);
		}

		for (const parameter of node.params) {
			this.pattern(parameter, scope, 'declare');
		}
	}

	#body({body}: FunctionNode, scope: Scope): void {
		if (body.type !== 'BlockStatement') {
			visit(body, scope, this);
			return;
		}

		declareHoisted(body.body, scope, this.uses.isStrict);
		declareLexical(body.body, scope);
		for (const statement of body.body) {
			visit(statement, scope, this);
		}
	}

	#member(member: ClassDeclaration['body']['body'][number], scope: Scope): void {
		switch (member.type) {
			case 'MethodDefinition': {
				visit(member.computed ? member.key : undefined, scope, this);
				this.function(member.value, scope);
				break;
			}

			case 'PropertyDefinition': {
				visit(member.computed ? member.key : undefined, scope, this);
				this.uses.inInitializer(() => {
					visit(member.value, scope, this);
				});
				break;
			}

			case 'StaticBlock': {
				const block = this.uses.scope(scope);
				declareHoisted(member.body, block, true);
				declareLexical(member.body, block);
				this.uses.inInitializer(() => {
					for (const statement of member.body) {
						visit(statement, block, this);
					}
				});
				break;
			}
		}
	}
}
