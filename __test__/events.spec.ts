import {AsyncLocalStorage} from 'node:async_hooks';
import diagnosticsChannel from 'node:diagnostics_channel';
import test from 'ava';
import {
	BrokenProcessPool, ProcessPoolExecutor, TerminatedWorkerError, type ExecutorEventName, type TaskSettleEvent, type TaskStartEvent, type TaskTrace, type WorkerExitEvent, type WorkerStartEvent,
} from 'loky';
import type * as Jobs from './fixtures/jobs.js';
import {eventually, within} from './helpers/deadline.js';
import {leavingNothing, withExecutor} from './helpers/with-executor.js';

const jobsUrl = new URL('fixtures/jobs.js', import.meta.url);

test.serial('a worker tells its start and, when it was asked to leave, its exit', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 1});
		const starts: WorkerStartEvent[] = [];
		const exits: WorkerExitEvent[] = [];
		t.is(executor.on('worker:start', event => {
			starts.push(event);
		}).on('worker:exit', event => {
			exits.push(event);
		}), executor);
		const pid = await executor.submit(() => process.pid);
		t.deepEqual(starts, [{pid, workerIndex: 0}]);
		t.deepEqual(exits, []);
		await executor.shutdown();
		t.is(exits.length, 1);
		t.like(exits[0], {
			pid, workerIndex: 0, exitCode: 0, signal: null, reason: 'shutdown',
		});
		t.true(exits[0]!.duration! > 0);
		t.false('attempt' in exits[0]!);
	});
});

test.serial('the death of an idle worker is told with its signal', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const exits: WorkerExitEvent[] = [];
	executor.on('worker:exit', event => {
		exits.push(event);
	});
	const pid = await executor.submit(() => process.pid);
	process.kill(pid, 'SIGKILL');
	await eventually(() => exits.length, count => count === 1);
	t.like(exits[0], {
		pid, exitCode: null, signal: 'SIGKILL', reason: 'killed',
	});
	t.is(executor.stats().workersDied, 1);
}));

test.serial('each task tells once how it settled and how long that took', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const settlements: TaskSettleEvent[] = [];
	executor.on('task:settle', event => {
		settlements.push(event);
	});
	const first = jobs.sleep(30);
	const failure = jobs.throwTypeError();
	const cancelled = jobs.add(1, 1);
	t.true(cancelled.cancel());
	await first;
	await t.throwsAsync(failure);
	t.deepEqual(settlements.map(({task, status}) => [task, status]), [[3, 'cancelled'], [1, 'fulfilled'], [2, 'rejected']]);
	t.true(settlements[1]!.duration! >= 25);
}));

test.serial('a listener that comes after the submission is told without a duration', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const future = executor.submit(() => 42);
	const settlements: TaskSettleEvent[] = [];
	executor.on('task:settle', event => {
		settlements.push(event);
	});
	await future;
	t.deepEqual(settlements, [{task: 1, status: 'fulfilled', duration: null}]);
}));

test.serial('a task tells where and when it starts, after its wait and before its settlement', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const pid = await jobs.workerPid();
	const steps: string[] = [];
	const starts: TaskStartEvent[] = [];
	executor.on('task:start', event => {
		steps.push(`${event.task} starts`);
		starts.push(event);
	}).on('task:settle', ({task}) => {
		steps.push(`${task} settles`);
	});
	const futures = [jobs.sleep(30), jobs.throwTypeError(), jobs.add(1, 1)];
	t.true(futures[2]!.cancel());
	await Promise.allSettled(futures);
	t.deepEqual(steps, ['4 settles', '2 starts', '2 settles', '3 starts', '3 settles']);
	t.like(starts[1], {
		task: 3, pid, workerIndex: 0, attempt: 1,
	});
	t.true(starts[1]!.duration >= 25);
}));

test.serial('each attempt at a task tells its start', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const starts: TaskStartEvent[] = [];
	executor.on('task:start', event => {
		starts.push(event);
	});
	await t.throwsAsync(async () => executor.with({retries: 2}).submit(() => process.exit(3)), {instanceOf: TerminatedWorkerError});
	t.deepEqual(starts.map(({task, attempt}) => [task, attempt]), [[1, 1], [1, 2], [1, 3]]);
	t.is(new Set(starts.map(({pid}) => pid)).size, 3);
}));

