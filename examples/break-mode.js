/**
 * The rule of Python's loky and concurrent.futures: one dead worker breaks the whole executor. For programs that prefer
 * an end with all tasks to a result with a hole.
 */
import assert from 'node:assert/strict';
import {BrokenProcessPool, ProcessPoolExecutor, TerminatedWorkerError} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 2, onWorkerDeath: 'break'});

assert.equal(await executor.submit(() => 'fine so far'), 'fine so far');

const sleep = async duration => {
	await new Promise(resolve => {
		setTimeout(resolve, duration);
	});
};

const running = executor.submit(sleep, 10_000);
const fatal = executor.submit(() => process.kill(process.pid, 'SIGKILL'));
const queued = executor.submit(sleep, 10_000);

const error = await fatal.exception();
assert.ok(error instanceof TerminatedWorkerError);
assert.equal(error.signal, 'SIGKILL');
await assert.rejects(running.result(), BrokenProcessPool);
await assert.rejects(queued.result(), BrokenProcessPool);
console.log('One worker was killed, and all tasks failed with it');

await assert.rejects(executor.submit(() => 'too late').result(), BrokenProcessPool);
console.log('The executor is broken for good: a new one is needed');
await executor.shutdown();
