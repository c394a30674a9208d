import {AsyncResource} from 'node:async_hooks';
import process from 'node:process';
import {argumentTypeError} from './errors.js';
import {describeFailure} from './unobserved-failures.js';

/** A function that calls `fn` with `future` in the asynchronous context of now; what `fn` throws becomes a process warning. */
export function bindDoneCallback<F>(fn: (future: F) => void, future: F): () => void {
	if (typeof fn !== 'function') {
		throw argumentTypeError('fn', 'a function', fn);
	}

	const context = new AsyncResource('LokyDoneCallback');
	return () => {
		try {
			context.runInAsyncScope(fn, undefined, future);
		} catch (error) {
			process.emitWarning('A done-callback of a future threw. The future and its other callbacks are not affected.', {
				type: 'DoneCallbackWarning',
				code: 'LOKY_DONE_CALLBACK',
				detail: describeFailure(error),
			});
		}
	};
}
