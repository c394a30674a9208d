/* eslint-disable @typescript-eslint/promise-function-async -- an async function could not throw at once for a wrong call */
import {
	futureState,
	unwatchFuture,
	watchFuture,
	type Future,
} from './future.js';
import {observedFutures} from './observed-futures.js';
import {copyOptions, readChoice, readTimeout} from './option-reader.js';
import {startTimer} from './timer.js';

export {asCompleted, type AsCompletedOptions, type CompletedFutures} from './as-completed.js';

/** {@link wait} returns when any future is done. */
export const FIRST_COMPLETED = 'FIRST_COMPLETED';
/** {@link wait} returns when any future has failed, or all are done. A cancelled future has not failed. */
export const FIRST_EXCEPTION = 'FIRST_EXCEPTION';
/** {@link wait} returns when all futures are done. */
export const ALL_COMPLETED = 'ALL_COMPLETED';

/** When {@link wait} returns. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

/** What {@link wait} can be told. */
export interface WaitForOptions {
	/** The longest wait in ms; 0 only looks, `Infinity` is none. Default: none. */
	readonly timeout?: number | undefined;
	/** Default: `ALL_COMPLETED`. */
	readonly returnWhen?: ReturnWhen | undefined;
}

/** The futures given to {@link wait}, in their order. */
export interface WaitResult<F> {
	readonly done: Set<F>;
	readonly notDone: Set<F>;
}

/**
 * Waits until some or all of the futures are done, and tells which are: those that succeeded, failed or were cancelled.
 *
 * At the timeout it returns what there is; it does not reject. The wait does not hold the process. A future given twice counts once.
 *
 * @throws {TypeError} Something is not a future, or an option is wrong.
 * @throws {RangeError} An option is out of range.
 *
 * @example
 * const {done, notDone} = await wait(futures, {returnWhen: FIRST_COMPLETED});
 */
export function wait<F extends Future<unknown>>(futures: Iterable<F>, options?: WaitForOptions): Promise<WaitResult<F>> {
	const all = observedFutures(futures);
	const copy = copyOptions('wait', options, ['timeout', 'returnWhen']);
	const timeout = readTimeout(copy, 'timeout');
	const returnWhen = readChoice(copy, 'returnWhen', [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED], ALL_COMPLETED);
	return partitionLater(all, timeout, returnWhen);
}

async function partitionLater<F extends Future<unknown>>(futures: ReadonlySet<F>, timeout: number | null, returnWhen: ReturnWhen): Promise<WaitResult<F>> {
	const pending = [...futures].filter(future => !future.done());
	const isOver = pending.length === 0 || [...futures].some(future => endsWait(future, returnWhen));
	if (!isOver && timeout !== 0) {
		await untilOver(pending, timeout, returnWhen);
	}

	// Looked at now, in a microtask: of the futures that settled in one go, all are done.
	const result = {done: new Set<F>(), notDone: new Set<F>()};
	for (const future of futures) {
		(future.done() ? result.done : result.notDone).add(future);
	}

	return result;
}

async function untilOver(pending: ReadonlyArray<Future<unknown>>, timeout: number | null, returnWhen: ReturnWhen): Promise<void> {
	return new Promise(resolve => {
		let remaining = pending.length;
		const finish = (): void => {
			stopTimer();
			for (const future of pending) {
				unwatchFuture(future, watcher);
			}

			resolve();
		};

		const watcher = (future: Future<unknown>): void => {
			remaining--;
			if (remaining === 0 || endsWait(future, returnWhen)) {
				finish();
			}
		};

		const stopTimer = startTimer(timeout, finish);
		for (const future of pending) {
			watchFuture(future, watcher);
		}
	});
}

/** Whether this future alone lets the wait return. */
function endsWait(future: Future<unknown>, returnWhen: ReturnWhen): boolean {
	switch (returnWhen) {
		case FIRST_COMPLETED: {
			return future.done();
		}

		case FIRST_EXCEPTION: {
			return futureState(future) === 'rejected';
		}

		case ALL_COMPLETED: {
			return false;
		}
	}
}