test.serial('the start of a task is told before the exit of the worker that dies of it', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	await jobs.add(1, 1);
	const steps: string[] = [];
	for (const name of ['task:start', 'worker:exit', 'task:settle'] as const) {
		executor.on(name, () => {
			steps.push(name);
		});
	}

	await t.throwsAsync(async () => jobs.dieOrReturn(0, true, 'SIGKILL'), {instanceOf: TerminatedWorkerError});
	t.deepEqual(steps, ['task:start', 'worker:exit', 'task:settle']);
}));

test.serial('a task that was submitted before anybody listened does not tell its start', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const future = executor.submit(() => 42);
	const starts: TaskStartEvent[] = [];
	executor.on('task:start', event => {
		starts.push(event);
	});
	await future;
	await executor.submit(() => 43);
	t.deepEqual(starts.map(({task}) => task), [2]);
}));

test.serial('a chunk of a map and a function that cannot be imported tell their starts', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const starts: number[] = [];
	executor.on('task:start', ({task}) => {
		starts.push(task);
	});
	t.deepEqual(await executor.map(n => n + 1, [1, 2, 3], {chunksize: 2}), [2, 3, 4]);
	await t.throwsAsync(async () => executor.module<{f(): void}>(new URL('fixtures/none.js', import.meta.url)).f(), {code: 'ERR_REFERENCE_MISSING'});
	t.deepEqual(starts, [1, 2, 3]);
}));

test.serial('a listener is called in the asynchronous context in which it was added', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const storage = new AsyncLocalStorage<string>();
	const seen: Array<string | undefined> = [];
	storage.run('of the listener', () => {
		executor.on('task:settle', () => {
			seen.push(storage.getStore());
		});
	});
	await storage.run('of the task', async () => executor.submit(() => 42));
	t.deepEqual(seen, ['of the listener']);
}));

test.serial('a listener that throws harms neither other listeners nor the executor', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const warnings: Array<Error & {code?: string; detail?: string}> = [];
	const keep = (warning: Error): void => {
		warnings.push(warning);
	};

	process.on('warning', keep);
	let calls = 0;
	executor.on('task:settle', () => {
		throw new Error('the listener is broken');
	}).on('task:settle', async () => {
		throw new Error('the asynchronous listener is broken');
	}).on('task:settle', () => {
		calls++;
	});
	t.is(await executor.submit(() => 42), 42);
	await eventually(() => warnings.length, count => count === 2);
	process.off('warning', keep);
	t.is(calls, 1);
	t.deepEqual(warnings.map(({name, code}) => [name, code]), Array.from({length: 2}, () => ['EventListenerWarning', 'LOKY_EVENT_LISTENER']));
	t.regex(warnings[0]!.detail!, /the listener is broken/v);
	t.is(await executor.submit(() => 43), 43);
}));

test.serial('a listener may be for one event only, and may be taken back', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const calls: string[] = [];
	const twice = (): void => {
		calls.push('twice');
	};

	executor.once('task:settle', () => {
		calls.push('once');
	}).on('task:settle', twice).on('task:settle', twice);
	await executor.submit(() => 1);
	t.deepEqual(calls, ['once', 'twice', 'twice']);
	executor.off('task:settle', twice);
	await executor.submit(() => 2);
	t.deepEqual(calls, ['once', 'twice', 'twice', 'twice']);
	executor.off('task:settle', twice).off('task:settle', twice);
	await executor.submit(() => 3);
	t.is(calls.length, 4);
}));

test.serial('a listener may take itself back, submit and shut down', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 1});
		const settled: number[] = [];
		await new Promise<void>(resolve => {
			executor.on('task:settle', async function listener({task}) {
				settled.push(task);
				if (task === 1) {
					await executor.submit(() => 2);
				} else {
					executor.off('task:settle', listener);
					await executor.shutdown();
					resolve();
				}
			});
			void executor.submit(() => 1).result();
		});
		t.deepEqual(settled, [1, 2]);
	});
});

test.serial('an executor that breaks tells it once, with an error of its own', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 1, onWorkerDeath: 'break'});
		const errors: BrokenProcessPool[] = [];
		executor.on('broken', ({error}) => {
			errors.push(error);
		});
		const jobs = executor.module<typeof Jobs>(jobsUrl);
		const error = await t.throwsAsync(async () => jobs.dieOrReturn(0, true, 'SIGKILL'), {instanceOf: TerminatedWorkerError});
		await t.throwsAsync(async () => jobs.add(1, 1), {instanceOf: BrokenProcessPool});
		t.is(errors.length, 1);
		t.true(errors[0] instanceof BrokenProcessPool);
		t.not(errors[0], error);
		await executor.shutdown({killWorkers: true});
	});
});

