import test from 'ava';
import {
	BrokenProcessPool, ProcessPoolExecutor, ShutdownExecutorError, TerminatedWorkerError, type Future,
} from 'loky';
import type * as Jobs from './fixtures/jobs.js';
import {eventually, within} from './helpers/deadline.js';
import {watches} from './helpers/watches.js';
import {leavingNothing, withExecutor} from './helpers/with-executor.js';

const jobsUrl = new URL('fixtures/jobs.js', import.meta.url);

const deaths = [
	{
		how: 'SIGKILL', exitCode: null, signal: 'SIGKILL', reason: 'killed', text: /SIGKILL\(-9\)/v,
	},
	{
		how: 'SIGTERM', exitCode: null, signal: 'SIGTERM', reason: 'killed', text: /SIGTERM\(-15\)/v,
	},
	{
		how: 'SIGSEGV', exitCode: null, signal: 'SIGSEGV', reason: 'crash', text: /SIGSEGV\(-11\)/v,
	},
	{
		how: 'SIGABRT', exitCode: null, signal: 'SIGABRT', reason: 'crash', text: /SIGABRT\(-6\)/v,
	},
	{
		how: 3, exitCode: 3, signal: null, reason: 'exit', text: /EXIT\(3\)/v,
	},
	{
		how: 0, exitCode: 0, signal: null, reason: 'exit', text: /EXIT\(0\)/v,
	},
] as const;

for (const [watch, env] of watches) {
	for (const {how, exitCode, signal, reason, text} of deaths) {
		test.serial(`a death by ${how} in one of 100 tasks costs exactly that task (${watch})`, withExecutor({maxWorkers: 4, env}, async (t, executor) => {
			const jobs = executor.module<typeof Jobs>(jobsUrl);
			const futures: Array<Future<number>> = Array.from({length: 100}, (_, item) => jobs.dieOrReturn(item, item === 37, how));
			const outcomes = await within(10_000, Promise.allSettled(futures));
			const failures = outcomes.flatMap((outcome, item) => outcome.status === 'rejected' ? [{item, error: outcome.reason as unknown}] : []);
			t.deepEqual(failures.map(({item}) => item), [37]);
			const error = failures[0]!.error as TerminatedWorkerError;
			t.true(error instanceof TerminatedWorkerError);
			t.true(error instanceof BrokenProcessPool);
			t.like(error, {
				code: 'ERR_WORKER_TERMINATED', exitCode, signal, reason,
			});
			t.regex(error.message, text);
			t.true(error.pid! > 0);
			t.deepEqual(outcomes.flatMap(outcome => outcome.status === 'fulfilled' ? [outcome.value] : []), [...Array.from({length: 100}).keys()].filter(item => item !== 37));
			t.is(await jobs.add(20, 22), 42);
		}));
	}

	test.serial(`an idle worker that is killed harms no task (${watch})`, withExecutor({maxWorkers: 1, env}, async (t, executor) => {
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const pid = await jobs.workerPid();
		process.kill(pid, 'SIGKILL');
		t.not(await within(10_000, jobs.workerPid()), pid);
	}));

	test.serial(`the last lines of stderr are in the error (${watch})`, withExecutor({maxWorkers: 1, env}, async (t, executor) => {
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const error = await t.throwsAsync(async () => jobs.writeToStderrAndDie('the disk is full\n', 5), {instanceOf: TerminatedWorkerError});
		t.is(error.stderrTail, 'the disk is full\n');
		t.regex(error.message, /the disk is full/v);
		t.is(error.exitCode, 5);
	}));

	test.serial(`workers that are killed all at once cost the tasks that they ran and no other (${watch})`, withExecutor({maxWorkers: 3, env}, async (t, executor) => {
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const running = Array.from({length: 3}, () => jobs.sleep(60_000));
		const waiting = Array.from({length: 30}, (_, item) => jobs.add(item, 1));
		await eventually(() => running.filter(future => future.running()).length, count => count === 3, 10_000);
		for (const {pid} of executor.workers) {
			process.kill(pid!, 'SIGKILL');
		}

		for (const outcome of await within(10_000, Promise.allSettled(running))) {
			t.true(outcome.status === 'rejected' && outcome.reason instanceof TerminatedWorkerError);
		}

		t.deepEqual(await within(10_000, Promise.all(waiting)), waiting.map((_, item) => item + 1));
	}));
}

test.serial('with onWorkerDeath "break" a death fails every task with its facts and ends the executor, as in loky', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 2, onWorkerDeath: 'break'});
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		await jobs.add(1, 1);
		const futures = [jobs.dieOrReturn(0, true, 'SIGSEGV'), ...Array.from({length: 20}, () => jobs.sleep(5000))];
		const outcomes = await within(5000, Promise.allSettled(futures));
		const errors = outcomes.map(outcome => outcome.status === 'rejected' ? outcome.reason as unknown : undefined);
		t.true(errors.every(error => error instanceof TerminatedWorkerError && error.signal === 'SIGSEGV'));
		t.is(new Set(errors).size, 21);
		await t.throwsAsync(async () => jobs.add(1, 1), {instanceOf: BrokenProcessPool});
		await executor.shutdown();
	});
});

test.serial('an executor whose workers cannot start breaks with the reason', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 2, env: {NODE_OPTIONS: '--no-such-flag'}});
		const error = await t.throwsAsync(async () => within(20_000, executor.submit(() => 1)), {instanceOf: BrokenProcessPool});
		t.regex(error.message, /no-such-flag/v);
		await executor.shutdown();
	});
});

test.serial('shutdown finishes what was submitted', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 2});
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const futures = Array.from({length: 10}, (_, item) => jobs.addLater(item, 1, 20));
		await executor.shutdown();
		t.true(futures.every(future => future.done()));
		t.deepEqual(await Promise.all(futures), futures.map((_, item) => item + 1));
	});
});

test.serial('a shutdown that does not wait can be escalated to one that kills', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 2});
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		await jobs.add(1, 1);
		const futures = Array.from({length: 4}, () => jobs.spinForEver());
		await eventually(() => futures.filter(future => future.running()).length, count => count === 2, 10_000);
		await executor.shutdown({wait: false});
		t.false(futures.some(future => future.done()));
		await within(2000, executor.shutdown({killWorkers: true}));
		for (const outcome of await Promise.allSettled(futures)) {
			t.true(outcome.status === 'rejected' && outcome.reason instanceof ShutdownExecutorError);
		}

		await executor.shutdown();
	});
});

test.serial('an executor that was never used shuts down at once', async t => {
	await leavingNothing(t, async () => {
		await within(1000, new ProcessPoolExecutor({maxWorkers: 2}).shutdown());
	});
});

test.serial('what a task writes to its output or sends to nobody is no message of ours', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	t.is(await jobs.sendNull(), undefined);
	await jobs.writeToStdout('');
	t.is(await jobs.add(20, 22), 42);
}));
