import diagnosticsChannel from 'node:diagnostics_channel';
import {readdirSync, readFileSync} from 'node:fs';
import {setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {
	TerminatedWorkerError, type ProcessPoolExecutor, type RecycleEvent,
} from 'loky';
import type * as Jobs from './fixtures/jobs.js';
import {eventually, within} from './helpers/deadline.js';
import {onTwoWatches} from './helpers/watches.js';
import {withExecutor} from './helpers/with-executor.js';

const jobsUrl = new URL('fixtures/jobs.js', import.meta.url);

interface Told {
	/** `start 123`, `recycle 123`, `exit 123`. */
	readonly steps: string[];
	readonly recycled: RecycleEvent[];
}

/** What an executor tells of its workers, in order. */
function listen(executor: ProcessPoolExecutor): Told {
	const told: Told = {steps: [], recycled: []};
	executor.on('worker:start', ({pid}) => {
		told.steps.push(`start ${pid}`);
	}).on('recycle', event => {
		told.recycled.push(event);
		told.steps.push(`recycle ${event.pid}`);
	}).on('worker:exit', ({pid, reason}) => {
		told.steps.push(`exit ${pid}`);
		if (reason !== 'shutdown') {
			told.steps.push(`by ${reason}`);
		}
	});
	return told;
}

onTwoWatches('of 10,000 tasks on workers that are replaced after 50, none fails', {maxWorkers: 2, maxTasksPerWorker: 50}, async (t, executor) => {
	const told = listen(executor);
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const run = async (count: number): Promise<void> => {
		const futures = Array.from({length: count}, (_, index) => jobs.addAfter(index, 1, 0.2));
		const sums = await Promise.all(futures);
		t.true(sums.every((sum, index) => sum === index + 1));
	};

	await within(60_000, run(10_000));
	// How many were replaced meanwhile is a matter of how fast this machine starts processes.
	await within(60_000, (async () => {
		while (told.recycled.length < 5) {
			await run(100);
		}
	})());
	const {workersRecycled, workersDied, failed, completed, submitted} = executor.stats();
	t.true(submitted >= 10_000);
	t.deepEqual({
		workersRecycled, workersDied, failed, completed,
	}, {
		workersRecycled: told.recycled.length, workersDied: 0, failed: 0, completed: submitted,
	});
	t.true(told.recycled.every(({reason, tasksDone}) => reason === 'maxTasks' && tasksDone >= 50));
});

onTwoWatches('a replacement is ready before the worker leaves, which works on until then', {maxWorkers: 1, maxTasksPerWorker: 3}, async (t, executor) => {
	const told = listen(executor);
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const pids: number[] = [];
	while (new Set(pids).size < 3) {
		pids.push(await within(20_000, jobs.spin(1)));
	}

	const [first, second, third] = [...new Set(pids)];
	const steps = told.steps.slice(0, told.steps.indexOf(`recycle ${second}`) + 1).filter(step => !step.startsWith('exit'));
	t.deepEqual(steps, [`start ${first}`, `start ${second}`, `recycle ${first}`, `start ${third}`, `recycle ${second}`]);
	t.true(told.steps.indexOf(`exit ${first}`) > told.steps.indexOf(`recycle ${first}`));
	t.is(told.recycled[0]!.tasksDone, pids.lastIndexOf(first!) + 1);
	t.true(told.recycled[0]!.tasksDone >= 3);
	t.true(told.recycled[0]!.memory! > 10_000_000);
	t.false(told.steps.some(step => step.startsWith('by')), 'somebody died of something else');
});

test.serial('never do more tasks run at once than there may be workers, also while they are replaced', withExecutor({maxWorkers: 1, maxTasksPerWorker: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	let most = 0;
	let longest = 0;
	executor.on('task:settle', () => {
		const {workers} = executor;
		most = Math.max(most, workers.filter(({task}) => task !== null).length);
		longest = Math.max(longest, workers.length);
	});
	await within(60_000, (async () => {
		while (executor.stats().workersRecycled < 2) {
			await Promise.all(Array.from({length: 10}, () => jobs.spin(2)));
		}
	})());
	t.is(most, 1);
	t.is(longest, 2);
}));

test.serial('a worker that is due is replaced also when nothing more is to do', withExecutor({maxWorkers: 1, maxTasksPerWorker: 1}, async (t, executor) => {
	const told = listen(executor);
	const pid = await executor.submit(() => process.pid);
	await eventually(() => told.steps.at(-1), step => step === `exit ${pid}`, 20_000);
	t.deepEqual(executor.workers.map(({state, tasksDone}) => ({state, tasksDone})), [{state: 'idle', tasksDone: 0}]);
	t.not(await executor.submit(() => process.pid), pid);
}));

test.serial('a replacement that dies as it starts costs nothing, and the worker works on', withExecutor({maxWorkers: 1, maxTasksPerWorker: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const pid = await jobs.workerPid();
	const replacement = (): number | null => executor.workers.find(worker => worker.pid !== pid)?.pid ?? null;
	await eventually(replacement, found => found !== null, 20_000);
	process.kill(replacement()!, 'SIGKILL');
	t.is(await within(10_000, jobs.add(20, 22)), 42);
	await eventually(() => executor.stats().workersRecycled, count => count >= 1, 20_000);
	t.is(executor.stats().failed, 0);
}));

test.serial('subscribers of diagnostics_channel are told of a replacement', withExecutor({maxWorkers: 1, maxTasksPerWorker: 1}, async (t, executor) => {
	const messages: unknown[] = [];
	const subscriber = (message: unknown): void => {
		messages.push(message);
	};

	diagnosticsChannel.subscribe('loky:recycle', subscriber);
	const pid = await executor.submit(() => process.pid);
	await eventually(() => messages.length, count => count === 1, 20_000);
	diagnosticsChannel.unsubscribe('loky:recycle', subscriber);
	t.like(messages[0], {
		executorId: executor.executorId, pid, workerIndex: 0, reason: 'maxTasks', tasksDone: 1,
	});
}));

const megabyte = 1024 * 1024;

onTwoWatches('a worker beyond the soft limit is replaced after its task, and one below it is not', {maxWorkers: 1, maxMemory: 300 * megabyte}, async (t, executor) => {
	const told = listen(executor);
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const pid = await within(20_000, jobs.keepMemory(400 * megabyte));
	await eventually(() => told.steps.at(-1), step => step === `exit ${pid}`, 20_000);
	t.is(told.recycled.length, 1);
	t.like(told.recycled[0], {pid, reason: 'maxMemory', tasksDone: 1});
	t.true(told.recycled[0]!.memory! >= 400 * megabyte);
	const next = await within(20_000, jobs.keepMemory(20 * megabyte));
	t.not(next, pid);
	for (let round = 0; round < 5; round++) {
		t.is(await within(20_000, jobs.sleep(110)), next);
	}

	t.is(told.recycled.length, 1);
	t.is(executor.stats().failed, 0);
});

onTwoWatches('a task beyond the hard limit is killed, told why, and costs no other', {maxWorkers: 1, maxMemory: {hard: 400 * megabyte}}, async (t, executor) => {
	const told = listen(executor);
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const tooMuch = jobs.takeMemory(10 * megabyte);
	const next = jobs.add(20, 22);
	const error = await t.throwsAsync(async () => within(20_000, tooMuch), {instanceOf: TerminatedWorkerError});
	t.like(error, {
		reason: 'oom', signal: 'SIGKILL', memoryLimit: 400 * megabyte, attempt: 1,
	});
	t.regex(error.message, /had \d+ bytes of resident memory, and maxMemory\.hard is 419430400\./v);
	t.is(await within(20_000, next), 42);
	t.deepEqual(told.recycled, []);
	t.true(told.steps.includes('by oom'));
});

test.serial('what an earlier task has left beyond a hard limit is not paid for by the next one', withExecutor({maxWorkers: 1, maxMemory: {hard: 300 * megabyte}}, async (t, executor) => {
	const told = listen(executor);
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	// Too quick to be caught while it runs; if it is, that is right, too.
	const pid = await within(20_000, jobs.keepMemory(400 * megabyte).then(pid => pid, () => null));
	await eventually(() => told.steps.some(step => step === `recycle ${pid}` || step === 'by oom'), Boolean, 20_000);
	await t.notThrowsAsync(async () => within(20_000, jobs.sleepOrNot(true)));
}));

test.serial('an idle worker with a limit is looked at no more, so the supervisor sleeps', withExecutor({maxWorkers: 1, maxMemory: {soft: 1e9, hard: 2e9}}, async (t, executor) => {
	await executor.submit(() => 1);
	const supervisor = readdirSync('/proc/self/task').map(thread => `/proc/self/task/${thread}`)
		.find(folder => readFileSync(`${folder}/comm`, 'latin1').startsWith('loky superv'))!;
	const wakeUps = (): number => Number(/^voluntary_ctxt_switches:\s+(?<count>\d+)/mv.exec(readFileSync(`${supervisor}/status`, 'latin1'))!.groups!['count']);
	// The one look after the task may still come.
	await delay(500);
	const before = wakeUps();
	t.true(before > 0);
	await delay(1000);
	t.is(wakeUps(), before);
}));
