/** Functions that may be submitted once more are not released before that is sure not to happen. */
export class RetainedFunctions {
	/** How many tasks retain each. */
	readonly #counts = new Map<number, number>();
	/** Those that are to be released when nobody retains them any more. */
	readonly #unwanted = new Set<number>();
	readonly #release: (id: number) => void;

	constructor(release: (id: number) => void) {
		this.#release = release;
	}

	retain(id: number): void {
		this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
	}

	/** Takes one `retain` back. */
	letGo(id: number): void {
		const count = (this.#counts.get(id) ?? 1) - 1;
		if (count > 0) {
			this.#counts.set(id, count);
			return;
		}

		this.#counts.delete(id);
		if (this.#unwanted.delete(id)) {
			this.#release(id);
		}
	}

	/** Releases the function, at once or later. */
	release(id: number): void {
		if (this.#counts.has(id)) {
			this.#unwanted.add(id);
		} else {
			this.#release(id);
		}
	}
}
