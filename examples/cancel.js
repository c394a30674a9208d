/**
 * A task that has not started can be taken back; one that runs is not disturbed.
 */
import assert from 'node:assert/strict';
import {CancelledError, ProcessPoolExecutor, TimeoutError} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 1});

const work = async (name, duration) => {
	await new Promise(resolve => {
		setTimeout(resolve, duration);
	});
	return `${name} is done`;
};

const running = executor.submit(work, 'the first', 500);
const queued = executor.submit(work, 'the second', 300);
const last = executor.submit(work, 'the third', 0);

// Giving up a wait cancels nothing.
await assert.rejects(running.result({timeout: 1}), TimeoutError);

assert.equal(queued.cancel(), true);
assert.equal(queued.cancelled(), true);
await assert.rejects(queued.result(), CancelledError);
console.log('The second task was cancelled before it started');

while (!running.running() && !running.done()) {
	await new Promise(setImmediate);
}

assert.equal(running.cancel(), false);
assert.equal(await running, 'the first is done');
console.log('The first one was running, so it could not be cancelled');

assert.equal(await last, 'the third is done');
assert.equal(last.cancel(), false);
await executor.shutdown();