test('wrong events and listeners are refused at once', t => {
	const executor = new ProcessPoolExecutor({maxWorkers: 1});
	t.throws(() => executor.on('worker:stop' as ExecutorEventName, () => undefined), {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'});
	t.throws(() => executor.on('__proto__' as ExecutorEventName, () => undefined), {instanceOf: RangeError});
	t.throws(() => executor.once('broken', null as never), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
});

test.serial('subscribers of diagnostics_channel are told of all executors', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const messages: Array<readonly [name: string | symbol, message: unknown]> = [];
	const subscriber = (message: unknown, name: string | symbol): void => {
		messages.push([name, message]);
	};

	const names = ['loky:worker:start', 'loky:task:start', 'loky:task:settle'];
	for (const name of names) {
		diagnosticsChannel.subscribe(name, subscriber);
	}

	const pid = await executor.submit(() => process.pid);
	for (const name of names) {
		diagnosticsChannel.unsubscribe(name, subscriber);
	}

	await executor.submit(() => process.pid);
	const {executorId} = executor;
	t.deepEqual(messages.map(([name]) => name), names);
	t.deepEqual(messages[0]![1], {executorId, pid, workerIndex: 0});
	t.like(messages[1]![1], {
		executorId, task: 1, pid, workerIndex: 0, attempt: 1,
	});
	t.like(messages[2]![1], {executorId, task: 1, status: 'fulfilled'});
}));

test.serial('a tracing channel follows each task with one object', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const steps: Array<readonly [step: string, trace: TaskTrace]> = [];
	const note = (step: string) => (trace: unknown): void => {
		steps.push([step, trace as TaskTrace]);
	};

	const subscribers = {
		start: note('start'), end: note('end'), asyncStart: note('asyncStart'), asyncEnd: note('asyncEnd'), error: note('error'),
	};
	const channel = diagnosticsChannel.tracingChannel<object>('loky:task');
	channel.subscribe(subscribers);
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	t.is(await jobs.add(20, 22), 42);
	await t.throwsAsync(jobs.throwTypeError());
	channel.unsubscribe(subscribers);
	await jobs.add(1, 1);
	t.deepEqual(steps.map(([step, {task}]) => `${task} ${step}`), ['1 start', '1 end', '1 asyncStart', '1 asyncEnd', '2 start', '2 end', '2 error', '2 asyncStart', '2 asyncEnd']);
	t.is(new Set(steps.map(([, trace]) => trace)).size, 2);
	t.like(steps[0]![1], {executorId: executor.executorId, status: 'fulfilled', result: 42});
	t.true(steps[4]![1].error instanceof TypeError);
}));

test.serial('the counts of an executor add up', withExecutor({maxWorkers: 2}, async (t, executor) => {
	const none = executor.stats();
	t.deepEqual(new Set(Object.values(none)), new Set([0]));
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const endless = [jobs.sleep(60_000), jobs.sleep(60_000)];
	await within(20_000, eventually(() => executor.stats().running, count => count === 2, 20_000));
	const waiting = [jobs.add(1, 1), jobs.add(2, 2), jobs.throwTypeError()];
	waiting[0]!.cancel();
	t.like(executor.stats(), {
		workers: 2, busy: 2, idle: 0, running: 2, pending: 2, submitted: 5, cancelled: 1, completed: 0, failed: 0, workersStarted: 2, workersDied: 0,
	});
	process.kill(executor.workers[0]!.pid!, 'SIGKILL');
	await within(20_000, Promise.allSettled(waiting));
	t.is(endless.filter(future => future.done()).length, 1);
	t.like(executor.stats(), {
		running: 1, pending: 0, submitted: 5, cancelled: 1, completed: 1, failed: 2, workersDied: 1,
	});
}));

test.serial('a worker shows which task it runs, for how long, and how many it has done', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	await jobs.add(1, 1);
	const [idle] = executor.workers;
	t.like(idle, {
		index: 0, state: 'idle', task: null, taskDuration: null, tasksDone: 1,
	});
	t.true(idle!.age! > 0);
	const future = jobs.sleep(60_000);
	await eventually(() => future.running(), Boolean);
	await eventually(() => executor.workers[0]!.taskDuration!, duration => duration > 10);
	t.like(executor.workers[0], {
		index: 0, pid: idle!.pid, state: 'busy', task: 2, tasksDone: 1,
	});
	t.true(executor.workers[0]!.age! > executor.workers[0]!.taskDuration!);
}));
