/**
 * Scopes, bindings and references: the records that every question about the names of a script is answered from.
 */

import type {
	AnyNode, Identifier, MetaProperty, PrivateIdentifier, Super, ThisExpression,
} from 'acorn';

/**
 * How a name came into being. `self` is the name that a function or class expression sees of itself; `private` is a `#name`; `commonJs` is
 * what Node gives every CommonJS module.
 */
export type BindingKind
	= | 'var' | 'let' | 'const' | 'using' | 'class' | 'function' | 'import'
		| 'parameter' | 'catch' | 'self' | 'arguments' | 'private' | 'this' | 'commonJs';

/** What one use of a name does to it. `initialise` is the write of its own declaration. */
export type Access = 'read' | 'write' | 'initialise';

export type NameNode = Identifier | PrivateIdentifier | ThisExpression | Super | MetaProperty;

/** The syntax around one use of a name, as far as it matters to whoever puts something else in its place. */
export interface Place {
	/** Whether the use is the operand of `typeof`, which does not throw for a name that nobody declared. */
	readonly isTypeof?: boolean;
	readonly isDeleted?: boolean;
	/** `{name}`, in a literal or in a pattern. */
	readonly isShorthand?: boolean;
	/** `name()` or the tag of a template: the function gets no `this`. */
	readonly isCalled?: boolean;
	readonly isDirectEval?: boolean;
	/** What is assigned to the name, when it is a function or class without a name, which then gets this one. */
	readonly named?: AnyNode;
	/** The key, for `name.key` and `name['key']`. */
	readonly member?: string;
	/** Whether something below `name.member` is assigned to. */
	readonly isMemberWritten?: boolean;
}

/** One use of a name in the text. `this`, `super`, `new.target` and `import.meta` count as names too. */
export interface Reference {
	readonly name: string;
	readonly node: NameNode;
	readonly access: Access;
	/** Undefined when the text does not declare it. */
	readonly binding: Binding | undefined;
	readonly place: Place;
}

/** One declared name. */
export interface Binding {
	readonly name: string;
	readonly kind: BindingKind;
	/** The first piece of syntax that declares it. */
	readonly node: AnyNode;
	readonly scope: Scope;
	/** How often it is given a value by being declared: as a parameter, as a function. A declaration's `= value` is a reference. */
	givenValues: number;
	readonly references: Reference[];
}

const givesValue: ReadonlySet<BindingKind> = new Set(['function', 'parameter', 'catch']);

/**
 * What a region of the text is. `function` and `initializer` (the value of a field, a static block) have a `this` of their own; `body` is
 * that of a function whose parameters have default values, which do not see its variables.
 */
export type ScopeKind = 'program' | 'function' | 'arrow' | 'body' | 'initializer' | 'with' | 'block';

/** One region of the text in which names are declared. */
export class Scope {
	/** Scopes are numbered as they are entered, so those within a piece of syntax have consecutive numbers. */
	readonly number: number;
	readonly parent: Scope | undefined;
	readonly kind: ScopeKind;
	readonly isStrict: boolean;
	/** Whether a direct eval, here or further in, can assign to the variables of this scope. */
	isSeenByEval = false;
	/** Whether a direct eval can declare variables here that the text does not show. */
	isOpenToEval = false;
	/** The function whose `arguments` can be used here, for the scope of its parameters. */
	node: AnyNode | undefined;
	#bindings: Map<string, Binding> | undefined;

	constructor(number: number, parent: Scope | undefined, kind: ScopeKind, isStrict: boolean) {
		this.number = number;
		this.parent = parent;
		this.kind = kind;
		this.isStrict = isStrict;
	}

	/** What is declared here under a name. */
	own(name: string): Binding | undefined {
		return this.#bindings?.get(name);
	}

	/** Declares a name here. A second declaration of a name (`var x; function x() {}`) is the same binding. */
	declare(name: string, kind: BindingKind, node: AnyNode): Binding {
		// Most scopes declare nothing, and scripts have tens of thousands of them.
		this.#bindings ??= new Map();
		let binding = this.#bindings.get(name);
		if (!binding) {
			binding = {
				name, kind, node, scope: this, givenValues: 0, references: [],
			};
			this.#bindings.set(name, binding);
		}

		binding.givenValues += givesValue.has(kind) ? 1 : 0;
		return binding;
	}

	/** The binding that a use of the name means here, if this text declares it. Functions declare `arguments` when it is first used. */
	lookup(name: string): Binding | undefined {
		for (let scope: Scope | undefined = this; scope; scope = scope.parent) { // eslint-disable-line unicorn/no-this-assignment, @typescript-eslint/no-this-alias
			const binding = scope.#bindings?.get(name);
			if (binding) {
				return binding;
			}

			if (name === 'arguments' && scope.node) {
				return scope.declare(name, name, scope.node);
			}
		}

		return undefined;
	}

	/** Notes a direct eval in this scope. */
	meetEval(): void {
		let isWithinFunction = true;
		for (let scope: Scope | undefined = this; scope; scope = scope.parent) { // eslint-disable-line unicorn/no-this-assignment, @typescript-eslint/no-this-alias
			scope.isSeenByEval = true;
			if (isWithinFunction && scope.kind !== 'block' && scope.kind !== 'with') {
				isWithinFunction = false;
				scope.isOpenToEval = !this.isStrict;
			}
		}
	}
}

/** Whether a binding can get another value after its first one. */
export function isReassigned({givenValues, references}: Binding): boolean {
	let values = givenValues;
	for (const {access} of references) {
		values += access === 'initialise' ? 1 : 0;
		if (access === 'write') {
			return true;
		}
	}

	return values > 1;
}
