import process from 'node:process';
import test from 'ava';
import {ProcessPoolExecutor, SerializationError, ShutdownExecutorError} from 'loky';
import type * as Jobs from './fixtures/jobs.js';
import {eventually, within} from './helpers/deadline.js';
import {leavingNothing, withExecutor} from './helpers/with-executor.js';

const jobsUrl = new URL('fixtures/jobs.js', import.meta.url);

test.serial('a function of a module runs in another process and its result comes back', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	t.is(await jobs.add(20, 22), 42);
	t.not(await jobs.workerPid(), process.pid);
}));

test.serial('a handle of a module can be given to submit, also of another executor', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = new ProcessPoolExecutor().module<typeof Jobs>(jobsUrl);
	t.is(await executor.submit(jobs.add, 20, 22), 42);
}));

test.serial('a function that uses nothing outside itself travels by its source', withExecutor({maxWorkers: 1}, async (t, executor) => {
	t.is(await executor.submit((a: number, b: number) => a * b, 6, 7), 42);
	t.is(await executor.submit(async (text: string) => text.toUpperCase(), 'loky'), 'LOKY');
}));

test.serial('a function may use variables from outside it', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const factor = 3;
	t.is(await executor.submit((x: number) => x * factor, 2), 6);
}));

test.serial('an asynchronous task may take its time', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	t.is(await jobs.addLater(1, 2, 20), 3);
}));

test.serial('a thousand tasks give a thousand results, each its own', withExecutor({maxWorkers: 2}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const futures = Array.from({length: 1000}, (_, index) => jobs.add(index, 1));
	t.deepEqual(await Promise.all(futures), futures.map((_, index) => index + 1));
}));

test.serial('no more workers are started than there are tasks, and never more than allowed', withExecutor({maxWorkers: 3}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	t.is(executor.workers.length, 0);
	await jobs.add(1, 2);
	t.is(executor.workers.length, 1);
	const pids = new Set<number>();
	while (pids.size < 3) {
		for (const pid of await Promise.all(Array.from({length: 12}, async () => jobs.sleep(50)))) {
			pids.add(pid);
		}

		t.true(executor.workers.length <= 3);
	}

	await Promise.all(Array.from({length: 12}, async () => jobs.add(1, 2)));
	t.is(executor.workers.length, 3);
}));

test.serial('a slow task does not hold the tasks behind it', withExecutor({maxWorkers: 2}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	// Many short tasks first, so that the pool sends far ahead.
	await Promise.all(Array.from({length: 2000}, async () => jobs.add(1, 1)));
	const slow = jobs.spin(3000);
	const quick = Array.from({length: 200}, async () => jobs.add(1, 1));
	await within(2000, Promise.all(quick));
	t.false(slow.done());
	t.is(typeof await slow, 'number');
}));

test.serial('a value that cannot travel rejects its own future only', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const bad = jobs.identity({deep: [{seen: new WeakMap()}]});
	const good = jobs.identity('fine');
	const error = await t.throwsAsync(async () => bad, {instanceOf: SerializationError});
	t.is(error.side, 'submit');
	t.deepEqual(error.path.slice(-3), ['deep', 0, 'seen']);
	t.is(await good, 'fine');
}));

test.serial('a result that cannot travel rejects its future and leaves the worker alive', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const pid = await jobs.workerPid();
	const error = await t.throwsAsync(async () => jobs.unserializable(), {instanceOf: SerializationError});
	t.is(error.side, 'result');
	t.deepEqual(error.path.slice(-2), ['deep', 1]);
	t.is(await jobs.workerPid(), pid);
}));

test.serial('a missing module or export rejects with both names and leaves the worker alive', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs & {nothing: () => void}>(jobsUrl);
	const pid = await jobs.workerPid();
	const missing = await t.throwsAsync(async () => jobs.nothing(), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
	t.regex(missing.message, /nothing/v);
	t.regex(missing.message, /jobs\.js/v);
	const nowhere = executor.module<typeof Jobs>(new URL('fixtures/nowhere.js', import.meta.url));
	const unknown = await t.throwsAsync(async () => nowhere.add(1, 2), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
	t.regex(unknown.message, /nowhere\.js/v);
	t.is(await jobs.workerPid(), pid);
}));

