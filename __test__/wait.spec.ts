import {setImmediate as turn} from 'node:timers/promises';
import test from 'ava';
import {keepAlive} from './fixtures/keep-alive.js';
import {FakeOwner} from './helpers/fake-owner.js';
import {TimeoutError} from '#dist/errors.js';
import {rejectFuture, resolveFuture, type Future} from '#dist/future.js';
import {
	ALL_COMPLETED,
	asCompleted,
	FIRST_COMPLETED,
	FIRST_EXCEPTION,
	wait,
	type CompletedFutures,
} from '#dist/wait.js';

const stopHolding = keepAlive();
test.after(stopHolding);

const futures = (count: number): Array<Future<unknown>> => {
	const owner = new FakeOwner();
	return Array.from({length: count}, () => owner.submit());
};

const twoFutures = (): [Future<unknown>, Future<unknown>] => [new FakeOwner().submit(), new FakeOwner().submit()];

async function gather<F>(iterable: CompletedFutures<F>): Promise<{readonly completed: F[]; readonly error: unknown}> {
	const completed: F[] = [];
	try {
		for await (const future of iterable) {
			completed.push(future);
		}
	} catch (error) {
		return {completed, error};
	}

	return {completed, error: undefined};
}

test('FIRST_COMPLETED returns when one is done', async t => {
	const [a, b] = twoFutures();
	const waiting = wait([a, b], {returnWhen: FIRST_COMPLETED});
	resolveFuture(b, 1);
	const {done, notDone} = await waiting;
	t.deepEqual([...done], [b]);
	t.deepEqual([...notDone], [a]);
});

test('FIRST_COMPLETED returns at once when one is done already, and a cancelled one is', async t => {
	const [a, b] = twoFutures();
	a.cancel();
	const {done, notDone} = await wait([a, b], {returnWhen: FIRST_COMPLETED});
	t.deepEqual([[...done], [...notDone]], [[a], [b]]);
});

test('of the futures that settle in one go, all are done', async t => {
	const all = futures(5);
	const waiting = wait(all, {returnWhen: FIRST_COMPLETED});
	for (const future of all.slice(0, 3)) {
		resolveFuture(future, 1);
	}

	const {done} = await waiting;
	t.is(done.size, 3);
});

test('FIRST_EXCEPTION goes on after a success and a cancellation, and returns when one fails', async t => {
	const all = futures(4);
	const waiting = wait(all, {returnWhen: FIRST_EXCEPTION});
	let isOver = false;
	void waiting.then(() => {
		isOver = true;
	});
	resolveFuture(all[0]!, 1);
	all[1]!.cancel();
	await turn();
	t.false(isOver);
	rejectFuture(all[2]!, new Error('x'));
	const {done, notDone} = await waiting;
	t.deepEqual([[...done], [...notDone]], [all.slice(0, 3), all.slice(3)]);
});

test('FIRST_EXCEPTION returns at once when one has failed already', async t => {
	const all = futures(2);
	rejectFuture(all[1]!, new Error('x'));
	const {done} = await wait(all, {returnWhen: FIRST_EXCEPTION});
	t.deepEqual([...done], [all[1]]);
});

test('FIRST_EXCEPTION without a failure returns when all are done', async t => {
	const all = futures(2);
	const waiting = wait(all, {returnWhen: FIRST_EXCEPTION});
	resolveFuture(all[1]!, 1);
	resolveFuture(all[0]!, 1);
	const {notDone} = await waiting;
	t.is(notDone.size, 0);
});

test('by default wait returns when all are done, however they ended', async t => {
	const all = futures(3);
	const waits = [wait(all), wait(all, {returnWhen: ALL_COMPLETED}), wait(all, {timeout: Number.POSITIVE_INFINITY})];
	resolveFuture(all[0]!, 1);
	rejectFuture(all[1]!, new Error('x'));
	all[2]!.cancel();
	for (const {done, notDone} of await Promise.all(waits)) {
		t.deepEqual([[...done], [...notDone]], [all, []]);
	}
});

test('at the timeout wait returns what there is', async t => {
	const all = futures(2);
	resolveFuture(all[0]!, 1);
	for (const timeout of [0, 20]) {
		const {done, notDone} = await wait(all, {timeout});
		t.deepEqual([[...done], [...notDone]], [[all[0]], [all[1]]]);
	}
});

test('wait takes any iterable, and a future given twice counts once', async t => {
	const [future] = twoFutures();
	resolveFuture(future, 1);
	const {done} = await wait([future, future].values());
	t.is(done.size, 1);
	t.deepEqual(await wait([]), {done: new Set(), notDone: new Set()});
});

