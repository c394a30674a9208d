import {argumentTypeError} from './errors.js';
import {Future, observeFuture} from './future.js';

/** The futures without duplicates, each counted as looked at. */
export function observedFutures<F extends Future<unknown>>(futures: Iterable<F>): ReadonlySet<F> {
	if (typeof futures !== 'object' || futures === null || typeof futures[Symbol.iterator] !== 'function') {
		throw argumentTypeError('futures', 'an iterable of futures', futures);
	}

	const all = new Set(futures);
	for (const future of all) {
		if (!(future instanceof Future)) {
			throw argumentTypeError('futures', 'an iterable of futures only', future);
		}
	}

	for (const future of all) {
		observeFuture(future);
	}

	return all;
}
