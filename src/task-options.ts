import {argumentTypeError} from './errors.js';
import {
	copyOptions, readCount, readSignal, readTimeout,
} from './option-reader.js';

/** Says whether a task is tried again after this error of its attempt with this number, which counts from 1. */
export type RetryPredicate = (error: unknown, attempt: number) => boolean;

/** What `executor.with` can be told. A property that is `undefined` means its default. */
export interface TaskOptions {
	/** The most milliseconds of one call, from its start in a worker; then the worker is killed. `null` or `Infinity` is no limit. Default: `null`. */
	readonly timeout?: number | null | undefined;
	/** How often a task is tried again at most. Default: 0. */
	readonly retries?: number | undefined;
	/** Which failures are followed by another attempt. Default: the death of the worker, unless it was a timeout. */
	readonly retryIf?: RetryPredicate | undefined;
	/** Of the tasks that wait, those with the highest go first; a whole number. Default: 0. */
	readonly priority?: number | undefined;
	/** When it aborts, tasks that wait are taken back and the workers of those that run are killed. Default: none. */
	readonly signal?: AbortSignal | undefined;
}

/** {@link TaskOptions}, checked and complete; `null` is none. */
export interface TaskLimits {
	readonly timeout: number | null;
	readonly retries: number;
	readonly retryIf: RetryPredicate | null;
	readonly signal: AbortSignal | null;
	readonly priority: number;
}

/** Of tasks that are submitted without options. */
export const unlimited: TaskLimits = Object.freeze({
	timeout: null, retries: 0, retryIf: null, signal: null, priority: 0,
});

/**
 * Checks the options of `executor.with`.
 *
 * @throws {TypeError} A name is unknown, or a value has the wrong type.
 * @throws {RangeError} A value is out of range.
 */
export function readTaskOptions(options: unknown): TaskLimits {
	const copy = copyOptions('with', options, ['timeout', 'retries', 'retryIf', 'signal', 'priority']);
	return Object.freeze({
		// Elsewhere 0 often means no limit: here it would kill every task.
		timeout: readTimeout(copy, 'timeout', {nullable: true, positive: true}),
		retries: readCount(copy, 'retries', {minimum: 0, byDefault: () => 0}),
		retryIf: readPredicate(copy['retryIf']),
		signal: readSignal(copy, 'signal'),
		priority: readCount(copy, 'priority', {byDefault: () => 0}),
	});
}

function readPredicate(value: unknown): RetryPredicate | null {
	if (value === undefined) {
		return null;
	}

	if (typeof value !== 'function') {
		throw argumentTypeError('retryIf', 'a function', value);
	}

	return value as RetryPredicate;
}
