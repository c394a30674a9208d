/**
 * Where the functions and classes that were rebuilt in this process come from: what it takes to send them on.
 */
import type {Code} from './code.js';
import type {NaturalMembers} from './own-properties.js';

export interface Provenance {
	readonly code: Code;
	/** By position in `code.captured`; the `SharedVariable` for a cell. */
	readonly values: readonly unknown[];
	/** Of a class, as it was made; null for a function. */
	readonly members: NaturalMembers | null;
}

/** A class whose subclasses put their fields on the object that they are given. */
const Given = function (object: object): object {
	return object;
} as unknown as new (object: object) => object;

/**
 * A private field that is put on a function from outside. Nobody can see or take it, and it costs a hundredth of an entry in a WeakMap, which
 * every function of every task would need.
 */
class Origin extends Given {
	static of(object: object): Provenance | undefined {
		return #provenance in object ? object.#provenance : undefined;
	}

	readonly #provenance: Provenance;

	constructor(fn: object, provenance: Provenance) {
		super(fn);
		this.#provenance = provenance;
	}
}

/** @throws {TypeError} The function has a provenance already. */
export function setProvenance(fn: object, provenance: Provenance): void {
	// eslint-disable-next-line no-new
	new Origin(fn, provenance);
}

/** Undefined for everything that was not rebuilt from a text in this process. */
export const provenanceOf = (fn: object): Provenance | undefined => Origin.of(fn);
