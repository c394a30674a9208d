import {TimeoutError} from './errors.js';
import {unwatchFuture, watchFuture, type Future} from './future.js';
import {observedFutures} from './observed-futures.js';
import {copyOptions, readTimeout} from './option-reader.js';
import {monotonicNow, startTimer} from './timer.js';

/** What {@link asCompleted} can be told. */
export interface AsCompletedOptions {
	/** The most ms from the call to the last future; 0 only looks, `Infinity` is none. Default: none. */
	readonly timeout?: number | undefined;
}

/**
 * Futures in the order of completion, which can be iterated once.
 *
 * Its own type, though it is an AsyncIterableIterator: `for await` over that type gives, to TypeScript, not futures but their results.
 */
export interface CompletedFutures<F> {
	next(): Promise<IteratorResult<F, undefined>>;
	/** Ends the iteration, and stops watching the futures. */
	return(): Promise<IteratorResult<F, undefined>>;
	[Symbol.asyncIterator](): CompletedFutures<F>;
}

/**
 * Gives each future when it is done, in the order of completion; first those that are done already, in the order given. Also futures
 * that failed or were cancelled come, as themselves. A future given twice comes once.
 *
 * The iteration rejects with `TimeoutError` where it would have to wait beyond the timeout. The wait does not hold the process.
 *
 * @throws {TypeError} Something is not a future, or an option is wrong.
 * @throws {RangeError} The timeout is out of range.
 *
 * @example
 * for await (const future of asCompleted(futures)) {
 * 	console.log(await future);
 * }
 */
export function asCompleted<F extends Future<unknown>>(futures: Iterable<F>, options?: AsCompletedOptions): CompletedFutures<F> {
	const all = observedFutures(futures);
	const timeout = readTimeout(copyOptions('asCompleted', options, ['timeout']), 'timeout');
	return new CompletionIterator<F>(all, timeout);
}

interface Request<F> {
	readonly resolve: (step: IteratorResult<F, undefined>) => void;
	readonly reject: (error: Error) => void;
}

// By hand: an async generator would await the futures that it yields.
class CompletionIterator<F extends Future<unknown>> implements CompletedFutures<F> {
	readonly #pending = new Set<F>();
	readonly #completed: F[] = [];
	#taken = 0;
	readonly #requests: Array<Request<F>> = [];
	readonly #timeout: number | null;
	readonly #deadline: number;
	#stopTimer: (() => void) | undefined;

	constructor(futures: Iterable<F>, timeout: number | null) {
		this.#timeout = timeout;
		this.#deadline = timeout === null ? Number.POSITIVE_INFINITY : monotonicNow() + timeout;
		for (const future of futures) {
			if (future.done()) {
				this.#completed.push(future);
			} else {
				this.#pending.add(future);
				watchFuture(future, this.#watcher);
			}
		}
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async next(): Promise<IteratorResult<F, undefined>> {
		return new Promise((resolve, reject) => {
			this.#requests.push({resolve, reject});
			this.#serve();
		});
	}

	async return(): Promise<IteratorResult<F, undefined>> {
		this.#end();
		return {done: true, value: undefined};
	}

	// One for all the futures: it is told which of them has settled, and 10,000 need no function each.
	readonly #watcher = (future: Future<unknown>): void => {
		const completed = future as F;
		this.#pending.delete(completed);
		this.#completed.push(completed);
		this.#serve();
	};

	#serve(): void {
		while (this.#requests.length > 0) {
			const future = this.#completed[this.#taken];
			if (future !== undefined) {
				this.#taken++;
				this.#requests.shift()?.resolve({done: false, value: future});
			} else if (this.#pending.size === 0) {
				this.#end();
			} else if (monotonicNow() >= this.#deadline) {
				this.#requests.shift()?.reject(new TimeoutError(undefined, {timeout: this.#timeout}));
				this.#end();
			} else {
				this.#startTimer();
				return;
			}
		}

		this.#stopTimer?.();
		this.#stopTimer = undefined;
	}

	#startTimer(): void {
		this.#stopTimer ??= startTimer(this.#timeout === null ? null : this.#deadline - monotonicNow(), () => {
			this.#stopTimer = undefined;
			this.#serve();
		});
	}

	#end(): void {
		for (const future of this.#pending) {
			unwatchFuture(future, this.#watcher);
		}

		this.#pending.clear();
		this.#completed.length = 0;
		this.#stopTimer?.();
		this.#stopTimer = undefined;
		for (const {resolve} of this.#requests.splice(0)) {
			resolve({done: true, value: undefined});
		}
	}
}
