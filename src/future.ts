/* eslint-disable @typescript-eslint/promise-function-async -- an async function would cost every wait one more promise, and could not throw at once for a wrong call */
import {inspect, type InspectOptionsStylized} from 'node:util';
import {bindDoneCallback} from './done-callback.js';
import {untravelling} from './untravelling.js';
import {warnWhenCollected, withdrawWarning, type FailureGroup} from './unobserved-failures.js';
import {
	readWaitBounds,
	waitWithin,
	type WaitBounds,
	type WaitOptions,
} from './wait-bounds.js';

// Kept from the time the package was loaded: see timer.ts.
const {queueMicrotask} = globalThis;

/** Who runs the task of a future, and can take it back. */
export interface FutureOwner {
	/** True when the task was taken back; the owner then settles the future as cancelled before it returns. */
	cancel(task: number): boolean;
	/** Whether a worker has started the task. */
	isRunning(task: number): boolean;
}

export type FutureState = 'pending' | SettledState;
export type SettledState = 'fulfilled' | 'rejected' | 'cancelled';

/** Called once, synchronously, when the future settles. Must not throw. */
export type Watcher = (future: Future<unknown>) => void;

/** What the rest of the package may do with a future and its holders may not. */
interface FutureInternals {
	/** A pending future for the owner's task number `task`. */
	readonly createFuture: <T>(owner: FutureOwner, task: number) => Future<T>;
	/** Settles a future with a result. False, and nothing happens, when it is settled already; so do the next two. */
	readonly resolveFuture: (future: Future<unknown>, value: unknown) => boolean;
	/** Settles a future with an error. Of the futures of a `group` that nobody ever looks at, only the first to be collected warns. */
	readonly rejectFuture: (future: Future<unknown>, error: unknown, group?: FailureGroup) => boolean;
	/** Settles a future as cancelled; `error` is what waiting for it rejects with. */
	readonly cancelFuture: (future: Future<unknown>, error: Error) => boolean;
	/** Counts as looking at the future: its failure is not warned about. */
	readonly observeFuture: (future: Future<unknown>) => void;
	/** Calls `watcher` once when a pending future settles. */
	readonly watchFuture: (future: Future<unknown>, watcher: Watcher) => void;
	readonly unwatchFuture: (future: Future<unknown>, watcher: Watcher) => void;
	readonly futureState: (future: Future<unknown>) => FutureState;
	/** The result of a future that is fulfilled, without a promise. */
	readonly futureValue: <T>(future: Future<T>) => T;
	/** The error of a future that is rejected or cancelled, without a promise. */
	readonly futureError: (future: Future<unknown>) => unknown;
}

let internals: FutureInternals;

const creationKey = Symbol('creation of a future');
const alreadySettled = Promise.resolve();

/**
 * The result of a task, now or later. Created pending, and only by an executor.
 *
 * It can be awaited like a promise, but it is none: it can tell its state synchronously, can be cancelled, and a failure that nobody
 * has awaited yet is no `unhandledRejection`. A failure that nobody ever looked at is a process warning once the future is collected.
 *
 * A result that is itself a thenable reaches done-callbacks and the handlers of `then` as it is. `await`, and every promise made from
 * the future, unwrap it: the language leaves no way around that.
 *
 * @example
 * const future = executor.submit(n => n * 2, 21);
 * future.done(); // false
 * await future; // 42
 */
export class Future<T> implements PromiseLike<T> {
	static {
		internals = {
			createFuture: <T>(owner: FutureOwner, task: number) => new Future<T>(creationKey, owner, task),
			resolveFuture: (future, value) => future.#settle('fulfilled', value),
			rejectFuture(future, error, group) {
				const isFirst = future.#settle('rejected', error);
				if (isFirst && future.#observation === 'none') {
					future.#observation = 'guarded';
					warnWhenCollected(future, error, group);
				}

				return isFirst;
			},
			cancelFuture: (future, error) => future.#settle('cancelled', error),
			observeFuture(future) {
				future.#observe();
			},
			watchFuture(future, watcher) {
				future.#watch(watcher);
			},
			unwatchFuture(future, watcher) {
				future.#unwatch(watcher);
			},
			futureState: future => future.#state,

			futureValue: <T>(future: Future<T>) => future.#outcome as T,
			futureError: future => future.#outcome,
		};
	}

	// A million futures may be pending at once: everything that only some of them need is allocated on demand.
	readonly #task: number;
	#owner: FutureOwner | undefined;
	#state: FutureState = 'pending';
	#outcome: unknown = undefined;
	#watchers: Watcher | Set<Watcher> | undefined = undefined;
	#observation: 'none' | 'guarded' | 'observed' = 'none';

	private constructor(key: symbol, owner: FutureOwner, task: number) {
		if (key !== creationKey) {
			throw new TypeError('A Future is created by an executor only: call submit() to get one.');
		}

		this.#owner = owner;
		this.#task = task;
	}

	/** @internal */
	get [untravelling](): string {
		return 'a Future';
	}

	get [Symbol.toStringTag](): string {
		return 'Future';
	}

