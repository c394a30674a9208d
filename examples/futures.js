/**
 * Submit many tasks, keep their futures, look at each when it suits. A task that failed long ago waits for you: it is no
 * unhandled rejection, and it disturbs no other.
 */
import assert from 'node:assert/strict';
import {ProcessPoolExecutor} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 2});

const futures = [5, 4, 3, 2, 1, 0].map(divisor => executor.submit(async (dividend, divisor) => {
	if (divisor === 0) {
		throw new RangeError('Nothing can be divided by 0');
	}

	await new Promise(resolve => {
		setTimeout(resolve, divisor * 40);
	});
	return dividend / divisor;
}, 60, divisor));

const outcomes = [];
for (const future of futures) {
	try {
		outcomes.push(await future);
	} catch (error) {
		assert.ok(error instanceof RangeError);
		outcomes.push(error.message);
	}
}

assert.deepEqual(outcomes, [12, 15, 20, 30, 60, 'Nothing can be divided by 0']);
console.log('Outcomes in the order of the calls:', outcomes.join(', '));

// Without try and catch: the error as a value, or null. A future can be looked at as often as you like.
const failures = await Promise.all(futures.map(future => future.exception()));
assert.deepEqual(failures.map(error => error === null), [true, true, true, true, true, false]);

console.log('Failed:', failures.filter(error => error !== null).length, 'of', futures.length);
await executor.shutdown();
