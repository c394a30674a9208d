/**
 * One task: a function and its arguments go to another process, a future comes back at once.
 */
import assert from 'node:assert/strict';
import {ProcessPoolExecutor} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 2});

// A function can be written on the spot. What it may use is shown in closures.js.
const future = executor.submit((base, exponent) => base ** exponent, 2, 10);
assert.equal(future.done(), false);
const power = await future;
assert.equal(power, 1024);
console.log(`2 ** 10 is ${power}, says another process`);

// Arguments and results are copies, of all that structured clone can copy.
const prices = new Map([['apples', [3, 1, 2]], ['pears', [9, 7]]]);
const sorted = await executor.submit(map => {
	for (const list of map.values()) {
		list.sort((a, b) => a - b);
	}

	return map;
}, prices);
assert.deepEqual(sorted, new Map([['apples', [1, 2, 3]], ['pears', [7, 9]]]));
assert.deepEqual(prices.get('apples'), [3, 1, 2]);
console.log('The worker sorted its copy of the map and returned it; ours is as it was');

// Asynchronous functions are awaited in the worker.
const workerPid = await executor.submit(async () => process.pid);
assert.notEqual(workerPid, process.pid);
console.log('The worker is a process of its own');

await executor.shutdown();
