import {
	createFuture,
	rejectFuture,
	resolveFuture,
	cancelFuture,
	type Future,
} from '#dist/future.js';
import {CancelledError} from '#dist/errors.js';
import type {ItemOutcome, MapBackend} from '#dist/result-stream.js';

/** A chunk that a test settles when it likes. */
export class FakeChunk {
	readonly future: Future<readonly ItemOutcome[]>;
	readonly argumentLists: readonly unknown[][];
	readonly #fn: (...args: never[]) => unknown;

	constructor(argumentLists: readonly unknown[][], fn: (...args: never[]) => unknown) {
		this.argumentLists = argumentLists;
		this.#fn = fn;
		this.future = createFuture({
			cancel: () => cancelFuture(this.future, new CancelledError()),
			isRunning: () => false,
		}, 1);
	}

	run(): void {
		resolveFuture(this.future, this.argumentLists.map((args): ItemOutcome => {
			try {
				return {ok: true, value: Reflect.apply(this.#fn, undefined, args)};
			} catch (error) {
				return {ok: false, error};
			}
		}));
	}

	fail(error: unknown): void {
		rejectFuture(this.future, error);
	}
}

/** A backend without processes. `auto` runs each chunk in the next turn of the event loop; otherwise the test does. */
export class FakeBackend implements MapBackend {
	readonly chunks: FakeChunk[] = [];
	/** Whether it was said that no more chunks will come. */
	isReleased = false;
	readonly window: number;
	readonly #fn: (...args: never[]) => unknown;
	readonly #auto: boolean;

	constructor(fn: (...args: never[]) => unknown, {window = 4, auto = true}: {readonly window?: number; readonly auto?: boolean} = {}) {
		this.window = window;
		this.#fn = fn;
		this.#auto = auto;
	}

	get sizes(): number[] {
		return this.chunks.map(chunk => chunk.argumentLists.length);
	}

	get cancelled(): number {
		return this.chunks.filter(chunk => chunk.future.cancelled()).length;
	}

	release(): void {
		this.isReleased = true;
	}

	submitChunk(argumentLists: readonly unknown[][]): Future<readonly ItemOutcome[]> {
		const chunk = new FakeChunk(argumentLists, this.#fn);
		this.chunks.push(chunk);
		if (this.#auto) {
			setImmediate(() => {
				chunk.run();
			});
		}

		return chunk.future;
	}
}
