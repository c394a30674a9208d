/**
 * Whether a task that has failed is tried again.
 */
import {AsyncResource} from 'node:async_hooks';
import process from 'node:process';
import {argumentTypeError} from './errors.js';
import type {RetryPredicate, TaskLimits} from './task-options.js';
import {describeFailure} from './unobserved-failures.js';

/** How an attempt failed: its worker died, it ran for too long, or it gave an error. */
export type FailureKind = 'death' | 'timeout' | 'error';

/** The attempts at one task. */
export class Attempts {
	readonly #retries: number;
	readonly #isWanted: (error: unknown, kind: FailureKind) => boolean;
	readonly #submitAgain: () => boolean;
	#number = 1;

	/** @param submitAgain false when that cannot be done any more */
	constructor({retries, retryIf}: TaskLimits, submitAgain: () => boolean) {
		this.#retries = retries;
		this.#submitAgain = submitAgain;
		this.#isWanted = retryIf === null ? (_error, kind) => kind === 'death' : this.#asked(retryIf);
	}

	/** Of the attempt that is under way, from 1. */
	get number(): number {
		return this.#number;
	}

	/** Whether the attempt that has failed is followed by another, which is then on its way. */
	goOn(error: unknown, kind: FailureKind): boolean {
		if (this.#number > this.#retries || !this.#isWanted(error, kind)) {
			return false;
		}

		this.#number++;
		return this.#submitAgain();
	}

	/** In the asynchronous context of the submission. A predicate that fails refuses, and harms nothing else. */
	#asked(retryIf: RetryPredicate): (error: unknown) => boolean {
		const context = new AsyncResource('LokyRetryPredicate');
		return error => {
			try {
				const answer: unknown = context.runInAsyncScope(retryIf, undefined, error, this.#number);
				if (typeof answer !== 'boolean') {
					// A promise, say, would count as true.
					throw argumentTypeError('The answer of retryIf', 'a boolean', answer);
				}

				return answer;
			} catch (error_) {
				process.emitWarning('A retryIf function failed, so its task is not tried again.', {
					type: 'RetryPredicateWarning',
					code: 'LOKY_RETRY_PREDICATE',
					detail: describeFailure(error_),
				});
				return false;
			}
		};
	}
}
