import {AsyncLocalStorage} from 'node:async_hooks';
import {getEventListeners} from 'node:events';
import process from 'node:process';
import {setImmediate as turn} from 'node:timers/promises';
import {inspect} from 'node:util';
import test from 'ava';
import {keepAlive} from './fixtures/keep-alive.js';
import {FakeOwner} from './helpers/fake-owner.js';
import {runFixture} from './helpers/run-script.js';
import {CancelledError, TimeoutError} from '#dist/errors.js';
import {Future, rejectFuture, resolveFuture} from '#dist/future.js';

const stopHolding = keepAlive();
test.after(stopHolding);

const succeeded = <T>(value: T): Future<T> => {
	const future = new FakeOwner().submit<T>();
	resolveFuture(future, value);
	return future;
};

const failed = (error: unknown): Future<unknown> => {
	const future = new FakeOwner().submit();
	rejectFuture(future, error);
	return future;
};

const cancelled = (): Future<unknown> => {
	const future = new FakeOwner().submit();
	future.cancel();
	return future;
};

test('awaiting a pending future gives the result once it settles', async t => {
	const future = new FakeOwner().submit();
	setImmediate(() => {
		resolveFuture(future, 42);
	});
	t.is(await future, 42);
});

test('awaiting a settled future gives the result again and again', async t => {
	const future = succeeded('x');
	t.is(await future, 'x');
	t.is(await future, 'x');
});

test('awaiting a failed future throws the same error object', async t => {
	const error = new RangeError('no');
	const thrown = await t.throwsAsync(async () => failed(error));
	t.is(thrown, error);
});

test('a thrown value that is no error arrives as the same value', async t => {
	for (const value of [undefined, null, 0, 'text']) {
		t.is(await failed(value).catch((error: unknown) => error), value);
	}
});

test('a future is no Promise, and its then, catch and finally give promises', async t => {
	const future = succeeded(1);
	t.false(future instanceof Promise);
	for (const promise of [future.then(), future.catch(), future.finally()]) {
		t.true(promise instanceof Promise);

		t.is(await promise, 1);
	}
});

test('catch handles a failure, and finally passes result and error on', async t => {
	t.is(await failed(new Error('x')).catch(() => 'handled'), 'handled');
	t.is(await succeeded(1).finally(() => undefined), 1);
	await t.throwsAsync(failed(new Error('x')).finally(() => undefined), {message: 'x'});
});

test('handlers of then run after then has returned, in the order of their registration', async t => {
	const order: string[] = [];
	const future = new FakeOwner().submit();
	const handled = ['a', 'b', 'c'].map(async name => future.then(() => order.push(name)));
	resolveFuture(future, 1);
	const late = future.then(() => order.push('late'));
	t.deepEqual(order, []);
	await Promise.all([...handled, late]);
	t.deepEqual(order, ['a', 'b', 'c', 'late']);
});

test('a future settles once: what comes later changes nothing', async t => {
	const future = new FakeOwner().submit();
	t.true(resolveFuture(future, 1));
	t.false(resolveFuture(future, 2));
	t.false(rejectFuture(future, new Error('late')));
	t.false(future.cancel());
	t.is(await future, 1);
});

test('a thenable result reaches a handler of then and a done-callback without being unwrapped', async t => {
	// eslint-disable-next-line unicorn/no-thenable
	const thenable = {then: () => t.fail('unwrapped')};
	const future = succeeded(thenable);
	await future.then(value => {
		t.is<unknown, unknown>(value, thenable);
	});
	await new Promise<void>(resolve => {
		future.addDoneCallback(() => {
			resolve();
		});
	});
});

test('the states are told as they are: pending, running, succeeded, failed, cancelled', t => {
	const owner = new FakeOwner();
	const pending = owner.submit();
	const running = owner.submit();
	owner.running.add(1);
	const states = [pending, running, succeeded(1), failed(new Error('x')), cancelled()]
		.map(future => [future.running(), future.done(), future.cancelled()]);
	t.deepEqual(states, [
		[false, false, false],
		[true, false, false],
		[false, true, false],
		[false, true, false],
		[false, true, true],
	]);
});

