/**
 * Several futures at once: `wait` for the first or for all, or take each as it completes.
 */
import assert from 'node:assert/strict';
import {
	asCompleted, FIRST_COMPLETED, ProcessPoolExecutor, wait,
} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 3});

const answer = async (name, delay) => {
	await new Promise(resolve => {
		setTimeout(resolve, delay);
	});
	return name;
};

const futures = [executor.submit(answer, 'slow', 500), executor.submit(answer, 'fast', 20), executor.submit(answer, 'medium', 250)];
const completions = [];
for (const future of futures) {
	future.addDoneCallback(completed => {
		completions.push(completed);
	});
}

const {done, notDone} = await wait(futures, {returnWhen: FIRST_COMPLETED});
assert.ok(done.has(completions[0]));
assert.equal(done.size + notDone.size, 3);
console.log(`First of all: ${await completions[0]}`);

// The loop gives futures, not results: a failed one disturbs the loop no more than any other.
const order = [];
for await (const future of asCompleted(futures)) {
	order.push(future);
}

assert.deepEqual(order, completions);
const names = await Promise.all(order);
console.log('In order of completion:', names.join(', '));

// A wait that ends at its timeout is no error: it says what is done so far.
const late = executor.submit(answer, 'late', 300);
const {done: doneInTime} = await wait([late], {timeout: 10});
assert.equal(doneInTime.size, 0);
await late;
await executor.shutdown();
