/**
 * One walk through a script, or through the text of a function: everything that is to be known of its names, written down once.
 */

import type {Pattern, Program} from 'acorn';
import {declareHoisted, declareLexical, patternNames} from './declarations.js';
import {visitMember} from './expression-chain.js';
import {hasStrictDirective, type FunctionNode} from './function-facts.js';
import {NameUses, type ClassNode} from './name-uses.js';
import type {Scope} from './scope.js';
import {
	givesName, visit, type PatternUse, type Walker,
} from './syntax-visit.js';

export type ScriptKind = 'module' | 'commonJs' | 'script';

const commonJsNames = ['require', 'module', 'exports', '__filename', '__dirname'] as const;

/** Walks through a whole script. The scope is that of its top level. */
export function walkProgram(program: Program, kind: ScriptKind): {readonly uses: NameUses; readonly top: Scope} {
	const uses = new NameUses();
	uses.isStrict = kind === 'module' || hasStrictDirective(program);
	let top = uses.scope(undefined, 'program');
	if (kind === 'commonJs') {
		for (const name of commonJsNames) {
			top.declare(name, 'commonJs', program);
		}

		top.node = program;
		// A file may declare these names itself, with `let` too.
		top = uses.scope(top, 'body');
	}

	declareHoisted(program.body, top, uses.isStrict);
	declareLexical(program.body, top);
	const walk = new SyntaxWalk(uses);
	for (const statement of program.body) {
		visit(statement, top, walk);
	}

	return {uses, top};
}

/** Walks through a function or class of which only the text is known. Everything outside stays undeclared. */
export function walkText(node: FunctionNode | ClassNode, isStrict: boolean): NameUses {
	const uses = new NameUses();
	uses.isStrict = isStrict;
	visit(node, uses.scope(undefined), new SyntaxWalk(uses));
	return uses;
}

const shorthand = {isShorthand: true};

class SyntaxWalk implements Walker {
	readonly uses: NameUses;

	constructor(uses: NameUses) {
		this.uses = uses;
	}

	function(node: FunctionNode, outside: Scope): void {
		this.uses.inRegion(node, outside, this.uses.isStrict || hasStrictDirective(node.body), () => {
			let scope = outside;
			if (node.type === 'FunctionExpression' && node.id) {
				scope = this.uses.scope(outside);
				scope.declare(node.id.name, 'self', node);
			}

			const parameters = this.uses.scope(scope, node.type === 'ArrowFunctionExpression' ? 'arrow' : 'function');
			this.#parameters(node, parameters);
			// Default values do not see the variables of the body, so such a body has a scope of its own.
			const isSimple = node.params.every(parameter => parameter.type === 'Identifier');
			this.#body(node, isSimple ? parameters : this.uses.scope(parameters, 'body'));
		});
	}

	class(node: ClassNode, outside: Scope): void {
		this.uses.inRegion(node, outside, true, () => {
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
		});
	}

	pattern(pattern: Pattern, scope: Scope, use: PatternUse, isShorthand = false): void {
		switch (pattern.type) {
			case 'Identifier': {
				if (use !== 'declare') {
					this.uses.use(pattern, scope, use, isShorthand ? shorthand : undefined);
				}

				break;
			}

			case 'ObjectPattern': {
				for (const property of pattern.properties) {
					if (property.type === 'Property' && property.computed) {
						visit(property.key, scope, this);
					}

					const isProperty = property.type === 'Property';
					this.pattern(isProperty ? property.value : property.argument, scope, use, isProperty && property.shorthand);
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
				if (use === 'write' && givesName(pattern)) {
					this.uses.use(pattern.left, scope, use, {isShorthand, named: pattern.right});
				} else {
					this.pattern(pattern.left, scope, use, isShorthand);
				}

				visit(pattern.right, scope, this);
				break;
			}

			case 'RestElement': {
				this.pattern(pattern.argument, scope, use);
				break;
			}

			case 'MemberExpression': {
				visitMember(pattern, scope, this);
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
			scope.node = node;
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

	#member(member: ClassNode['body']['body'][number], scope: Scope): void {
		switch (member.type) {
			case 'MethodDefinition': {
				visit(member.computed ? member.key : undefined, scope, this);
				this.function(member.value, scope);
				break;
			}

			case 'PropertyDefinition': {
				visit(member.computed ? member.key : undefined, scope, this);
				visit(member.value, this.uses.scope(scope, 'initializer'), this);
				break;
			}

			case 'StaticBlock': {
				const block = this.uses.scope(scope, 'initializer');
				declareHoisted(member.body, block, true);
				declareLexical(member.body, block);
				for (const statement of member.body) {
					visit(statement, block, this);
				}

				break;
			}
		}
	}
}
