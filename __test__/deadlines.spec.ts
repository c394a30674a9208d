/**
 * Workers that stand still, and tasks that wait for them.
 */
import {connect} from 'node:net';
import {once} from 'node:events';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {
	BrokenProcessPool, ProcessPoolExecutor, TaskTimeoutError, TerminatedWorkerError,
} from 'loky';
import type * as KillsAsItLoads from './fixtures/kills-as-it-loads.js';
import type * as NeverLoads from './fixtures/never-loads.js';
import type * as Jobs from './fixtures/jobs.js';
import {eventually, within} from './helpers/deadline.js';
import {processState} from './helpers/processes.js';
import {watches} from './helpers/watches.js';
import {leavingNothing, withExecutor} from './helpers/with-executor.js';

const jobsUrl = new URL('fixtures/jobs.js', import.meta.url);
const neverUrl = new URL('fixtures/never-loads.js', import.meta.url);
const killsUrl = new URL('fixtures/kills-as-it-loads.js', import.meta.url);

/** What a task leaves running when it has returned. */
const returnAndSpin = (): string => {
	setImmediate(() => {
		for (;;) {
			// Nothing ends this.
		}
	});
	return 'returned';
};

for (const [watch, env] of watches) {
	test.serial(`workers that are never ready break the executor with the reason, and nothing is left of them (${watch})`, async t => {
		await leavingNothing(t, async () => {
			const executor = new ProcessPoolExecutor({
				maxWorkers: 2, env, startTimeout: 1000, initializer() {
					for (;;) {
						// It never comes to an end.
					}
				},
			});
			const futures = Array.from({length: 5}, () => executor.submit(() => 1));
			for (const future of futures) {
				const error = await within(40_000, future.exception()) as BrokenProcessPool;
				t.true(error instanceof BrokenProcessPool);
				t.regex(error.message, /no worker becomes ready.*SIGKILL.*startTimeout/sv);
				t.like(error.cause, {reason: 'timeout', signal: 'SIGKILL'});
			}

			await executor.shutdown();
		});
	});

	test.serial(`a worker that is killed as it starts is replaced, and no task is lost (${watch})`, withExecutor({
		maxWorkers: 2, env, initializer: async () => new Promise(resolve => {
			setTimeout(resolve, 300);
		}),
	}, async (t, executor) => {
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const futures = Array.from({length: 20}, (_, item) => jobs.add(item, 1));
		await eventually(() => executor.workers.filter(({pid, state}) => pid !== null && state === 'starting').length, count => count === 2, 10_000);
		for (const {pid} of executor.workers) {
			process.kill(pid!, 'SIGKILL');
		}

		t.deepEqual(await within(40_000, Promise.all(futures)), futures.map((_, item) => item + 1));
	}));

	test.serial(`a module that kills its worker while it is imported costs its task, which is told the module, and no other (${watch})`, withExecutor({maxWorkers: 2, env}, async (t, executor) => {
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const others = Array.from({length: 20}, (_, item) => jobs.addLater(item, 1, 5));
		const error = await within(40_000, executor.module<typeof KillsAsItLoads>(killsUrl).never().exception()) as TerminatedWorkerError;
		t.true(error instanceof TerminatedWorkerError);
		t.like(error, {signal: 'SIGSEGV', reason: 'crash'});
		t.true(error.message.includes(`died while it loaded the task never of ${killsUrl.href}: SIGSEGV`));
		t.deepEqual(await within(40_000, Promise.all(others)), others.map((_, item) => item + 1));
	}));

	test.serial(`a module that never finishes loading ends at the start timeout, and the next task runs (${watch})`, withExecutor({maxWorkers: 1, env, startTimeout: 5000}, async (t, executor) => {
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		await jobs.add(1, 1);
		const future = executor.module<typeof NeverLoads>(neverUrl).never();
		const next = jobs.add(20, 22);
		// What runs may take longer.
		const error = await within(40_000, future.exception()) as TerminatedWorkerError;
		t.true(error instanceof TerminatedWorkerError);
		t.like(error, {signal: 'SIGKILL', reason: 'timeout'});
		t.true(error.message.includes(`loaded the task never of ${neverUrl.href}`));
		t.regex(error.message, /top-level await/v);
		t.is(await within(40_000, next), 42);
		t.true(await within(40_000, jobs.sleep(6000)) > 0);
	}));

	test.serial(`a worker that spins when its task has returned holds up nobody for longer than the start timeout (${watch})`, async t => {
		await leavingNothing(t, async () => {
			const executor = new ProcessPoolExecutor({
				maxWorkers: 2, env, startTimeout: 5000, shutdownTimeout: 300,
			});
			const jobs = executor.module<typeof Jobs>(jobsUrl);
			t.is(await within(40_000, executor.submit(returnAndSpin)), 'returned');
			const sums = await within(40_000, Promise.all(Array.from({length: 500}, async (_, item) => jobs.add(item, 1))));
			t.deepEqual(sums, sums.map((_, item) => item + 1));
			t.is(await within(40_000, executor.submit(returnAndSpin)), 'returned');
			await within(40_000, executor.shutdown());
		});
	});

	test.serial(`a worker that is stopped while it is idle is replaced at the start timeout, and the task runs (${watch})`, withExecutor({maxWorkers: 1, env, startTimeout: 5000}, async (t, executor) => {
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const pid = await jobs.workerPid();
		process.kill(pid, 'SIGSTOP');
		await eventually(() => processState(pid), state => state === 'T');
		t.not(await within(40_000, jobs.workerPid()), pid);
		t.is(processState(pid), null);
	}));
}

