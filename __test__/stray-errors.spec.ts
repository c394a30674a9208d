import test, {type ExecutionContext} from 'ava';
import {
	TerminatedWorkerError, type ExecutorOptions, type ProcessPoolExecutor, type TaskUnhandledEvent, type WorkerExitEvent,
} from 'loky';
import type * as Jobs from './fixtures/jobs.js';
import {eventually, within} from './helpers/deadline.js';
import {withExecutor} from './helpers/with-executor.js';

const jobsUrl = new URL('fixtures/jobs.js', import.meta.url);

/** Everything that is told of errors and exits, from now on. */
function listen(executor: ProcessPoolExecutor): {readonly errors: TaskUnhandledEvent[]; readonly exits: WorkerExitEvent[]} {
	const told: ReturnType<typeof listen> = {errors: [], exits: []};
	executor.on('task:unhandled', event => {
		told.errors.push(event);
	}).on('worker:exit', event => {
		told.exits.push(event);
	});
	return told;
}

/** Calls back after some ms; for -1, once a later task of the same worker has said that it runs. */
const later = (ms: number, callback: () => void): void => {
	if (ms >= 0) {
		setTimeout(callback, ms);
		return;
	}

	const timer = setInterval(() => {
		if (Reflect.get(globalThis, 'isRunning') === true) {
			clearInterval(timer);
			callback();
		}
	}, 5);
};

// What a task leaves behind: each fails later.
const leftovers: ReadonlyArray<readonly [name: string, leave: (ms: number) => void]> = [
	['a rejected promise', ms => {
		void (async () => {
			await new Promise<void>(resolve => {
				later(ms, resolve);
			});
			throw new RangeError('nobody waits for this');
		})();
	}],
	['a timer', ms => {
		later(ms, () => {
			throw new RangeError('nobody waits for this');
		});
	}],
	['a listener', ms => {
		const target = new EventTarget();
		target.addEventListener('late', () => {
			throw new RangeError('nobody waits for this');
		});
		later(ms, () => {
			target.dispatchEvent(new Event('late'));
		});
	}],
];

const onEachLeftover = (title: string, options: ExecutorOptions, body: (t: ExecutionContext, executor: ProcessPoolExecutor, leave: (ms: number) => void) => Promise<void>): void => {
	for (const [name, leave] of leftovers) {
		test.serial(title.replace('%', name), withExecutor(options, async (t, executor) => body(t, executor, leave)));
	}
};

onEachLeftover('an error that % of a finished task raises in an idle worker is told with the task, and the worker replaced', {maxWorkers: 1}, async (t, executor, leave) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const {errors, exits} = listen(executor);
	const pid = await jobs.workerPid();
	await executor.submit(leave, 20);
	await eventually(() => exits.length, count => count === 1);
	t.is(errors.length, 1);
	t.like(errors[0], {task: 2, pid, workerIndex: 0});
	t.true(errors[0]!.error instanceof RangeError);
	t.is((errors[0]!.error as Error).message, 'nobody waits for this');
	t.like(exits[0], {
		pid, exitCode: 1, signal: null, reason: 'exit',
	});
	t.regex(exits[0]!.stderrTail, /Uncaught RangeError: nobody waits for this/v);
	t.is(executor.stats().workersDied, 1);
	t.not(await jobs.workerPid(), pid);
});

onEachLeftover('an error that % of a finished task raises is not blamed on the next task, which finishes on the same worker', {maxWorkers: 1}, async (t, executor, leave) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const {errors, exits} = listen(executor);
	const pid = await jobs.workerPid();
	await executor.submit(leave, -1);
	const next = executor.submit(async () => {
		Reflect.set(globalThis, 'isRunning', true);
		await new Promise(resolve => {
			setTimeout(resolve, 300);
		});
		return process.pid;
	});
	const waiting = Array.from({length: 20}, () => jobs.workerPid());
	t.is(await within(10_000, next), pid);
	t.deepEqual(errors.map(({task}) => task), [2]);
	const pids = new Set(await within(10_000, Promise.all(waiting)));
	t.is(pids.size, 1);
	t.false(pids.has(pid));
	await eventually(() => exits.length, count => count === 1);
	t.like(executor.stats(), {failed: 0, workersDied: 1});
});

onEachLeftover('an error that % raises while its own task runs ends that task and no other', {maxWorkers: 1}, async (t, executor, leave) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const {errors} = listen(executor);
	await jobs.add(1, 1);
	const own = executor.submit(async leave => {
		leave(20);
		await new Promise(resolve => {
			setTimeout(resolve, 60_000);
		});
	}, leave);
	const waiting = [jobs.add(1, 1), jobs.add(20, 22)];
	const error = await t.throwsAsync(async () => within(10_000, own), {instanceOf: TerminatedWorkerError});
	t.like(error, {exitCode: 1, reason: 'exit', attempt: 1});
	t.true(error.cause instanceof RangeError);
	t.regex(error.message, /left an error that nobody handled/v);
	t.regex(error.stderrTail, /Uncaught RangeError: nobody waits for this/v);
	t.deepEqual(errors.map(({task}) => task), [2]);
	t.deepEqual(await within(10_000, Promise.all(waiting)), [2, 42]);
});

test.serial('the error of a task that runs ends it also with onWorkerDeath "break", that of a finished one breaks nothing', withExecutor({maxWorkers: 1, onWorkerDeath: 'break'}, async (t, executor) => {
	const {exits} = listen(executor);
	await executor.submit(leftovers[1]![1], 5);
	await eventually(() => exits.length, count => count === 1);
	t.is(await executor.submit(() => 42), 42);
}));

