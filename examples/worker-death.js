/**
 * A worker may die under its task. That task fails, with the facts of the death; every other one is done as if nothing
 * had happened, and the executor goes on.
 */
import assert from 'node:assert/strict';
import {ProcessPoolExecutor, TerminatedWorkerError} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 2});

const work = async n => {
	if (n === 3) {
		process.kill(process.pid, 'SIGKILL');
	}

	if (n === 6) {
		process.exit(3);
	}

	await new Promise(resolve => {
		setTimeout(resolve, 20);
	});
	return n * n;
};

const futures = Array.from({length: 10}, (_, n) => executor.submit(work, n));
const deaths = new Map();
for (const [n, future] of futures.entries()) {
	const error = await future.exception();
	if (error === null) {
		assert.equal(await future, n * n);
		continue;
	}

	assert.ok(error instanceof TerminatedWorkerError);
	deaths.set(n, error);
	console.log(`Task ${n} lost its worker ${error.workerIndex}: signal ${error.signal}, exit code ${error.exitCode}`);
}

assert.deepEqual([...deaths.keys()], [3, 6]);
assert.equal(deaths.get(3).signal, 'SIGKILL');
assert.equal(deaths.get(6).exitCode, 3);
console.log('The eight other tasks have their results');

assert.equal(await executor.submit(work, 7), 49);
await executor.shutdown();
