/**
 * Three ways to the end: finish everything, leave at the end of a block, or stop now.
 */
import assert from 'node:assert/strict';
import {ProcessPoolExecutor, ShutdownExecutorError} from 'loky';

const sleep = async (duration, value) => {
	await new Promise(resolve => {
		setTimeout(resolve, duration);
	});
	return value;
};

// `shutdown` waits for the tasks, then for the processes to be gone.
const patient = new ProcessPoolExecutor({maxWorkers: 2});
const finished = patient.submit(sleep, 50, 'finished');
await patient.shutdown();
assert.equal(finished.done(), true);
assert.equal(await finished, 'finished');
assert.deepEqual(patient.workers, []);
await assert.rejects(patient.submit(sleep, 0).result(), ShutdownExecutorError);
console.log('Shut down after the last task; another one is refused');

// With Node 24 or TypeScript: await using scoped = new ProcessPoolExecutor();
const scoped = new ProcessPoolExecutor({maxWorkers: 1});
try {
	assert.equal(await scoped.submit(sleep, 0, 1), 1);
} finally {
	await scoped[Symbol.asyncDispose]();
}

// A second call goes over to killing: what is unfinished then rejects.
const hasty = new ProcessPoolExecutor({maxWorkers: 1});
const endless = hasty.submit(sleep, 3_600_000);
await hasty.shutdown({wait: false});
const start = performance.now();
await hasty.shutdown({killWorkers: true});
await assert.rejects(endless.result(), ShutdownExecutorError);
assert.ok(performance.now() - start < 10_000);
console.log('Did not wait an hour for a task of an hour');
