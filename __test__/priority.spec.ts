import test from 'ava';
import type {ProcessPoolExecutor} from 'loky';
import type * as Jobs from './fixtures/jobs.js';
import {eventually, within} from './helpers/deadline.js';
import {withExecutor} from './helpers/with-executor.js';

const jobsUrl = new URL('fixtures/jobs.js', import.meta.url);

/** Keeps the one worker busy until it is called. */
async function blocked(executor: ProcessPoolExecutor): Promise<() => void> {
	const controller = new AbortController();
	const blocker = executor.with({signal: controller.signal}).module<typeof Jobs>(jobsUrl).sleep(60_000);
	await eventually(() => blocker.running(), Boolean, 20_000);
	return () => {
		controller.abort();
	};
}

/** The numbers of the tasks that settle from now on. */
function order(executor: ProcessPoolExecutor): number[] {
	const tasks: number[] = [];
	executor.on('task:start', ({task}) => {
		tasks.push(task);
	});
	return tasks;
}

test.serial('higher priorities go first, and each in the order of submission', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const unblock = await blocked(executor);
	const started = order(executor);
	const priorities = [0, -1, 5, undefined, 5, Number.MAX_SAFE_INTEGER, -1, Number.MIN_SAFE_INTEGER];
	const futures = priorities.map((priority, item) => executor.with({priority}).submit((a: number) => a, item));
	unblock();
	t.deepEqual(await within(20_000, Promise.all(futures)), [...priorities.keys()]);
	// The blocker is the first task.
	t.deepEqual(started.map(task => task - 2), [5, 2, 4, 0, 3, 1, 6, 7]);
}));

test.serial('an urgent task goes before those that its worker was sent ahead', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	// Short ones teach the executor to send tasks ahead.
	await Promise.all(Array.from({length: 500}, async (_, item) => jobs.add(item, 1)));
	const started = order(executor);
	const slow = jobs.spin(100);
	const ordinary = Array.from({length: 50}, () => jobs.add(1, 1));
	await eventually(() => slow.running(), Boolean, 20_000);
	const urgent = executor.with({priority: 1}).module<typeof Jobs>(jobsUrl).add(20, 22);
	t.is(await within(20_000, urgent), 42);
	t.deepEqual(started.slice(0, 2), [501, 552]);
	await within(20_000, Promise.all(ordinary));
}));

test.serial('a task that is tried again keeps its place, and a cancelled one leaves none', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const unblock = await blocked(executor);
	const started = order(executor);
	const dying = executor.with({priority: 3, retries: 1}).submit(() => process.exit(3));
	const next = executor.with({priority: 3}).submit(() => 1);
	const cancelled = executor.with({priority: 3}).submit(() => 2);
	const last = executor.submit(() => 3);
	t.true(cancelled.cancel());
	unblock();
	t.true(await within(20_000, dying.exception()) instanceof Error);
	t.deepEqual(await within(20_000, Promise.all([next, last])), [1, 3]);
	t.deepEqual(started, [2, 2, 3, 5]);
}));

test.serial('a map goes ahead with its priority', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const unblock = await blocked(executor);
	const started = order(executor);
	const ordinary = executor.submit(() => 0);
	const results = executor.with({priority: 1}).map(n => n * 2, [1, 2, 3]);
	unblock();
	t.deepEqual(await within(20_000, results), [2, 4, 6]);
	await ordinary;
	t.deepEqual(started, [3, 4, 5, 2]);
}));
