import {performance} from 'node:perf_hooks';
import {setTimeout as delay} from 'node:timers/promises';

/** Polls until `condition` holds. Throws, with what was last seen, when it does not within `limit` ms. */
export async function eventually<T>(look: () => T, condition: (seen: T) => boolean, limit = 5000): Promise<number> {
	const start = performance.now();
	for (;;) {
		const seen = look();
		if (condition(seen)) {
			return performance.now() - start;
		}

		if (performance.now() - start > limit) {
			throw new Error(`Not so within ${limit} ms; last seen: ${JSON.stringify(seen)}`);
		}

		await delay(5);
	}
}

/** The promise, or an error when it does not settle within `limit` ms. */
export async function within<T>(limit: number, promise: PromiseLike<T>): Promise<T> {
	const controller = new AbortController();
	const expiry = async (): Promise<never> => {
		await delay(limit, undefined, {signal: controller.signal});
		throw new Error(`Not settled within ${limit} ms`);
	};

	try {
		return await Promise.race([promise, expiry()]);
	} finally {
		controller.abort();
	}
}
