/**
 * The same function over many items: all results by `await`, or one after the other by `for await`.
 */
import assert from 'node:assert/strict';
import {setTimeout} from 'node:timers/promises';
import {ProcessPoolExecutor} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 2});

const squares = await executor.map(n => n * n, [1, 2, 3, 4]);
assert.deepEqual(squares, [1, 4, 9, 16]);
console.log('Squares:', squares.join(', '));

// Several inputs are taken in step, until the shortest ends. Small items travel better together.
const products = await executor.map((a, b) => a * b, [1, 2, 3], [10, 20, 30, 40], {chunksize: 2});
assert.deepEqual(products, [10, 40, 90]);

// An asynchronous input is read as the work goes on, and a result is there as soon as it is its turn.
async function * readings() {
	for (let sensor = 1; sensor <= 3; sensor++) {
		await setTimeout(20);
		yield {sensor, values: Array.from({length: sensor}, (_, index) => index + sensor)};
	}
}

const means = [];
for await (const {sensor, mean} of executor.map(
	({sensor, values}) => ({sensor, mean: values.reduce((sum, value) => sum + value, 0) / values.length}),
	readings(),
)) {
	means.push(mean);
	console.log(`Sensor ${sensor}: mean ${mean}`);
}

assert.deepEqual(means, [1, 2.5, 4]);
await executor.shutdown();
