/**
 * Several futures at once: `wait` for the first or for all, or take each as it completes.
 */
import assert from 'node:assert/strict';
import {
	asCompleted, FIRST_COMPLETED, ProcessPoolExecutor, wait,
} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 3});
await executor.map(n => n, [1, 2, 3]); // All workers have started, so that the times below are those of the tasks.

const answer = async (name, delay) => {
	await new Promise(resolve => {
		setTimeout(resolve, delay);
	});
	return name;
};

const futures = [executor.submit(answer, 'slow', 600), executor.submit(answer, 'fast', 20), executor.submit(answer, 'medium', 300)];

const {done, notDone} = await wait(futures, {returnWhen: FIRST_COMPLETED});
assert.equal(done.size + notDone.size, 3);
assert.ok(done.has(futures[1]));
console.log(`First of all: ${await futures[1]}; ${notDone.size} go on`);

// The loop gives futures, not results: a failed one can be told from the loop itself.
const order = [];
for await (const future of asCompleted(futures)) {
	order.push(await future.result());
}

assert.deepEqual(order, ['fast', 'medium', 'slow']);
console.log('In order of completion:', order.join(', '));

// A wait that ends at its timeout is no error: it says what is done so far.
const late = executor.submit(answer, 'late', 300);
const {done: doneInTime} = await wait([late], {timeout: 10});
assert.equal(doneInTime.size, 0);
await late;
await executor.shutdown();
