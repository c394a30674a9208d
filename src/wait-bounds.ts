import {onAbort} from './abort-listeners.js';
import {TimeoutError} from './errors.js';
import {copyOptions, readSignal, readTimeout} from './option-reader.js';
import {startTimer} from './timer.js';

/** How long to wait for a future. */
export interface WaitOptions {
	/** The longest wait in ms; 0 only looks, `Infinity` is none. Default: none. */
	readonly timeout?: number | undefined;
	/** Ends the wait when it aborts. */
	readonly signal?: AbortSignal | undefined;
}

/** {@link WaitOptions}, checked; `null` is none. */
export interface WaitBounds {
	readonly timeout: number | null;
	readonly signal: AbortSignal | null;
}

/** Something that ends once. `subscribe` gives back the function that withdraws the subscription. */
export interface Occurrence {
	isOver(): boolean;
	subscribe(finish: () => void): () => void;
}

export function readWaitBounds(functionName: string, options: unknown): WaitBounds {
	const copy = copyOptions(functionName, options, ['timeout', 'signal']);
	return {timeout: readTimeout(copy, 'timeout'), signal: readSignal(copy, 'signal')};
}

/**
 * Resolves when the occurrence is over. Rejects with `TimeoutError`, or with the reason of the signal; a signal that has aborted before
 * the call comes first, as in Node's own functions. Leaves neither a timer nor a listener behind.
 */
export async function waitWithin({timeout, signal}: WaitBounds, occurrence: Occurrence): Promise<void> {
	signal?.throwIfAborted();
	if (!occurrence.isOver() && timeout !== 0) {
		await firstOf({timeout, signal}, occurrence);
	}

	if (occurrence.isOver()) {
		return;
	}

	signal?.throwIfAborted();
	throw new TimeoutError(undefined, {timeout});
}

async function firstOf({timeout, signal}: WaitBounds, occurrence: Occurrence): Promise<void> {
	return new Promise(resolve => {
		const finish = (): void => {
			unsubscribe();
			stopTimer();
			stopListening?.();
			resolve();
		};

		const unsubscribe = occurrence.subscribe(finish);
		const stopTimer = startTimer(timeout, finish);
		const stopListening = signal === null ? undefined : onAbort(signal, finish);
	});
}