test('inspect shows the state, and the result or the error', t => {
	const owner = new FakeOwner();
	const pending = owner.submit();
	const running = owner.submit();
	owner.running.add(1);
	t.is(inspect(pending), 'Future { <pending> }');
	t.is(inspect(running), 'Future { <running> }');
	t.is(inspect(succeeded({a: 1})), 'Future { { a: 1 } }');
	t.regex(inspect(failed(new Error('no luck'))), /^Future \{ <rejected> Error: no luck/v);
	t.is(inspect(cancelled()), 'Future { <cancelled> }');
});

test('cancel takes a pending task back at once, and rejects with CancelledError', async t => {
	const future = new FakeOwner().submit();
	t.true(future.cancel());
	t.true(future.cancelled());
	t.true(future.cancel(), 'a cancelled future stays cancelled');
	await t.throwsAsync(async () => future, {instanceOf: CancelledError});
});

test('cancel leaves a running and a finished task alone', async t => {
	const owner = new FakeOwner();
	const future = owner.submit();
	owner.running.add(0);
	t.false(future.cancel());
	resolveFuture(future, 'finished');
	t.false(future.cancel());
	t.is(await future, 'finished');
});

test('result gives the value, and rejects with the error of the task or CancelledError', async t => {
	t.is(await succeeded(1).result({timeout: 0}), 1);
	await t.throwsAsync(failed(new Error('x')).result({timeout: 10}), {message: 'x'});
	await t.throwsAsync(cancelled().result(), {instanceOf: CancelledError});
});

test('exception gives the error or null, and rejects with CancelledError', async t => {
	const error = new Error('x');
	t.is(await succeeded(1).exception(), null);
	t.is(await failed(error).exception({timeout: 0}), error);
	await t.throwsAsync(cancelled().exception(), {instanceOf: CancelledError});
});

for (const name of ['result', 'exception'] as const) {
	test(`${name} with a timeout of 0 only looks, and leaves the task alone`, async t => {
		const future = new FakeOwner().submit();
		const error = await t.throwsAsync<TimeoutError>(future[name]({timeout: 0}), {instanceOf: TimeoutError, code: 'ERR_TIMEOUT'});
		t.is(error.timeout, 0);
		t.false(future.done());
	});

	test(`${name} rejects with TimeoutError when the time has passed, and not before`, async t => {
		const start = performance.now();
		await t.throwsAsync(new FakeOwner().submit()[name]({timeout: 30}), {instanceOf: TimeoutError});
		t.true(performance.now() - start >= 30);
	});

	test(`${name} waits beyond 2^31 ms and for Infinity without a warning`, async t => {
		const warnings: Error[] = [];
		const listener = (warning: Error): void => {
			warnings.push(warning);
		};

		process.on('warning', listener);
		const future = new FakeOwner().submit();
		const waits = [future[name]({timeout: (2 ** 31) + 5}), future[name]({timeout: Number.POSITIVE_INFINITY})];
		await turn();
		await turn();
		resolveFuture(future, null);
		t.deepEqual(await Promise.all(waits), [null, null]);
		process.off('warning', listener);
		t.deepEqual(warnings, []);
	});

	test(`${name} rejects with the reason of the signal, and removes its listener`, async t => {
		const controller = new AbortController();
		const future = new FakeOwner().submit();
		const wait = future[name]({signal: controller.signal});
		t.is(getEventListeners(controller.signal, 'abort').length, 1);
		const reason = new Error('enough');
		controller.abort(reason);
		const thrown = await t.throwsAsync(wait);
		t.is(thrown, reason);
		t.is(getEventListeners(controller.signal, 'abort').length, 0);
		t.false(future.done());
	});

	test(`${name} removes its listener from a signal that never aborts`, async t => {
		const {signal} = new AbortController();
		const future = new FakeOwner().submit();
		const wait = future[name]({signal, timeout: 60_000});
		resolveFuture(future, null);
		await wait;
		t.is(getEventListeners(signal, 'abort').length, 0);
		await t.throwsAsync(new FakeOwner().submit()[name]({signal, timeout: 1}), {instanceOf: TimeoutError});
		t.is(getEventListeners(signal, 'abort').length, 0);
	});

	test(`${name} rejects at once with the reason of a signal that has aborted`, async t => {
		const reason = new Error('too late');
		const thrown = await t.throwsAsync(succeeded(1)[name]({signal: AbortSignal.abort(reason)}));
		t.is(thrown, reason);
	});

	test(`${name} throws synchronously for a wrong option`, t => {
		const future = succeeded(1);
		const call = (options: unknown) => (): unknown => Reflect.apply(future[name], future, [options]);

		t.throws(call({timeout: '1'}), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
		t.throws(call({timeout: null}), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
		t.throws(call({timeout: Number.NaN}), {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'});
		t.throws(call({timeout: -1}), {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'});
		t.throws(call({signal: {}}), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
		t.throws(call({timeuot: 1}), {instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION', message: /Did you mean timeout/v});
		t.throws(call(5), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	});
}

test('20 waits with one signal make no warning about listeners', async t => {
	const warnings: Error[] = [];
	const listener = (warning: Error): void => {
		warnings.push(warning);
	};

	process.on('warning', listener);
	const {signal} = new AbortController();
	const future = new FakeOwner().submit();
	const waits = Array.from({length: 20}, async () => future.result({signal}));
	await turn();
	resolveFuture(future, 1);
	await Promise.all(waits);
	process.off('warning', listener);
	t.deepEqual(warnings, []);
});

test('done-callbacks get the future, in the order of registration, before the settling returns', t => {
	const future = new FakeOwner().submit();
	const calls: unknown[] = [];
	const callback = (which: string) => (done: unknown) => {
		calls.push([which, done === future]);
	};

	future.addDoneCallback(callback('a'));
	future.addDoneCallback(callback('b'));
	future.addDoneCallback(callback('c'));
	future.cancel();
	t.deepEqual(calls, [['a', true], ['b', true], ['c', true]]);
});

test('one function registered twice is called twice', t => {
	const future = new FakeOwner().submit();
	let calls = 0;
	const count = (): void => {
		calls++;
	};

	future.addDoneCallback(count);
	future.addDoneCallback(count);
	resolveFuture(future, 1);
	t.is(calls, 2);
});

test('a done-callback for a settled future runs in a microtask', async t => {
	for (const future of [succeeded(1), failed(new Error('x')), cancelled()]) {
		let isCalled = false;
		future.addDoneCallback(() => {
			isCalled = true;
		});
		t.false(isCalled);

		await Promise.resolve();
		t.true(isCalled);
	}
});

test('a done-callback that is no function throws TypeError', t => {
	const future = succeeded(1);
	t.throws(() => {
		Reflect.apply(future.addDoneCallback, future, [5]);
	}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
});

test.serial('a done-callback that throws becomes a warning, and later ones still run', async t => {
	const warned = new Promise<Error>(resolve => {
		process.once('warning', resolve);
	});
	const future = new FakeOwner().submit();
	const calls: number[] = [];
	future.addDoneCallback(() => {
		throw new Error('a careless callback');
	});
	future.addDoneCallback(() => {
		calls.push(2);
	});
	resolveFuture(future, 1);
	t.deepEqual(calls, [2]);
	t.like(await warned, {name: 'DoneCallbackWarning', code: 'LOKY_DONE_CALLBACK'});
	t.is(await future, 1);
});

test('done-callbacks and handlers keep the asynchronous context of their registration', async t => {
	const storage = new AsyncLocalStorage<string>();
	const future = new FakeOwner().submit();
	const seen: unknown[] = [];
	const look = (): void => {
		seen.push(storage.getStore());
	};

	const handled = storage.run('registration', async () => {
		future.addDoneCallback(look);
		return Promise.all([future.then(look), future.result().then(look)]);
	});
	storage.run('settling', () => resolveFuture(future, 1));
	await handled;
	await storage.run('late', async () => {
		future.addDoneCallback(look);
		await future.then(look);
	});
	t.deepEqual(seen, ['registration', 'registration', 'registration', 'late', 'late']);
});

test.serial('futures that failed before anybody awaited them cause no unhandledRejection', async t => {
	const unhandled: unknown[] = [];
	const listener = (error: unknown): void => {
		unhandled.push(error);
	};

	process.on('unhandledRejection', listener);
	const futures = Array.from({length: 10}, () => new FakeOwner().submit());
	setImmediate(() => {
		for (const future of futures.toReversed()) {
			rejectFuture(future, new Error('x'));
		}
	});
	for (const future of futures) {
		await t.throwsAsync(async () => future, {message: 'x'});

		await turn();
	}

	process.off('unhandledRejection', listener);
	t.deepEqual(unhandled, []);
});

test.serial('a rejected promise made by then and left alone is an unhandledRejection', async t => {
	const {stdout} = await runFixture('unhandled-then');
	t.is(stdout, 'unhandled: nobody handles this\n');
});

test('only an executor creates a future', t => {
	const construct = (): unknown => Reflect.construct(Future, []);
	t.throws(construct, {instanceOf: TypeError, message: /executor/v});
});

const warningCases: Readonly<Record<string, readonly string[]>> = {
	neverLookedAt: ['UnobservedFailureWarning LOKY_UNOBSERVED_FAILURE'],
	onlyDoneAsked: ['UnobservedFailureWarning LOKY_UNOBSERVED_FAILURE'],
	group: ['UnobservedFailureWarning LOKY_UNOBSERVED_FAILURE'],
	twoGroups: ['UnobservedFailureWarning LOKY_UNOBSERVED_FAILURE', 'UnobservedFailureWarning LOKY_UNOBSERVED_FAILURE'],
	awaited: [],
	awaitedBefore: [],
	result: [],
	finally: [],
	exception: [],
	wait: [],
	asCompleted: [],
	cancelled: [],
};

for (const [name, expected] of Object.entries(warningCases)) {
	test.serial(`collecting futures warns ${expected.length} times in the case ${name}`, async t => {
		const {stdout} = await runFixture('unobserved-failures', {nodeArguments: ['--expose-gc', '--no-warnings'], fixtureArguments: [name]});
		t.deepEqual(JSON.parse(stdout), expected);
	});
}

test.serial('a pending future takes at most 150 bytes, be there ten thousand or a million', async t => {
	const {stdout} = await runFixture('pending-futures', {nodeArguments: ['--expose-gc']});
	for (const bytes of stdout.trim().split(' ')) {
		t.true(Number(bytes) > 0 && Number(bytes) <= 150, `${bytes} bytes`);
	}
});

test.serial('waiting with a timeout does not hold the process', async t => {
	const start = performance.now();
	const {stdout} = await runFixture('unheld-wait');
	t.is(stdout, 'waiting\n');
	t.true(performance.now() - start < 20_000);
});

test.serial('timers that are faked after the import stop no deadline', async t => {
	const {stdout} = await runFixture('faked-timers');
	t.is(stdout, 'TimeoutError\n');
});
