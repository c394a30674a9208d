/** How many tasks share a page. */
const pageSize = 1024;

interface Page<T> {
	readonly slots: Array<T | undefined>;
	used: number;
}

/**
 * Values by the numbers of tasks. These go up by one and are forgotten in about the same order, so that pages of slots cost a fraction of
 * what a hash table does, which has to grow and be hashed anew. A task that stays for long keeps one page.
 */
export class TaskTable<T> {
	readonly #pages = new Map<number, Page<T>>();
	#size = 0;
	/** The page with the highest number stays when it is empty: the next task is likely to need it. */
	#newest = -1;
	/** The page that was looked at last. */
	#number = -1;
	#page: Page<T> | undefined;

	get size(): number {
		return this.#size;
	}

	get(task: number): T | undefined {
		return this.#pageOf(task)?.slots[task % pageSize];
	}

	/** The number must not be in use. */
	add(task: number, value: T): void {
		const page = this.#pageOf(task) ?? this.#addPage(task);
		page.slots[task % pageSize] = value;
		page.used++;
		this.#size++;
	}

	/** What it takes out, if there is anything. */
	take(task: number): T | undefined {
		const page = this.#pageOf(task);
		const value = page?.slots[task % pageSize];
		if (page === undefined || value === undefined) {
			return undefined;
		}

		page.slots[task % pageSize] = undefined;
		page.used--;
		this.#size--;
		this.#dropIfEmpty(page, this.#number);
		return value;
	}

	/** The numbers in use, in order. */
	numbers(): number[] {
		const numbers = [...this.#pages].flatMap(([number, {slots}]) =>
			[...slots.keys()].filter(slot => slots[slot] !== undefined).map(slot => (number * pageSize) + slot));
		return numbers.toSorted((a, b) => a - b);
	}

	#pageOf(task: number): Page<T> | undefined {
		const number = Math.floor(task / pageSize);
		if (number !== this.#number) {
			this.#number = number;
			this.#page = this.#pages.get(number);
		}

		return this.#page;
	}

	#addPage(task: number): Page<T> {
		const page: Page<T> = {slots: Array.from<T | undefined>({length: pageSize}), used: 0};
		const number = Math.floor(task / pageSize);
		const older = this.#newest;
		if (number > older) {
			this.#newest = number;
			this.#dropIfEmpty(this.#pages.get(older), older);
		}

		this.#number = number;
		this.#page = page;
		this.#pages.set(number, page);
		return page;
	}

	#dropIfEmpty(page: Page<T> | undefined, number: number): void {
		if (page?.used === 0 && number !== this.#newest) {
			this.#pages.delete(number);
			this.#number = -1;
			this.#page = undefined;
		}
	}
}
