import {execFileSync} from 'node:child_process';
import {pbkdf2Sync} from 'node:crypto';
import {getEventListeners} from 'node:events';
import {
	appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {
	CancelledError, TaskTimeoutError, TerminatedWorkerError, type ProcessPoolExecutor,
} from 'loky';
import type * as Jobs from './fixtures/jobs.js';
import {eventually, within} from './helpers/deadline.js';
import {processState} from './helpers/processes.js';
import {onTwoWatches} from './helpers/watches.js';
import {leavingNothing, withExecutor} from './helpers/with-executor.js';

const jobsUrl = new URL('fixtures/jobs.js', import.meta.url);

/** A file to which attempts, in whatever process, add a character each. */
function tally(t: ExecutionContext): {readonly file: string; readonly count: () => number} {
	const folder = mkdtempSync(path.join(tmpdir(), 'loky-limits-'));
	t.teardown(() => {
		rmSync(folder, {recursive: true});
	});
	const file = path.join(folder, 'tally');
	return {file, count: () => existsSync(file) ? readFileSync(file, 'utf8').length : 0};
}

/** Dies as often as asked, then returns the number of its attempt. */
const dieBefore = (attempt: number, file: string): number => {
	appendFileSync(file, '.');
	const count = readFileSync(file, 'utf8').length;
	if (count < attempt) {
		process.exit(7);
	}

	return count;
};

onTwoWatches('a task beyond its timeout is killed with what it has started, and nobody else', {maxWorkers: 2}, async (t, executor) => {
	const {file} = tally(t);
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const other = executor.submit(async () => new Promise(resolve => {
		setTimeout(resolve, 2500, 'unharmed');
	}));
	const error = await t.throwsAsync(async () => within(10_000, executor.with({timeout: 2000}).submit(path => {
		// In the worker's group, and busy for longer than the test.
		appendFileSync(path, execFileSync('/bin/sh', ['-c', 'sleep 1000 >/dev/null 2>&1 & echo $!'], {encoding: 'utf8'}));
		for (;;) {
			// Nothing ends this.
		}
	}, file)), {instanceOf: TaskTimeoutError});
	t.like(error, {
		code: 'ERR_TASK_TIMEOUT', reason: 'timeout', timeout: 2000, signal: 'SIGKILL', attempt: 1,
	});
	t.regex(error.message, /2000 ms/v);
	const grandchild = Number(readFileSync(file, 'utf8'));
	t.true(grandchild > 0);
	await eventually(() => processState(grandchild), state => state === null || state === 'Z', 2000);
	t.is(await within(10_000, other), 'unharmed');
	t.is(await within(10_000, jobs.add(20, 22)), 42);
});

onTwoWatches('native code that does not end is killed at its timeout', {maxWorkers: 1}, async (t, executor) => {
	const forEver = (): unknown => pbkdf2Sync('a', 'b', 2_147_483_647, 64, 'sha512');
	await t.throwsAsync(async () => within(10_000, executor.with({timeout: 100}).submit(forEver)), {instanceOf: TaskTimeoutError});
	t.is(await executor.submit(() => 1), 1);
});

test.serial('a timeout counts from the start of a task, not from its submission', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const jobs = executor.with({timeout: 1000}).module<typeof Jobs>(jobsUrl);
	const futures = Array.from({length: 6}, () => jobs.spin(250));
	const results = await within(10_000, Promise.all(futures));
	t.is(results.length, 6);
}));

onTwoWatches('timeouts are enforced and workers replaced while the event loop of the parent is blocked', {maxWorkers: 1}, async (t, executor) => {
	const {file} = tally(t);
	await executor.submit(() => 1);
	const stuck = executor.with({timeout: 50}).module<typeof Jobs>(jobsUrl).spinForEver();
	const next = executor.submit(file => {
		appendFileSync(file, '.');
	}, file);
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
	t.true(existsSync(file), 'the next task did not run while the parent was blocked');
	t.true(await stuck.exception() instanceof TaskTimeoutError);
	await next;
});

test.serial('in a map the timeout is multiplied by the items of a chunk', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const scope = executor.with({timeout: 400});
	const spin = (ms: number): number => {
		const end = performance.now() + ms;
		while (performance.now() < end) {
			// Only time passes.
		}

		return ms;
	};

	t.deepEqual(await within(10_000, scope.map(spin, [200, 200, 200, 200], {chunksize: 4})), [200, 200, 200, 200]);
	const error = await t.throwsAsync(async () => within(10_000, scope.map(spin, [1, 60_000], {chunksize: 2})), {instanceOf: TaskTimeoutError});
	t.is(error.timeout, 800);
}));