test.serial('the initializer runs once in each worker before its first task', withExecutor({
	maxWorkers: 2,
	initializer: new ProcessPoolExecutor().module<typeof Jobs>(jobsUrl).prepare,
	initargs: [{table: [1, 2, 3]}],
}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	await Promise.all(Array.from({length: 8}, async () => jobs.sleep(30)));
	const seen = await Promise.all(Array.from({length: 8}, async () => jobs.prepared()));
	t.deepEqual(seen, Array.from({length: 8}, () => [{table: [1, 2, 3]}, 1]));
}));

test.serial('an initializer that throws rejects the waiting tasks with its error as the cause', withExecutor({
	maxWorkers: 1,
	initializer: new ProcessPoolExecutor().module<typeof Jobs>(jobsUrl).failToPrepare,
}, async (t, executor) => {
	const error = await t.throwsAsync(async () => executor.submit(() => 1), {code: 'ERR_BROKEN_PROCESS_POOL'});
	t.true(error.cause instanceof RangeError);
	t.is((error.cause as Error).message, 'the licence has expired');
}));

test.serial('env is merged over the environment of the parent, and null removes a variable', withExecutor({
	maxWorkers: 1, env: {LOKY_EXAMPLE: 'set', HOME: null},
}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	t.is(await jobs.environmentOf('LOKY_EXAMPLE'), 'set');
	t.is(await jobs.environmentOf('HOME'), undefined);
	t.is(await jobs.environmentOf('PATH'), process.env['PATH']);
}));

test.serial('an idle worker leaves after the timeout and the next task gets another', withExecutor({maxWorkers: 1, timeout: 30}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const first = await jobs.workerPid();
	await eventually(() => executor.workers.length, count => count === 0);
	t.not(await jobs.workerPid(), first);
}));

test.serial('a worker leads a process group of its own', withExecutor({maxWorkers: 1}, async (t, executor) => {
	t.true(await executor.module<typeof Jobs>(jobsUrl).processGroup());
}));

test.serial('a pending task can be cancelled and a running one cannot', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const running = jobs.sleep(300);
	await eventually(() => running.running(), Boolean);
	const waiting = Array.from({length: 10}, () => jobs.add(1, 1));
	t.false(running.cancel());
	t.true(waiting[4]!.cancel());
	t.true(waiting[4]!.cancelled());
	t.true(waiting[4]!.done());
	await t.throwsAsync(async () => waiting[4], {code: 'ERR_TASK_CANCELLED'});
	t.is(typeof await running, 'number');
	t.deepEqual(await Promise.all(waiting.toSpliced(4, 1)), Array.from({length: 9}, () => 2));
}));

test.serial('the documented loop over kept futures sees every failure and raises no unhandled rejection', withExecutor({maxWorkers: 2}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const rejections: unknown[] = [];
	const listener = (reason: unknown): void => {
		rejections.push(reason);
	};

	process.on('unhandledRejection', listener);
	const futures = [jobs.sleep(200), jobs.throwTypeError(), jobs.add(1, 1)];
	const seen: string[] = [];
	for (const future of futures) {
		try {
			seen.push(typeof await future);
		} catch (error) {
			seen.push((error as Error).name);
		}
	}

	process.off('unhandledRejection', listener);
	t.deepEqual(seen, ['number', 'TypeError', 'number']);
	t.deepEqual(rejections, []);
}));

test.serial('an error arrives with its class, fields, cause and the stack of the worker', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const builtIn = await t.throwsAsync(async () => jobs.throwTypeError(), {instanceOf: TypeError, message: 'not like this'});
	t.regex(builtIn.stack ?? '', /jobs\.js/v);
	const own = await t.throwsAsync(async () => jobs.throwPriceError('ACME'));
	t.is(own.name, 'PriceError');
	t.like(own, {code: 'ERR_PRICE', symbol: 'ACME', message: 'no price for ACME'});
	t.true(own.cause instanceof TypeError);
	t.regex((own as Error & {remoteStack: string}).remoteStack, /throwPriceError/v);
}));

test.serial('a thrown value that is no error arrives as the same value', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	for (const value of ['text', undefined, null, 7, {plain: true}]) {
		const [outcome] = await Promise.allSettled([jobs.throwValue(value)]);
		t.deepEqual(outcome, {status: 'rejected', reason: value});
	}
}));