for (const fn of [wait, asCompleted]) {
	test(`${fn.name} throws synchronously for anything but futures and for wrong options`, t => {
		const call = (...args: unknown[]) => (): unknown => Reflect.apply(fn, undefined, args);
		const wrongType = {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'};
		t.throws(call([Promise.resolve(1)]), wrongType);
		t.throws(call([...futures(1), undefined]), wrongType);
		t.throws(call(futures(1)[0]), wrongType);
		t.throws(call(), wrongType);
		t.throws(call([], {timeout: '5'}), wrongType);
		t.throws(call([], {timeout: -5}), {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'});
		t.throws(call([], {timeOut: 5}), {instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION', message: /timeout/v});
	});
}

test('wait refuses a returnWhen it does not know', t => {
	const call = (): unknown => Reflect.apply(wait, undefined, [[], {returnWhen: 'SOMETIMES'}]);
	t.throws(call, {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'});
});

test('asCompleted gives the futures themselves in the order of completion, first those that are done', async t => {
	const all = futures(5);
	resolveFuture(all[3]!, 1);
	const gathered = gather(asCompleted(all));
	rejectFuture(all[4]!, new Error('x'));
	all[0]!.cancel();
	await turn();
	resolveFuture(all[2]!, 1);
	resolveFuture(all[1]!, 1);
	t.deepEqual(await gathered, {completed: [3, 4, 0, 2, 1].map(index => all[index]!), error: undefined});
});

test('asCompleted keeps the order of completion while nobody takes the futures', async t => {
	const all = futures(3);
	const iterator = asCompleted(all);
	for (const index of [2, 0, 1]) {
		resolveFuture(all[index]!, index);
	}

	const {completed} = await gather(iterator);
	t.deepEqual(completed, [all[2]!, all[0]!, all[1]!]);
});

test('asCompleted gives a future once that is given twice, done or not', async t => {
	const [a, b] = twoFutures();
	resolveFuture(a, 1);
	const gathered = gather(asCompleted([a, b, a, b]));
	resolveFuture(b, 1);
	t.deepEqual(await gathered, {completed: [a, b], error: undefined});
});

test('asCompleted with a timeout of 0 gives those that are done, then TimeoutError', async t => {
	const [a, b] = twoFutures();
	resolveFuture(b, 1);
	const {completed, error} = await gather(asCompleted([a, b], {timeout: 0}));
	t.deepEqual(completed, [b]);
	t.true(error instanceof TimeoutError);
	t.like(error, {timeout: 0});
});

test('asCompleted counts its timeout from the call, and is over after it', async t => {
	const iterator = asCompleted(futures(1), {timeout: 20});
	await t.throwsAsync(iterator.next(), {instanceOf: TimeoutError});
	t.deepEqual(await iterator.next(), {done: true, value: undefined});
});

test('return ends asCompleted and answers those who wait', async t => {
	const all = futures(2);
	const iterator = asCompleted(all);
	const waiting = iterator.next();
	t.deepEqual(await iterator.return(), {done: true, value: undefined});
	t.deepEqual(await waiting, {done: true, value: undefined});
	resolveFuture(all[0]!, 1);
	t.deepEqual(await iterator.next(), {done: true, value: undefined});
});

test('several next() are answered in the order of completion', async t => {
	const all = futures(3);
	const iterator = asCompleted(all);
	const steps = Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
	for (const future of all.toReversed()) {
		resolveFuture(future, 1);
	}

	const completed = await steps;
	t.deepEqual(completed.map(step => step.value), [...all.toReversed(), undefined]);
});

/** The fastest of a few rounds, in ms. */
async function shortest(rounds: number, work: () => Promise<void>): Promise<number> {
	let best = Number.POSITIVE_INFINITY;
	for (let round = 0; round < rounds; round++) {
		const start = performance.now();

		await work();
		best = Math.min(best, performance.now() - start);
	}

	return best;
}

for (const [name, work] of Object.entries({
	async wait(all: Array<Future<unknown>>) {
		const waiting = wait(all, {timeout: 60_000});
		for (const future of all) {
			resolveFuture(future, 1);
		}

		await waiting;
	},
	async asCompleted(all: Array<Future<unknown>>) {
		const gathered = gather(asCompleted(all, {timeout: 60_000}));
		for (const future of all) {
			resolveFuture(future, 1);
		}

		await gathered;
	},
	async 'asCompleted that is left early'(all: Array<Future<unknown>>) {
		await asCompleted(all).return();
	},
})) {
	test.serial(`the time of ${name} grows with the number of futures, not with its square`, async t => {
		const few = await shortest(5, async () => work(futures(1000)));
		const many = await shortest(3, async () => work(futures(30_000)));
		// Quadratic growth would be 900 times.
		t.true(many < Math.max(few, 0.5) * 200, `${few} ms for 1,000; ${many} ms for 30,000`);
	});
}