onTwoWatches('a signal takes back what waits and kills what runs, with its own reason', {maxWorkers: 1}, async (t, executor) => {
	const {count, file} = tally(t);
	const controller = new AbortController();
	const scope = executor.with({signal: controller.signal});
	const running = scope.submit(file => {
		appendFileSync(file, '.');
		for (;;) {
			// Nothing ends this.
		}
	}, file);
	const waiting = Array.from({length: 20}, () => scope.submit(file => {
		appendFileSync(file, '.');
	}, file));
	const unconcerned = executor.submit(() => 'unharmed');
	await eventually(count, seen => seen === 1, 10_000);
	t.true(running.running());
	const {pid} = executor.workers[0]!;
	const reason = new RangeError('enough');
	controller.abort(reason);
	for (const future of [running, ...waiting]) {
		t.true(future.done());
		t.false(future.running());
		t.false(future.cancel());

		t.is(await future.exception(), reason);
	}

	t.is(await within(10_000, unconcerned), 'unharmed');
	t.is(processState(pid!), null);
	t.is(count(), 1);
	t.deepEqual(getEventListeners(controller.signal, 'abort'), []);
});

test.serial('a signal that has aborted before the call runs nothing', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {count, file} = tally(t);
	const scope = executor.with({signal: AbortSignal.abort('too late')});
	t.is(await scope.submit(file => {
		appendFileSync(file, '.');
	}, file).exception(), 'too late');
	t.is(await scope.map(file => {
		appendFileSync(file, '.');
		return file;
	}, [file]).catch(String), 'too late');
	await executor.submit(() => 1);
	t.is(count(), 0);
}));

test.serial('a signal that aborts while the arguments are read runs nothing', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const controller = new AbortController();
	const future = executor.with({signal: controller.signal}).submit(value => value, {
		get now() {
			controller.abort('meanwhile');
			return 1;
		},
	});
	t.is(await future.exception(), 'meanwhile');
	t.deepEqual(getEventListeners(controller.signal, 'abort'), []);
}));

test.serial('a signal is listened to once, until the last of its tasks has settled', withExecutor({maxWorkers: 2}, async (t, executor) => {
	const controller = new AbortController();
	const scope = executor.with({signal: controller.signal});
	const futures = Array.from({length: 100}, (_, item) => scope.submit(item => item, item));
	t.is(getEventListeners(controller.signal, 'abort').length, 1);
	await Promise.all(futures);
	t.deepEqual(getEventListeners(controller.signal, 'abort'), []);
	controller.abort();
	t.is(await executor.submit(() => 1), 1);
}));

test.serial('ten thousand tasks of one signal are aborted in a moment', withExecutor({maxWorkers: 2}, async (t, executor) => {
	const controller = new AbortController();
	const jobs = executor.with({signal: controller.signal}).module<typeof Jobs>(jobsUrl);
	const futures = Array.from({length: 10_000}, () => jobs.sleep(60_000));
	await eventually(() => futures.filter(future => future.running()).length, seen => seen === 2, 10_000);
	const start = performance.now();
	controller.abort();
	t.true(futures.every(future => future.done()));
	t.true(performance.now() - start < 2000);
	t.is(await within(10_000, executor.submit(() => 1)), 1);
}));

onTwoWatches('an abort that races with the results settles each task once and costs no other task', {maxWorkers: 2}, async (t, executor) => {
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	await jobs.add(1, 1);
	for (let round = 0; round < 20; round++) {
		const controller = new AbortController();
		const scoped = executor.with({signal: controller.signal}).module<typeof Jobs>(jobsUrl);
		const concerned = Array.from({length: 10}, () => scoped.spin(round % 4));
		const others = Array.from({length: 10}, (_, item) => jobs.add(item, 1));
		setTimeout(() => {
			controller.abort('enough');
		}, round % 7);

		t.deepEqual(await within(10_000, Promise.all(others)), others.map((_, item) => item + 1));

		for (const outcome of await within(10_000, Promise.allSettled(concerned))) {
			t.true(outcome.status === 'fulfilled' || outcome.reason === 'enough');
		}
	}
});

onTwoWatches('a task whose worker dies is tried again', {maxWorkers: 1}, async (t, executor) => {
	const {count, file} = tally(t);
	const behind = executor.with({retries: 2}).submit(dieBefore, 3, file);
	t.is(await within(10_000, behind), 3);
	t.is(count(), 3);
});

test.serial('a task is tried again before tasks that were submitted after it', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {file} = tally(t);
	const order: string[] = [];
	const first = executor.with({retries: 1}).submit(dieBefore, 2, file);
	const second = executor.submit(() => 'second');
	first.addDoneCallback(() => order.push('first'));
	second.addDoneCallback(() => order.push('second'));
	await within(10_000, Promise.all([first, second]));
	t.deepEqual(order, ['first', 'second']);
}));

test.serial('after the last retry the death is the error, with the number of the attempt', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {count, file} = tally(t);
	const error = await t.throwsAsync(async () => within(10_000, executor.with({retries: 2}).submit(dieBefore, 99, file)), {instanceOf: TerminatedWorkerError});
	t.like(error, {attempt: 3, exitCode: 7, reason: 'exit'});
	t.is(count(), 3);
}));

