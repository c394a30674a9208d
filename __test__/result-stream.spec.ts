import {AsyncLocalStorage} from 'node:async_hooks';
import {setImmediate as turn, setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {keepAlive} from './fixtures/keep-alive.js';
import {FakeBackend} from './helpers/fake-backend.js';
import {CancelledError, TimeoutError} from '#dist/errors.js';
import {startMap, type ResultStream} from '#dist/result-stream.js';

const stopHolding = keepAlive();
test.after(stopHolding);

const double = (value: number): number => value * 2;
const byDefault = {timeout: null, chunksize: 1};

const numbers = (count: number): number[] => Array.from({length: count}, (_, index) => index);

/** Numbers from 0, and what became of the input. */
class Counter {
	pulled = 0;
	closed = 0;
	readonly #count: number;

	constructor(count = Number.POSITIVE_INFINITY) {
		this.#count = count;
	}

	* [Symbol.iterator](): Generator<number> {
		try {
			while (this.pulled < this.#count) {
				yield this.pulled++;
			}
		} finally {
			this.closed++;
		}
	}
}

async function * slowly(values: readonly number[], pause: (value: number) => PromiseLike<unknown>): AsyncGenerator<number> {
	for (const value of values) {
		await pause(value);
		yield value;
	}
}

const unendings: unknown[] = [];
const unending = async (): Promise<void> => new Promise(resolve => {
	unendings.push(resolve);
});

/** What a loop gets before it ends, and the error that ends it. */
async function take<R>(stream: ResultStream<R>): Promise<{readonly results: R[]; readonly error: unknown}> {
	const results: R[] = [];
	try {
		for await (const result of stream) {
			results.push(result);
		}
	} catch (error) {
		return {results, error};
	}

	return {results, error: undefined};
}

/** Leaves the loop after its first result. */
async function takeFirst<R>(stream: ResultStream<R>): Promise<R | undefined> {
	for await (const result of stream) {
		if (result !== undefined) {
			return result;
		}
	}

	return undefined;
}

for (const chunksize of [1, 6, 40, 50]) {
	test(`40 items in chunks of ${chunksize} give the results in the order of the items`, async t => {
		const expected = numbers(40).map(value => double(value));
		t.deepEqual(await startMap<number>(new FakeBackend(double), [numbers(40)], {timeout: null, chunksize}), expected);
		t.deepEqual(await take(startMap<number>(new FakeBackend(double), [numbers(40)], {timeout: null, chunksize})), {results: expected, error: undefined});
	});
}

test('results keep the order of the items when chunks finish in another', async t => {
	const backend = new FakeBackend(double, {auto: false});
	const stream = startMap<number>(backend, [numbers(4)], byDefault);
	for (const chunk of backend.chunks.toReversed()) {
		chunk.run();
	}

	t.deepEqual(await stream, [0, 2, 4, 6]);
});

test('no item gives no result, and submits nothing', async t => {
	const backend = new FakeBackend(double);
	t.deepEqual(await startMap(backend, [[]], byDefault), []);
	t.deepEqual(backend.chunks, []);
});

test('the work starts at the call, before anybody consumes the stream', t => {
	const backend = new FakeBackend(double, {auto: false});
	void startMap(backend, [numbers(3)], byDefault);
	t.is(backend.chunks.length, 3);
});

test('an endless input is pulled only as far as the window allows', async t => {
	const input = new Counter();
	const backend = new FakeBackend(double, {window: 3});
	const stream = startMap<number>(backend, [input], {timeout: null, chunksize: 5});
	await turn();
	await turn();
	t.is(input.pulled, 15);
	const results = stream[Symbol.asyncIterator]();
	for (let item = 0; item < 5; item++) {
		await results.next();
	}

	t.is(input.pulled, 20);
	await results.return?.();
	t.is(input.closed, 1);
});

test('several inputs are read in step, to the end of the shortest; the others are closed', async t => {
	const endless = new Counter();
	const backend = new FakeBackend((...values: number[]) => values.join(''));
	const stream = startMap(backend, [endless, slowly([7, 8, 9], turn), new Set(['a', 'b', 'c', 'd'])], {timeout: null, chunksize: 2});
	t.deepEqual(await stream, ['07a', '18b', '29c']);
	t.is(endless.closed, 1);
	t.is(endless.pulled, 4, 'as with zip, the input before the one that ends has lost an item');
});

test('an error thrown by an input comes after the results of the items before it', async t => {
	const error = new Error('input');
	const backend = new FakeBackend(double);
	const other = new Counter();
	const broken = function * (): Generator<number> {
		yield 1;
		yield 2;
		yield 3;
		throw error;
	};

	t.deepEqual(await take(startMap<number>(backend, [broken(), other], {timeout: null, chunksize: 2})), {results: [2, 4, 6], error});
	t.deepEqual(backend.sizes, [2, 1]);
	t.is(other.closed, 1);
});

test('an error thrown by an asynchronous input comes after the results of the items before it', async t => {
	const error = new Error('input');
	const stream = startMap<number>(new FakeBackend(double), [slowly([1, 2, 3], async value => value === 3 ? Promise.reject(error) : turn())], {timeout: null, chunksize: 2});
	t.deepEqual(await take(stream), {results: [2, 4], error});
});

test('an input whose first item throws does not make the call throw', async t => {
	const error = new Error('first');
	// eslint-disable-next-line require-yield
	const broken = function * (): Generator<number> {
		throw error;
	};

	t.deepEqual(await take(startMap(new FakeBackend(double), [broken()], byDefault)), {results: [], error});
});

test('a failing item hides no other item of its chunk; the rest is cancelled and the inputs are closed', async t => {
	const error = new Error('item 3');
	const input = new Counter();
	const backend = new FakeBackend((value: number) => {
		if (value === 3) {
			throw error;
		}

		return value;
	}, {auto: false});
	const outcome = take(startMap<number>(backend, [input], {timeout: null, chunksize: 5}));
	backend.chunks[0]!.run();
	t.deepEqual(await outcome, {results: [0, 1, 2], error});
	t.is(backend.cancelled, backend.chunks.length - 1);
	t.is(input.closed, 1);
});

test('awaiting rejects with the first error in the order of the items', async t => {
	const backend = new FakeBackend(value => value, {auto: false});
	const stream = startMap(backend, [numbers(3)], byDefault);
	backend.chunks[2]!.fail(new Error('third'));
	backend.chunks[1]!.fail(new Error('second'));
	backend.chunks[0]!.run();
	await t.throwsAsync(async () => stream, {message: 'second'});
});

test('a chunk that was cancelled gives its CancelledError at its place', async t => {
	const backend = new FakeBackend(double, {auto: false});
	const stream = startMap<number>(backend, [numbers(2)], byDefault);
	backend.chunks[0]!.run();
	backend.chunks[1]!.future.cancel();
	const {results, error} = await take(stream);
	t.deepEqual(results, [0]);
	t.true(error instanceof CancelledError);
});

test('after an error the iteration is over', async t => {
	const results = startMap(new FakeBackend(() => {
		throw new Error('always');
	}), [numbers(3)], byDefault)[Symbol.asyncIterator]();
	await t.throwsAsync(results.next(), {message: 'always'});
	t.deepEqual(await results.next(), {done: true, value: undefined});
});

test('leaving the loop early cancels what is pending and closes the inputs', async t => {
	const input = new Counter();
	const backend = new FakeBackend(double, {auto: false});
	const stream = startMap<number>(backend, [input], byDefault);
	backend.chunks[0]!.run();
	t.is(await takeFirst(stream), 0);
	t.is(input.closed, 1);
	t.is(backend.cancelled, backend.chunks.length - 1);
});

test('leaving the loop early does not wait for an input that never gives its next item', async t => {
	const never = unending();
	const stream = startMap<number>(new FakeBackend(double), [slowly([1, 2], async value => value === 2 ? never : turn())], byDefault);
	t.is(await takeFirst(stream), 2);
});

test('an error of the clean-up of an input comes out of the loop that was left', async t => {
	const input = function * (): Generator<number> {
		try {
			yield * numbers(100);
		} finally {
			// eslint-disable-next-line no-unsafe-finally
			throw new Error('clean-up');
		}
	};

	await t.throwsAsync(takeFirst(startMap<number>(new FakeBackend(double), [input()], byDefault)), {message: 'clean-up'});
});

test('the timeout counts from the call: results that are there come, then TimeoutError', async t => {
	const input = new Counter();
	const backend = new FakeBackend(double, {auto: false});
	const stream = startMap<number>(backend, [input], {timeout: 30, chunksize: 1});
	backend.chunks[0]!.run();
	backend.chunks[2]!.run();
	await delay(60);
	const {results, error} = await take(stream);
	t.deepEqual(results, [0]);
	t.true(error instanceof TimeoutError);
	t.like(error, {code: 'ERR_TIMEOUT', timeout: 30});
	t.true(backend.chunks[1]!.future.cancelled());
	t.is(input.closed, 1);
});

test('a consumer that waits is told of the timeout', async t => {
	const stream = startMap<number>(new FakeBackend(double, {auto: false}), [numbers(2)], {timeout: 10, chunksize: 1});
	await t.throwsAsync(async () => stream, {instanceOf: TimeoutError});
});

test('a map that has all its results before the timeout never times out', async t => {
	const stream = startMap<number>(new FakeBackend(double), [numbers(3)], {timeout: 50, chunksize: 1});
	await delay(100);
	t.deepEqual(await stream, [0, 2, 4]);
});

test('a slow asynchronous input holds back no result of the items before it', async t => {
	const never = unending();
	const backend = new FakeBackend(double);
	const input = slowly([1, 2, 3, 4], async value => value === 4 ? never : turn());
	const results = startMap<number>(backend, [input], {timeout: null, chunksize: 100})[Symbol.asyncIterator]();
	const first = [await results.next(), await results.next(), await results.next()];
	t.deepEqual(first.map(step => step.value as unknown), [2, 4, 6]);
});

test('an asynchronous input that has its items at hand fills whole chunks', async t => {
	const backend = new FakeBackend(double);
	const input = slowly(numbers(40), async () => undefined);
	const results = await startMap(backend, [input], {timeout: null, chunksize: 10});
	t.is(results.length, 40);
	t.deepEqual(backend.sizes, [10, 10, 10, 10]);
});

test('a stream can be consumed once', async t => {
	const message = /consumed once/v;
	const awaited = startMap(new FakeBackend(double), [numbers(2)], byDefault);
	await awaited;
	await t.throwsAsync(async () => awaited, {instanceOf: TypeError, message});
	await t.throwsAsync(awaited.finally(), {instanceOf: TypeError, message});
	t.throws(() => awaited[Symbol.asyncIterator](), {instanceOf: TypeError, message});
	const iterated = startMap(new FakeBackend(double), [numbers(2)], byDefault);
	t.deepEqual(await take(iterated), {results: [0, 2], error: undefined});
	await t.throwsAsync(async () => iterated, {instanceOf: TypeError, message});
});

test('a stream that fails and is never consumed causes no unhandledRejection', async t => {
	const backend = new FakeBackend(() => {
		throw new Error('nobody asks');
	}, {auto: false});
	void startMap(backend, [numbers(3)], {timeout: 5, chunksize: 1});
	backend.chunks[0]!.run();
	backend.chunks[1]!.fail(new Error('nobody asks'));
	await delay(20);
	// AVA fails the file for an unhandled rejection.
	t.is(backend.cancelled, 1);
});

test('several next() before the first result are answered in order', async t => {
	const results = startMap<number>(new FakeBackend(double), [numbers(3)], byDefault)[Symbol.asyncIterator]();
	const steps = await Promise.all([results.next(), results.next(), results.next(), results.next()]);
	t.deepEqual(steps, [{done: false, value: 0}, {done: false, value: 2}, {done: false, value: 4}, {done: true, value: undefined}]);
});

test('a result that is a thenable is not unwrapped', async t => {
	// eslint-disable-next-line unicorn/no-thenable
	const thenable = {then: () => t.fail('unwrapped')};
	const streams = [0, 1].map(() => startMap(new FakeBackend(() => thenable), [[1]], byDefault));
	t.deepEqual(await streams[0]!, [thenable]);
	t.deepEqual(await take(streams[1]!), {results: [thenable], error: undefined});
});

test('the inputs run in the asynchronous context of the call', async t => {
	const storage = new AsyncLocalStorage<string>();
	const seen = new Set<unknown>();
	const input = function * (): Generator<number> {
		for (const value of numbers(20)) {
			seen.add(storage.getStore());
			yield value;
		}
	};

	const stream = storage.run('call', () => startMap(new FakeBackend(double, {window: 1}), [input()], byDefault));
	await storage.run('consumer', async () => stream);
	t.deepEqual([...seen], ['call']);
});

test('an input that consumes its own map neither loops nor reorders', async t => {
	const backend = new FakeBackend(double, {window: 2});
	const steps: Array<Promise<IteratorResult<number>>> = [];
	const holder: {results?: AsyncIterator<number>} = {};
	const input = function * (): Generator<number> {
		for (const value of numbers(6)) {
			if (holder.results !== undefined) {
				steps.push(holder.results.next());
			}

			yield value;
		}
	};

	const results = startMap<number>(backend, [input()], byDefault)[Symbol.asyncIterator]();
	holder.results = results;
	const got: unknown[] = [];
	for (let item = 0; item < 3; item++) {
		steps.push(results.next());
	}

	for (const step of steps) {
		const result = await step;
		got.push(result.done ? undefined : result.value);
	}

	t.deepEqual(got, numbers(got.length).map(value => value < 6 ? value * 2 : undefined));
});

test('something that is not iterable makes the call throw, and opens no input', t => {
	const opened = new Counter();
	t.throws(() => startMap(new FakeBackend(double), [opened, 5], byDefault), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	t.is(opened.pulled, 0);
});

test('a million cheap items in chunks of 1000 take less than five seconds', async t => {
	const items = numbers(1_000_000);
	const backend = new FakeBackend(double, {window: 16});
	const start = performance.now();
	const results = await startMap<number>(backend, [items], {timeout: null, chunksize: 1000});
	t.true(performance.now() - start < 5000);
	t.is(results.at(-1), 1_999_998);
});
