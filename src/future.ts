import {AsyncResource} from 'node:async_hooks';
import process from 'node:process';
import {inspect, type InspectOptionsStylized} from 'node:util';
import {argumentTypeError} from './errors.js';
import {
	describeFailure,
	warnWhenCollected,
	withdrawWarning,
	type FailureGroup,
} from './unobserved-failures.js';
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

// What the rest of the package may do with a future and its holders may not; the class fills it in.
let internals: {
	create<T>(owner: FutureOwner, task: number): Future<T>;
	settle(future: Future<unknown>, state: SettledState, outcome: unknown): boolean;
	guard(future: Future<unknown>, group: FailureGroup | undefined): void;
	observe(future: Future<unknown>): void;
	state(future: Future<unknown>): FutureState;
	outcome(future: Future<unknown>): unknown;
	watch(future: Future<unknown>, watcher: Watcher): void;
	unwatch(future: Future<unknown>, watcher: Watcher): void;
};

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
			create: <T>(owner: FutureOwner, task: number) => new Future<T>(creationKey, owner, task),
			settle(future, state, outcome) {
				if (future.#state !== 'pending') {
					return false;
				}

				future.#state = state;
				future.#outcome = outcome;
				// A future that is kept must not keep its executor.
				future.#owner = undefined;
				future.#notify();
				return true;
			},
			guard(future, group) {
				if (future.#observation === 'none') {
					future.#observation = 'guarded';
					warnWhenCollected(future, future.#outcome, group);
				}
			},
			observe(future) {
				future.#observe();
			},
			state: future => future.#state,
			outcome: future => future.#outcome,
			watch(future, watcher) {
				future.#watch(watcher);
			},
			unwatch(future, watcher) {
				future.#unwatch(watcher);
			},
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
				// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- R1 is T where there is no handler
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
		if (typeof fn !== 'function') {
			throw argumentTypeError('fn', 'a function', fn);
		}

		const context = new AsyncResource('LokyDoneCallback');
		const callback = (): void => {
			try {
				context.runInAsyncScope(fn, undefined, this);
			} catch (error) {
				process.emitWarning('A done-callback of a future threw. The future and its other callbacks are not affected.', {
					type: 'DoneCallbackWarning',
					code: 'LOKY_DONE_CALLBACK',
					detail: describeFailure(error),
				});
			}
		};

		if (this.#state === 'pending') {
			this.#watch(callback);
		} else {
			queueMicrotask(callback);
		}
	}

	[inspect.custom](_depth: number, options: InspectOptionsStylized): string {
		switch (this.#state) {
			case 'pending': {
				return this.running() ? 'Future { <running> }' : 'Future { <pending> }';
			}

			case 'cancelled': {
				return 'Future { <cancelled> }';
			}

			case 'fulfilled': {
				return `Future { ${inspect(this.#outcome, options)} }`;
			}

			case 'rejected': {
				return `Future { <rejected> ${inspect(this.#outcome, options)} }`;
			}
		}
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

/** A pending future for the owner's task number `task`. */
export const createFuture = <T>(owner: FutureOwner, task: number): Future<T> => internals.create<T>(owner, task);

/** Settles a future with a result. False, and nothing happens, when it is settled already. */
export const resolveFuture = (future: Future<unknown>, value: unknown): boolean => internals.settle(future, 'fulfilled', value);

/** Settles a future with an error; of all the futures of a `group` that nobody ever looks at, only the first to be collected warns. */
export function rejectFuture(future: Future<unknown>, error: unknown, group?: FailureGroup): boolean {
	const settled = internals.settle(future, 'rejected', error);
	if (settled) {
		internals.guard(future, group);
	}

	return settled;
}

/** Settles a future as cancelled; `error` is what waiting for it rejects with. */
export const cancelFuture = (future: Future<unknown>, error: Error): boolean => internals.settle(future, 'cancelled', error);

/** Counts as looking at the future: its failure is not warned about. */
export const observeFuture = (future: Future<unknown>): void => {
	internals.observe(future);
};

/** Calls `watcher` once when a pending future settles. */
export const watchFuture = (future: Future<unknown>, watcher: Watcher): void => {
	internals.watch(future, watcher);
};

export const unwatchFuture = (future: Future<unknown>, watcher: Watcher): void => {
	internals.unwatch(future, watcher);
};

export const futureState = (future: Future<unknown>): FutureState => internals.state(future);

/** The result or the error of a settled future, without a promise. */
export const futureOutcome = (future: Future<unknown>): unknown => internals.outcome(future);