test.serial('neither timeouts nor errors are tried again unless a predicate wants it', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {count, file} = tally(t);
	const stay = (file: string): never => {
		appendFileSync(file, '.');
		for (;;) {
			// Nothing ends this.
		}
	};

	const fail = (file: string): never => {
		appendFileSync(file, '.');
		throw new RangeError('no');
	};

	t.true(await executor.with({timeout: 50, retries: 3}).submit(stay, file).exception() instanceof TaskTimeoutError);
	t.true(await executor.with({retries: 3}).submit(fail, file).exception() instanceof RangeError);
	t.is(count(), 2);
	const asked: unknown[] = [];
	const retryIf = (error: unknown, attempt: number): boolean => {
		asked.push([(error as Error).name, attempt]);
		return attempt < 3;
	};

	const error = await executor.with({timeout: 50, retries: 1, retryIf}).submit(stay, file).exception();
	t.is((error as TaskTimeoutError).attempt, 2);
	t.true(await executor.with({retries: 9, retryIf}).submit(fail, file).exception() instanceof RangeError);
	t.deepEqual(asked, [['TaskTimeoutError', 1], ['RangeError', 1], ['RangeError', 2], ['RangeError', 3]]);
	t.is(count(), 7);
}));

test.serial('a predicate that throws, or answers with a promise, becomes a warning and the task keeps its error', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const warnings: Error[] = [];
	const listener = (warning: Error): void => {
		warnings.push(warning);
	};

	process.on('warning', listener);
	t.teardown(() => process.off('warning', listener));
	const predicates = [() => {
		throw new Error('a bug');
	}, (async () => true) as unknown as () => boolean];
	for (const retryIf of predicates) {
		t.true(await executor.with({retries: 5, retryIf}).submit(() => process.exit(3)).exception() instanceof TerminatedWorkerError);
	}

	await eventually(() => warnings.map(warning => warning.name), names => names.length === 2);
	t.deepEqual(warnings.map(warning => warning.name), ['RetryPredicateWarning', 'RetryPredicateWarning']);
}));

test.serial('a task that is tried again can be cancelled until it starts, tells that it runs, and can be aborted', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {count, file} = tally(t);
	const cancelled = await new Promise<boolean>(resolve => {
		const future = executor.with({
			retries: 5,
			retryIf() {
				setImmediate(() => {
					resolve(future.cancel());
				});
				return true;
			},
		}).submit(dieBefore, 99, file);
		future.catch(error => {
			t.true(error instanceof CancelledError);
		});
	});
	t.true(cancelled);
	t.is(count(), 1);
	const controller = new AbortController();
	const running = executor.with({retries: 5, signal: controller.signal}).submit(file => {
		appendFileSync(file, '.');
		if (readFileSync(file, 'utf8').length < 3) {
			process.exit(1);
		}

		for (;;) {
			// Nothing ends this.
		}
	}, file);
	await eventually(count, seen => seen === 3, 10_000);
	t.true(running.running());
	t.false(running.cancel());
	controller.abort('enough');
	t.is(await running.exception(), 'enough');
	t.is(await executor.submit(() => 1), 1);
	t.is(count(), 3);
}));

test.serial('a chunk of a map is tried again as a whole, with the function as it was', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {file} = tally(t);
	let factor = 2;
	const results = executor.with({retries: 1}).map(item => {
		dieBefore(2, file);
		return item * factor;
	}, [1, 2, 3], {chunksize: 3});
	factor = 3;
	t.deepEqual(await within(10_000, results), [2, 4, 6]);
}));

test.serial('an executor that is shutting down tries nothing again', async t => {
	await leavingNothing(t, async () => {
		const {ProcessPoolExecutor} = await import('loky');
		const {count, file} = tally(t);
		const executor = new ProcessPoolExecutor({maxWorkers: 1});
		const future = executor.with({retries: 5}).submit(dieBefore, 99, file);
		await within(10_000, executor.shutdown());
		t.true(await future.exception() instanceof TerminatedWorkerError);
		t.is(count(), 1);
	});
});

test('the options of with are checked at once', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const {with: scope} = {with: (options: unknown) => executor.with(options as object)};
	for (const [options, expectation] of [
		[{timeout: '1'}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'}],
		[{timeout: 0}, {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'}],
		[{timeout: -1}, {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'}],
		[{retries: -1}, {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'}],
		[{retries: true}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'}],
		[{retryIf: true}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'}],
		[{priority: 'high'}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'}],
		[{priority: null}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'}],
		[{priority: 0.5}, {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE', message: /priority must be a whole number\. Received 0\.5/v}],
		[{priority: Number.NaN}, {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'}],
		[{priority: Number.POSITIVE_INFINITY}, {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'}],
		[{signal: {}}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'}],
		[{affinity: 1}, {instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION'}],
		[7, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'}],
	] as const) {
		t.throws(() => scope(options), expectation as never);
	}

	t.throws(() => executor.with({}).submit(1 as never), {instanceOf: TypeError});
	t.is(await executor.with({
		timeout: null, retries: undefined, retryIf: undefined, signal: undefined, priority: undefined,
	}).submit(() => 1), 1);
	t.is(await executor.with({timeout: Number.POSITIVE_INFINITY}).submit(() => 1), 1);
}));
