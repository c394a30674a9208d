/* eslint-disable @typescript-eslint/promise-function-async -- an async function would cost every result one more promise */
import {Inputs} from './inputs.js';
import {untravelling} from './untravelling.js';
import {
	MapRun,
	type ItemOutcome,
	type MapBackend,
	type MapBounds,
} from './map-run.js';

export type {ItemOutcome, MapBackend, MapBounds} from './map-run.js';

/** Starts a `map` over the iterables. @throws {TypeError} Something is not iterable. */
export const startMap = <R>(backend: MapBackend, iterables: readonly unknown[], bounds: MapBounds): ResultStream<R> =>
	new ResultStream<R>(new MapRun<R>(backend, new Inputs(iterables), bounds));

/**
 * The results of a `map`, in the order of its inputs: `for await` gives them one by one, `await` all of them as an array.
 *
 * The work starts at the call of `map` and runs a bounded number of chunks ahead of the consumer. The first error ends the iteration,
 * after the results before it; what is pending then is cancelled, and so it is when a loop is left early. A stream can be consumed once.
 *
 * @example
 * for await (const result of executor.map(fn, inputs)) {
 * 	console.log(result);
 * }
 */
export class ResultStream<R> implements AsyncIterable<R>, PromiseLike<R[]> {
	/** @internal */
	get [untravelling](): string {
		return 'a ResultStream';
	}

	readonly #run: MapRun<R>;
	#isConsumed = false;

	/** Only `map` makes one. */
	constructor(run: MapRun<R>) {
		if (!(run instanceof MapRun)) {
			throw new TypeError('A ResultStream is created by map() only.');
		}

		this.#run = run;
	}

	get [Symbol.toStringTag](): string {
		return 'ResultStream';
	}

	/** As a promise's `then`, for all the results. */
	// eslint-disable-next-line unicorn/no-thenable -- being awaitable is a purpose of the class
	then<R1 = R[], R2 = never>(
		onFulfilled?: ((results: R[]) => R1 | PromiseLike<R1>) | null,
		onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null,
	): Promise<R1 | R2> {
		return this.#collect().then(onFulfilled, onRejected);
	}

	/** As a promise's `catch`, for all the results. */
	catch<R2 = never>(onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null): Promise<R[] | R2> {
		return this.#collect().catch(onRejected);
	}

	/** As a promise's `finally`, for all the results. */
	finally(onFinally?: (() => void) | null): Promise<R[]> {
		return this.#collect().finally(onFinally);
	}

	/** @throws {TypeError} The stream is consumed already. */
	[Symbol.asyncIterator](): AsyncIterableIterator<R> {
		this.#consume();
		return new ResultIterator<R>(this.#run);
	}

	async #collect(): Promise<R[]> {
		this.#consume();
		return collect<R>(this.#run);
	}

	#consume(): void {
		if (this.#isConsumed) {
			throw new TypeError('The results of a map can be consumed once, by one await or one loop. Await the map and keep the array to use them again.');
		}

		this.#isConsumed = true;
	}
}

async function collect<R>(run: MapRun<R>): Promise<R[]> {
	const results: R[] = [];
	const last = await new Promise<ItemOutcome<R> | 'end'>(resolve => {
		const advance = whileNotRunning(() => {
			for (let outcome = run.next(); outcome !== 'pending'; outcome = run.next()) {
				if (outcome === 'end' || !outcome.ok) {
					resolve(outcome);
					return;
				}

				results.push(outcome.value);
			}
		});
		run.watchProgress(advance);
		advance();
	});
	if (last !== 'end' && !last.ok) {
		throw last.error;
	}

	return results;
}

interface Request<R> {
	readonly resolve: (step: IteratorResult<R, undefined>) => void;
	readonly reject: (error: unknown) => void;
}

// By hand: an async generator would unwrap a result that is a thenable.
class ResultIterator<R> implements AsyncIterableIterator<R, undefined> {
	readonly #run: MapRun<R>;
	readonly #requests: Array<Request<R>> = [];
	readonly #advance: () => void;
	#isOver = false;

	constructor(run: MapRun<R>) {
		this.#run = run;
		this.#advance = whileNotRunning(() => {
			this.#serve();
		});
		run.watchProgress(this.#advance);
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	next(): Promise<IteratorResult<R, undefined>> {
		return new Promise((resolve, reject) => {
			this.#requests.push({resolve, reject});
			this.#advance();
		});
	}

	async return(): Promise<IteratorResult<R, undefined>> {
		this.#end();
		await this.#run.stop();
		return {done: true, value: undefined};
	}

	#serve(): void {
		while (this.#requests.length > 0 && !this.#isOver) {
			const outcome = this.#run.next();
			if (outcome === 'pending') {
				return;
			}

			if (outcome === 'end') {
				this.#isOver = true;
			} else if (outcome.ok) {
				this.#requests.shift()?.resolve({done: false, value: outcome.value});
			} else {
				this.#requests.shift()?.reject(outcome.error);
				this.#isOver = true;
			}
		}

		if (this.#isOver) {
			this.#end();
		}
	}

	#end(): void {
		this.#isOver = true;
		for (const {resolve} of this.#requests.splice(0)) {
			resolve({done: true, value: undefined});
		}
	}
}

/** Taking a result may run code of the caller's inputs, which may bring the next progress: results must not overtake each other. */
function whileNotRunning(advance: () => void): () => void {
	let isRunning = false;
	return () => {
		if (isRunning) {
			return;
		}

		isRunning = true;
		advance();
		isRunning = false;
	};
}
