import type {
	AnyNode, ClassDeclaration, ClassExpression, Identifier, PrivateIdentifier,
} from 'acorn';
import type {FunctionNode} from './function-facts.js';
import {
	Scope, type Access, type NameNode, type Place, type ScopeKind,
	type Reference,
} from './scope.js';

export type ClassNode = ClassDeclaration | ClassExpression;

/** A function or class: which references and scopes lie in it, as ranges of their numbers. */
export interface Region {
	readonly node: FunctionNode | ClassNode;
	readonly outside: Scope;
	/** Whether the code around it is strict. */
	readonly isStrictOutside: boolean;
	readonly firstReference: number;
	readonly firstScope: number;
	/** The first that is no longer in it. */
	endReference: number;
	endScope: number;
}

const nowhere: Place = {};

/** Writes down what a walk through a text meets, in the order of the text. */
export class NameUses {
	readonly references: Reference[] = [];
	/** By the place of the node in the text: the outer one first. */
	readonly regions = new Map<AnyNode, Region>();
	/** Where there is a `with`, an `import()`, and a `<!--` of operators. */
	readonly withs: number[] = [];
	readonly dynamicImports: AnyNode[] = [];
	readonly commentLike: number[] = [];
	/** Whether the code that is being walked through is strict. */
	isStrict = false;
	#scopes = 0;

	scope(parent: Scope | undefined, kind: ScopeKind = 'block'): Scope {
		const scope = new Scope(this.#scopes, parent, kind, this.isStrict);
		this.#scopes += 1;
		return scope;
	}

	use(node: Identifier | PrivateIdentifier, scope: Scope, access: Access, place = nowhere): void {
		this.#refer(node.type === 'Identifier' ? node.name : `#${node.name}`, node, scope, {access, place});
		if (place.isDirectEval) {
			scope.meetEval();
		}
	}

	/** A use of `this` and its like, which the nearest function that is no arrow has of its own. */
	useKeyword(name: 'this' | 'super' | 'new.target' | 'import.meta', node: NameNode, scope: Scope): void {
		if (name !== 'import.meta') {
			let owner: Scope | undefined = scope;
			while (owner && owner.kind !== 'function' && owner.kind !== 'initializer' && owner.kind !== 'program') {
				owner = owner.parent;
			}

			owner?.declare(name, 'this', node);
		}

		this.#refer(name, node, scope, {access: 'read', place: nowhere});
	}

	/** Walks through a function or class. */
	inRegion(node: FunctionNode | ClassNode, outside: Scope, isStrict: boolean, walk: () => void): void {
		const region: Region = {
			node, outside, isStrictOutside: this.isStrict, firstReference: this.references.length, firstScope: this.#scopes, endReference: 0, endScope: 0,
		};
		this.regions.set(node, region);
		this.isStrict = isStrict;
		walk();
		this.isStrict = region.isStrictOutside;
		region.endReference = this.references.length;
		region.endScope = this.#scopes;
	}

	#refer(name: string, node: NameNode, scope: Scope, {access, place}: Pick<Reference, 'access' | 'place'>): void {
		const binding = scope.lookup(name);
		const reference = {
			name, node, access, binding, place,
		};
		binding?.references.push(reference);
		this.references.push(reference);
	}
}

/** The uses in a region of names that are declared outside it, or nowhere in the text. */
export const freeReferences = (uses: NameUses, {firstReference, endReference, firstScope, endScope}: Region): readonly Reference[] =>
	uses.references.slice(firstReference, endReference)
		.filter(({binding}) => !binding || binding.scope.number < firstScope || binding.scope.number >= endScope);