test.serial('a submit after the shutdown gives a future that rejects', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 1});
		t.is(await executor.submit(() => 1), 1);
		await executor.shutdown();
		await t.throwsAsync(async () => executor.submit(() => 1), {instanceOf: ShutdownExecutorError});
	});
});

test.serial('several executors work side by side', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const others = Array.from({length: 3}, () => new ProcessPoolExecutor({maxWorkers: 1}));
	const pids = await Promise.all([executor, ...others].map(async each => each.submit(() => process.pid)));
	t.is(new Set(pids).size, 4);
	await Promise.all(others.map(async other => other.shutdown()));
	t.is(await executor.submit(() => 1), 1);
}));

test.serial('an item of a map that cannot travel hides no other item of its chunk', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const seen: unknown[] = [];
	const error = await t.throwsAsync(async () => {
		for await (const value of executor.map(jobs.identity, [1, 2, new WeakMap(), 4], {chunksize: 4})) {
			seen.push(value);
		}
	}, {instanceOf: SerializationError});
	t.deepEqual(seen, [1, 2]);
	t.deepEqual(error.path, ['args', 0]);
}));

test.serial('map takes lazy inputs of both kinds in step and gives results in their order', withExecutor({maxWorkers: 2}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	async function * slowly(): AsyncGenerator<number> {
		for (let item = 0; ; item++) {
			yield item;
		}
	}

	t.deepEqual(await executor.map(jobs.add, [10, 20, 30], slowly()), [10, 21, 32]);
	t.deepEqual(await executor.map(jobs.add, Array.from({length: 100}).keys(), slowly(), {chunksize: 7}), [...Array.from({length: 100}).keys()].map(item => item * 2));
}));

test.serial('a future, a stream of results and an executor are refused as arguments, with what to do', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const future = jobs.add(1, 1);
	for (const value of [future, executor.map(jobs.add, [1], [2]), executor]) {
		const error = await t.throwsAsync(async () => jobs.identity(value), {instanceOf: SerializationError});
		t.regex(error.message, /wait it first|make an executor inside/v);
	}

	t.is(await future, 2);
}));

test.serial('times without end are times without end', withExecutor({
	maxWorkers: 1, timeout: 1e300, startTimeout: Number.POSITIVE_INFINITY, shutdownTimeout: 2 ** 60,
}, async (t, executor) => {
	t.is(await executor.submit(() => 42), 42);
	await executor.shutdown();
}));

test('wrong calls throw at once and start nothing', t => {
	const executor = new ProcessPoolExecutor({maxWorkers: 2});
	for (const maxWorkers of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32]) {
		t.throws(() => new ProcessPoolExecutor({maxWorkers}), {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'});
	}

	t.throws(() => new ProcessPoolExecutor({maxWorker: 2} as never), {instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION', message: /maxWorkers/v});
	t.throws(() => new ProcessPoolExecutor({maxWorkers: '2'} as never), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	t.throws(() => executor.submit('add' as never), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	// @ts-expect-error -- no input for the parameter
	t.throws(() => executor.map((x: number) => x), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	// @ts-expect-error -- no input for the parameter
	t.throws(() => executor.map((x: number) => x), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	t.throws(() => executor.map((x: number) => x, [1], {chunksize: 0}), {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'});
	t.throws(() => executor.module('./jobs.js'), {instanceOf: TypeError});
	t.throws(() => {
		void executor.shutdown({killworkers: true} as never);
	}, {instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION'});
	t.deepEqual(executor.workers, []);
});

test.serial('a worker that awaits uses no processor time, also with tasks sent ahead to it', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	// Every thousandth task awaits; those behind it are on their way to the worker already.
	const tasks = Array.from({length: 4000}, (_, item) => item % 1000 === 300);
	await executor.map(jobs.sleepOrNot, tasks.slice(0, 300));
	const before = await jobs.cpuTime();
	await Promise.all(tasks.map(async sleeps => jobs.sleepOrNot(sleeps)));
	const used = await jobs.cpuTime() - before;
	t.true(used < 600, `${used} ms of processor time in at least 2000 ms`);
}));