test.serial('a task in a worker to which a debugger is connected has no timeout until that lets go', withExecutor({maxWorkers: 1, env: {NODE_OPTIONS: '--inspect=0'}}, async (t, executor) => {
	const port = await executor.submit(() => process.debugPort);
	const debuggerOfTheTest = connect(port, '127.0.0.1');
	await once(debuggerOfTheTest, 'connect');
	const jobs = executor.with({timeout: 300}).module<typeof Jobs>(jobsUrl);
	const future = jobs.spinForEver();
	await eventually(() => future.running(), Boolean);
	await delay(1500);
	t.true(future.running());
	debuggerOfTheTest.destroy();
	t.true(await within(40_000, future.exception()) instanceof TaskTimeoutError);
	// A debugger that may come, and has not, is none.
	t.true(await within(40_000, jobs.spinForEver().exception()) instanceof TaskTimeoutError);
}));

test.serial('one task that kills its workers is given up, and ten thousand others complete', withExecutor({maxWorkers: 3}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const before = Array.from({length: 5000}, (_, item) => jobs.add(item, 1));
	const poison = executor.with({retries: 3}).submit(() => {
		process.kill(process.pid, 'SIGKILL');
	});
	const behind = Array.from({length: 5000}, (_, item) => jobs.add(item, 1));
	const error = await within(40_000, poison.exception()) as TerminatedWorkerError;
	t.true(error instanceof TerminatedWorkerError);
	t.is(error.attempt, 4);
	for (const futures of [before, behind]) {
		t.deepEqual(await within(40_000, Promise.all(futures)), futures.map((_, item) => item + 1));
	}
}));

test.serial('an executor that breaks with a hundred thousand tasks in its queue rejects them within a second', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 1, onWorkerDeath: 'break'});
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const pid = await jobs.workerPid();
		const futures = Array.from({length: 100_000}, () => jobs.sleep(60_000));
		await eventually(() => futures[0]!.running(), Boolean);
		const used = process.cpuUsage();
		process.kill(pid, 'SIGKILL');
		await eventually(() => futures.every(future => future.done()), Boolean, 30_000);
		// The time of this process, on all its threads: others may keep the machine busy meanwhile.
		const {user, system} = process.cpuUsage(used);
		const time = (user + system) / 1000;
		t.true(time < 1000, `${time} ms`);
		const errors = await Promise.all(futures.map(async future => future.exception()));
		t.true(errors.every(error => error instanceof BrokenProcessPool));
		t.is(new Set(errors).size, futures.length);
		await executor.shutdown();
	});
});
