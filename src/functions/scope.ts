/**
 * Scopes, bindings and references: the data that the analysis of free names is made of.
 *
 * What a function captures is decided from these records alone, so whoever wants to know more about a variable
 * (who writes it, whether it is only called) adds to `Reference` and need not walk the tree again.
 */

import type {AnyNode, Identifier, PrivateIdentifier} from 'acorn';
import type {FunctionFacts} from './function-facts.js';

/** How a name came into being. `self` is the name that a function or class expression sees of itself; `private` is a `#name`. */
export type BindingKind
	= | 'var' | 'let' | 'const' | 'using' | 'class' | 'function' | 'import'
		| 'parameter' | 'catch' | 'self' | 'arguments' | 'private';

/** What one use of a name does to it. `initialise` is the write of its own declaration. */
export type Access = 'read' | 'write' | 'initialise';

/** One use of a name in the text. */
export type Reference = {
	readonly node: Identifier | PrivateIdentifier;
	readonly access: Access;
	/** Whether the use is the operand of `typeof`, which does not throw for a name that nobody declared. */
	readonly isTypeof: boolean;
};

/** One declared name. */
export type Binding = {
	readonly name: string;
	readonly kind: BindingKind;
	readonly node: AnyNode;
	/** How many analysed functions lie around the binding: the depth of the function that owns it, 0 outside all of them. */
	readonly depth: number;
	readonly references: Reference[];
};

/** One region of the text in which names are declared. */
export class Scope {
	readonly #bindings = new Map<string, Binding>();
	readonly #parent: Scope | undefined;
	readonly #owner: FunctionFacts | undefined;

	/** @param owner the function that the region lies in, if it lies in one */
	constructor(parent: Scope | undefined, owner: FunctionFacts | undefined) {
		this.#parent = parent;
		this.#owner = owner;
	}

	/** Declares a name here. A second declaration of a name (`var x; function x() {}`) is the same binding. */
	declare(name: string, kind: BindingKind, node: AnyNode): void {
		if (this.#bindings.has(name)) {
			return;
		}

		const binding = {
			name, kind, node, depth: this.#owner?.depth ?? 0, references: [],
		};
		this.#bindings.set(name, binding);
		this.#owner?.bindings.push(binding);
	}

	/** The binding that a use of the name means here, if this text declares it. */
	lookup(name: string): Binding | undefined {
		return this.#bindings.get(name) ?? this.#parent?.lookup(name);
	}
}