test.serial('errors of several tasks are told each with its own, and the task that runs finishes', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {errors} = listen(executor);
	const leave = (text: string): void => {
		setTimeout(() => {
			throw new Error(text);
		}, 30);
	};

	await executor.submit(leave, 'of the first');
	await executor.submit(() => 1);
	await executor.submit(leave, 'of the third');
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	await within(10_000, jobs.sleep(200));
	t.deepEqual(errors.map(({task, error}) => [task, (error as Error).message]), [[1, 'of the first'], [3, 'of the third']]);
}));

test.serial('what a task throws that is no error, or cannot travel, is told too', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {errors} = listen(executor);
	await executor.submit(() => {
		setTimeout(() => {
			// eslint-disable-next-line @typescript-eslint/only-throw-error
			throw undefined;
		});
	});
	await eventually(() => errors.length, count => count === 1);
	t.like(errors[0], {task: 1, error: undefined});
	await executor.submit(() => {
		setTimeout(() => {
			throw Object.assign(new Error('with a secret'), {secret: new WeakMap()});
		});
	});
	await eventually(() => errors.length, count => count === 2);
	t.is((errors[1]!.error as Error).message, 'with a secret');
}));

test.serial('an error of the initializer that turns up later is told without a task', withExecutor({
	maxWorkers: 1,
	initializer() {
		setTimeout(() => {
			throw new Error('of the initializer');
		}, 100);
	},
}, async (t, executor) => {
	const {errors} = listen(executor);
	await executor.submit(() => 1);
	await eventually(() => errors.length, count => count === 1);
	t.like(errors[0], {task: null});
	t.is((errors[0]!.error as Error).message, 'of the initializer');
}));

test.serial('a task that handles errors of its process is left alone', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {errors} = listen(executor);
	const pid = await executor.submit(() => {
		process.on('uncaughtException', () => undefined);
		setTimeout(() => {
			throw new Error('it is handled');
		});
		return process.pid;
	});
	await executor.submit(async () => new Promise(resolve => {
		setTimeout(resolve, 100);
	}));
	t.is(await executor.submit(() => process.pid), pid);
	t.deepEqual(errors, []);
}));

test.serial('an idle worker that leaves by process.exit is replaced, counted, and harms no task', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {errors, exits} = listen(executor);
	const pid = await executor.submit(() => {
		setTimeout(() => {
			process.exit(5);
		}, 10);
		return process.pid;
	});
	await eventually(() => exits.length, count => count === 1);
	t.like(exits[0], {
		pid, exitCode: 5, signal: null, reason: 'exit',
	});
	t.deepEqual(errors, []);
	t.not(await executor.submit(() => process.pid), pid);
	t.like(executor.stats(), {workersStarted: 2, workersDied: 1, failed: 0});
}));

test.serial('a worker that leaves by process.exit(0) while a task runs costs that task, which ran once', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const starts: number[] = [];
	executor.on('task:start', ({task}) => {
		starts.push(task);
	});
	const error = await t.throwsAsync(async () => within(10_000, executor.submit(() => process.exit(0))), {instanceOf: TerminatedWorkerError});
	t.like(error, {exitCode: 0, reason: 'exit', attempt: 1});
	t.deepEqual(starts, [1]);
	t.is(await executor.submit(() => 42), 42);
}));

// Each ends its process in an instant after it has returned.
const endings: ReadonlyArray<readonly [name: string, end: (value: number) => number]> = [
	['a microtask', value => {
		queueMicrotask(() => {
			process.exit(3);
		});
		return value;
	}],
	['a tick', value => {
		process.nextTick(() => {
			process.exit(3);
		});
		return value;
	}],
	['an immediate', value => {
		setImmediate(() => {
			process.exit(3);
		});
		return value;
	}],
	['a timer', value => {
		setTimeout(() => {
			process.kill(process.pid, 'SIGKILL');
		}, 0);
		return value;
	}],
	['an exit listener', value => {
		process.once('exit', () => {
			process.kill(process.pid, 'SIGKILL');
		});
		setImmediate(() => {
			process.exit(0);
		});
		return value;
	}],
	['an abort', value => {
		setImmediate(() => {
			process.abort();
		});
		return value;
	}],
	['a rejection', value => {
		void Promise.reject(new Error('nobody waits for this'));
		return value;
	}],
];

for (const [name, end] of endings) {
	test.serial(`a worker that ends by ${name} right after a task has returned costs neither that task nor those that wait`, withExecutor({maxWorkers: 1, maxPoisonRetries: 1000}, async (t, executor) => {
		for (let round = 0; round < 2; round++) {
			const future = executor.submit(end, round);
			const waiting = Array.from({length: 5}, (_, item) => executor.submit((a: number) => a + 1, item));
			t.is(await within(20_000, future), round);
			// Those that had begun in that instant die with the worker; the others run elsewhere.
			const outcomes = await within(20_000, Promise.allSettled(waiting));
			const failed = outcomes.filter(outcome => outcome.status === 'rejected');
			t.true(failed.length <= 1, `${failed.length} tasks failed of one death`);
			for (const [item, outcome] of outcomes.entries()) {
				t.true(outcome.status === 'fulfilled' ? outcome.value === item + 1 : outcome.reason instanceof TerminatedWorkerError);
			}
		}
	}));
}