	/** As a promise's `then`; makes a native promise, whose rejection follows the rules of promises. */
	// eslint-disable-next-line unicorn/no-thenable -- being awaitable is the purpose of the class
	then<R1 = T, R2 = never>(
		onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
		onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null,
	): Promise<R1 | R2> {
		// The promise below carries no value, so that no result is unwrapped on its way to the handler.
		return this.#settled().then(() => {
			if (this.#state === 'fulfilled') {
				const value = this.#outcome as R1 & T;
				return typeof onFulfilled === 'function' ? onFulfilled(value) : value;
			}

			if (typeof onRejected === 'function') {
				return onRejected(this.#outcome);
			}

			throw this.#outcome;
		});
	}

	/** As a promise's `catch`. */
	catch<R = never>(onRejected?: ((error: unknown) => R | PromiseLike<R>) | null): Promise<T | R> {
		return this.then(undefined, onRejected);
	}

	/** As a promise's `finally`. */
	finally(onFinally?: (() => void) | null): Promise<T> {
		return this.then().finally(onFinally);
	}

	/**
	 * The result; rejects with the task's error when it failed. Giving up the wait leaves the task alone.
	 *
	 * The wait does not hold the process.
	 *
	 * @param options.timeout - The longest wait in ms; 0 only looks, `Infinity` is none. Default: none.
	 * @param options.signal - Ends the wait when it aborts.
	 * @throws {TimeoutError} (rejects) The task has not finished in time.
	 * @throws {CancelledError} (rejects) The task was cancelled.
	 * @throws The `reason` of the signal (rejects), also when the signal has aborted before the call.
	 */
	result(options?: WaitOptions): Promise<T> {
		const bounds = readWaitBounds('result', options);
		return this.#settledWithin(bounds).then(() => this.then());
	}

	/**
	 * The error of a task that failed, or `null` when it succeeded. Options and rejections are those of {@link Future.result}, but the
	 * task's own error is no rejection.
	 */
	exception(options?: WaitOptions): Promise<unknown> {
		const bounds = readWaitBounds('exception', options);
		return this.#settledWithin(bounds).then(() => this.#state === 'rejected' ? this.#outcome : this.then(() => null));
	}

	/**
	 * Takes the task back unless a worker has started it. The future then fails with `CancelledError`, before this returns.
	 *
	 * @returns Whether the task is cancelled, by this call or by an earlier one.
	 */
	cancel(): boolean {
		return this.#owner === undefined ? this.#state === 'cancelled' : this.#owner.cancel(this.#task);
	}

	/** Whether the task was cancelled. */
	cancelled(): boolean {
		return this.#state === 'cancelled';
	}

	/** Whether a worker has started the task and not finished it. */
	running(): boolean {
		return this.#owner !== undefined && this.#owner.isRunning(this.#task);
	}

	/** Whether the task has succeeded, failed or been cancelled. */
	done(): boolean {
		return this.#state !== 'pending';
	}

	/**
	 * Calls `fn` with this future when it is done, in the order of registration and in the caller's asynchronous context. If the future
	 * is done already, `fn` is called in a microtask. What `fn` throws becomes a process warning.
	 */
	addDoneCallback(fn: (future: Future<T>) => void): void {
		const callback = bindDoneCallback<Future<T>>(fn, this);
		if (this.#state === 'pending') {
			this.#watch(callback);
		} else {
			queueMicrotask(callback);
		}
	}

	[inspect.custom](_depth: number, options: InspectOptionsStylized): string {
		const state = this.running() ? 'running' : this.#state;
		const shown = [
			...(state === 'fulfilled' ? [] : [`<${state}>`]),
			...(state === 'fulfilled' || state === 'rejected' ? [inspect(this.#outcome, options)] : []),
		];
		return `Future { ${shown.join(' ')} }`;
	}

	#observe(): void {
		if (this.#observation === 'guarded') {
			withdrawWarning(this);
		}

		this.#observation = 'observed';
	}

	#settled(): Promise<void> {
		this.#observe();
		if (this.#state !== 'pending') {
			return alreadySettled;
		}

		return new Promise(resolve => {
			this.#watch(() => {
				resolve();
			});
		});
	}

	#settledWithin(bounds: WaitBounds): Promise<void> {
		this.#observe();
		return waitWithin(bounds, {
			isOver: () => this.#state !== 'pending',
			subscribe: finish => {
				this.#watch(finish);
				return () => {
					this.#unwatch(finish);
				};
			},
		});
	}

	#watch(watcher: Watcher): void {
		if (this.#watchers === undefined) {
			this.#watchers = watcher;
		} else if (typeof this.#watchers === 'function') {
			this.#watchers = new Set([this.#watchers, watcher]);
		} else {
			this.#watchers.add(watcher);
		}
	}

	#unwatch(watcher: Watcher): void {
		if (this.#watchers === watcher) {
			this.#watchers = undefined;
		} else if (typeof this.#watchers === 'object') {
			this.#watchers.delete(watcher);
		}
	}

	#settle(state: SettledState, outcome: unknown): boolean {
		if (this.#state !== 'pending') {
			return false;
		}

		this.#state = state;
		this.#outcome = outcome;
		// A future that is kept must not keep its executor.
		this.#owner = undefined;
		this.#notify();
		return true;
	}

	#notify(): void {
		if (this.#watchers === undefined) {
			return;
		}

		if (typeof this.#watchers === 'function') {
			this.#watchers(this);
		} else {
			for (const watcher of this.#watchers) {
				watcher(this);
			}
		}

		this.#watchers = undefined;
	}
}

export const {
	createFuture,
	resolveFuture,
	rejectFuture,
	cancelFuture,
	observeFuture,
	watchFuture,
	unwatchFuture,
	futureState,
	futureValue,
	futureError,
} = internals;
