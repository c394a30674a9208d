import type {Identifier, ImportExpression, PrivateIdentifier} from 'acorn';
import {emptyFacts, type FunctionFacts, type FunctionNode} from './function-facts.js';
import {Scope, type Access} from './scope.js';

/** Whoever binds `this`: a function, or the field initializer or static block of a class, which has no facts of its own. */
type Frame = {readonly facts: FunctionFacts | undefined; readonly bindsThis: boolean};

/** What arrow functions take from around them. */
export type Escaping = 'usesThis' | 'usesNewTarget' | 'usesSuper';

/** What concerns every function around it. */
export type Pervasive = 'usesImportMeta' | 'hasDirectEval' | 'hasWith';

/** Writes what a walk through a text meets into the facts of the functions around it. */
export class NameUses {
	/** In the order of their texts: the outer one first. */
	readonly functions: FunctionFacts[] = [];
	/** Whether the code that is being walked through is strict. */
	isStrict = false;
	readonly #frames: Frame[] = [];

	/** A new scope in the function that is being walked through. */
	scope(parent: Scope | undefined): Scope {
		return new Scope(parent, this.#frames.findLast(frame => frame.facts)?.facts);
	}

	use(node: Identifier | PrivateIdentifier, scope: Scope, access: Access, isTypeof = false): void {
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

	/** Notes a use in every function from here up to the one that has it of its own. */
	escape(flag: Escaping): void {
		for (const {facts, bindsThis} of this.#frames.toReversed()) {
			if (facts) {
				facts[flag] = true;
			}

			if (bindsThis) {
				return;
			}
		}
	}

	mark(flag: Pervasive): void {
		for (const {facts} of this.#frames) {
			if (facts) {
				facts[flag] = true;
			}
		}
	}

	dynamicImport(node: ImportExpression): void {
		for (const {facts} of this.#frames) {
			facts?.dynamicImports.push(node);
		}
	}

	/** Walks through a function. */
	inFunction(node: FunctionNode, isStrict: boolean, walk: () => void): FunctionFacts {
		const depth = this.#frames.filter(frame => frame.facts).length + 1;
		const facts = emptyFacts(node, depth, isStrict);
		this.functions.push(facts);
		this.#within({facts, bindsThis: node.type !== 'ArrowFunctionExpression'}, isStrict, walk);
		return facts;
	}

	/** Walks through the value of a field or a static block: they have a `this` of their own and are no functions that could be sent. */
	inInitializer(walk: () => void): void {
		this.#within({facts: undefined, bindsThis: true}, true, walk);
	}

	#within(frame: Frame, isStrict: boolean, walk: () => void): void {
		const isStrictOutside = this.isStrict;
		this.isStrict = isStrict;
		this.#frames.push(frame);
		walk();
		this.#frames.pop();
		this.isStrict = isStrictOutside;
	}
}
