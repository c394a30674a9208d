import {Buffer} from 'node:buffer';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {
	ProcessPoolExecutor, SerializationError, prepare, registerByValue, setLokyPickler, wrapNonPicklableObjects,
} from 'loky';
import {withExecutor, leavingNothing} from './helpers/with-executor.js';

const fixture = (name: string): URL => new URL(`fixtures/picklers/${name}`, import.meta.url);

/** A test with an executor that was made under a pickler; the pickler is reset before it runs. */
function underPickler(pickler: URL | string, body: (t: ExecutionContext, executor: ProcessPoolExecutor) => Promise<void>) {
	return async (t: ExecutionContext): Promise<void> => {
		await leavingNothing(t, async () => {
			setLokyPickler(pickler);
			const executor = new ProcessPoolExecutor({maxWorkers: 1});
			setLokyPickler(null);
			try {
				await body(t, executor);
			} finally {
				await executor.shutdown({killWorkers: true});
			}
		});
	};
}

class Counter {
	#value: number;

	constructor(value: number) {
		this.#value = value;
	}

	get value(): number {
		return this.#value;
	}

	next(): number {
		return ++this.#value;
	}
}

const factor = 3;
const times = (x: number): number => x * factor;

test.serial('under v8 values travel as structured clone makes them, also items of a map', underPickler('v8', async (t, executor) => {
	const shared = {a: 1};
	const given = [new Map([[shared, new Set([shared])]]), new Date(5), 2n ** 70n, Buffer.from('abc'), undefined];
	const [map, date, bigint, bytes, nothing] = await executor.submit((...args: unknown[]) => args, ...given) as [Map<object, Set<object>>, Date, bigint, Uint8Array, undefined];
	const [[key, set]] = [...map] as [[object, Set<object>]];
	t.true(set.has(key));
	t.deepEqual([date, bigint, [...bytes], nothing], [new Date(5), 2n ** 70n, [97, 98, 99], undefined]);
	t.deepEqual(await executor.map((x: number, y: bigint) => [x * factor, y], [1, 2], [3n, 4n], {chunksize: 2}), [[3, 3n], [6, 4n]]);
	// Structured clone knows no classes, and our own codec would refuse the private field.
	t.true(await executor.submit((counter: unknown) => Object.getPrototypeOf(counter) === Object.prototype, new Counter(1)));
}));

test.serial('under v8 a function in a value fails the one task, the task\'s own function travels', underPickler('v8', async (t, executor) => {
	const error = await t.throwsAsync(async () => executor.submit((fn: unknown) => typeof fn, () => 1), {instanceOf: SerializationError, message: /pickler v8.*wrapNonPicklableObjects/v});
	t.is(error.side, 'submit');
	t.deepEqual(error.path, ['args']);
	const refused = await t.throwsAsync(async () => executor.submit(() => () => 1), {instanceOf: SerializationError});
	t.is(refused.side, 'result');
	t.is(await executor.submit(times, 2), 6);
	const results = executor.map((x: unknown) => typeof x === 'number' ? x : () => 1, [1, 'a', () => 1], {chunksize: 3});
	const first = await results[Symbol.asyncIterator]().next();
	t.is(first.value, 1);
	await t.throwsAsync(async () => executor.map((x: unknown) => x, [1, () => 1], {chunksize: 2}), {instanceOf: SerializationError});
}));

test.serial('errors travel by our own codec under any pickler', underPickler(fixture('json.js'), async (t, executor) => {
	class Own extends Error {
		big = 1n;
	}

	const fail = (): never => {
		throw Object.assign(new Own('mine', {cause: new Map([[1, 2n]])}), {big: 2n});
	};

	const error = await t.throwsAsync(async () => executor.submit(fail), {instanceOf: Own, message: 'mine'});
	t.is(error.big, 2n);
	t.deepEqual(error.cause, new Map([[1, 2n]]));
}));

for (const [title, pickler] of [
	['a URL', fixture('json.js')],
	['the text of a URL', fixture('json.js').href],
	['a path', fileURLToPath(fixture('json.js'))],
	['a CommonJS module', fixture('common.cjs')],
] as const) {
	test.serial(`a module given as ${title} carries arguments and results`, underPickler(pickler, async (t, executor) => {
		t.deepEqual(await executor.submit((...args: unknown[]) => args, new Date(0), {a: [1]}), ['1970-01-01T00:00:00.000Z', {a: [1]}]);
		t.is(await executor.submit(times, 2), 6);
		t.deepEqual(await executor.map((x: unknown) => x, [new Date(0), 1], {chunksize: 2}), ['1970-01-01T00:00:00.000Z', 1] as unknown[]);
	}));
}

test.serial('what goes wrong in a module concerns one item or one task', underPickler(fixture('stubborn.js'), async (t, executor) => {
	const identity = (x: unknown): unknown => x;
	await t.throwsAsync(async () => executor.submit(identity, 'refuse'), {instanceOf: SerializationError, message: /stubborn\.js cannot decode .*cannot decode \["refuse"\]/v});
	await t.throwsAsync(async () => executor.submit(() => 12), {instanceOf: SerializationError, message: /stubborn\.js returned no Uint8Array/v});
	const error = await t.throwsAsync(async () => executor.submit(() => 13), {instanceOf: SerializationError, message: /cannot decode 13/v});
	t.is(error.side, 'parent');
	t.true(error.cause instanceof RangeError);
	const iterator = executor.map((x: number) => x, [1, 13], {chunksize: 2})[Symbol.asyncIterator]();
	const first = await iterator.next();
	t.is(first.value, 1);
	await t.throwsAsync(async () => iterator.next(), {message: /cannot decode 13/v});
	t.is(await executor.submit(identity, 1), 1);
}));

test.serial('an executor keeps the pickler that it was made with, and executors in its workers have it too', async t => {
	const before = new ProcessPoolExecutor({maxWorkers: 1});
	setLokyPickler(fixture('json.js'));
	const json = new ProcessPoolExecutor({maxWorkers: 1});
	setLokyPickler('msgpack');
	const after = new ProcessPoolExecutor({maxWorkers: 1});
	const kind = (date: unknown): string => typeof date;
	t.deepEqual(await Promise.all([before, json, after].map(async executor => executor.submit(kind, new Date(0)))), ['object', 'string', 'object']);
	const loky = import.meta.resolve('loky');
	const nested = async (): Promise<string> => {
		const {ProcessPoolExecutor: Executor} = await import(loky) as {ProcessPoolExecutor: typeof ProcessPoolExecutor};
		const executor = new Executor({maxWorkers: 1});
		const seen = await executor.submit(kind, new Date(0));
		await executor.shutdown();
		return seen;
	};

	t.deepEqual(await Promise.all([json.submit(nested), after.submit(nested)]), ['string', 'object']);
	await Promise.all([before, json, after].map(async executor => executor.shutdown()));
});

test.serial('reducers belong to the default pickler', t => {
	setLokyPickler('v8');
	const reducers = new Map([[Date, () => [() => new Date(), []] as const]]);
	for (const option of ['jobReducers', 'resultReducers']) {
		t.throws(() => new ProcessPoolExecutor({[option]: reducers}), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE', message: new RegExp(`^${option} must be left out.*v8`, 'v')});
	}

	setLokyPickler(null);
	t.notThrows(() => new ProcessPoolExecutor({jobReducers: reducers}));
});

test.serial('what is no pickler is refused at once, and changes nothing', t => {
	for (const wrong of ['json', './json.js', '', 7, {}, new URL('https://example.org/pickler.js'), Symbol('v8')]) {
		t.throws(() => {
			setLokyPickler(wrong as string);
		}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	}

	for (const [name, code, message] of [
		['missing.js', 'ERR_REFERENCE_MISSING', /missing\.js could not be loaded/v],
		['half.js', 'ERR_REFERENCE_MISSING', /half\.js exports no function decode\./v],
		['throws.js', 'ERR_REFERENCE_IMPORT', /throws\.js could not be loaded: not on this machine/v],
		['awaits.js', 'ERR_REFERENCE_IMPORT', /must not await at its top level/v],
	] as const) {
		t.throws(() => {
			setLokyPickler(fixture(name));
		}, {instanceOf: SerializationError, code, message});
	}

	t.notThrows(() => new ProcessPoolExecutor({jobReducers: new Map([[Date, () => [() => new Date(), []]]])}));
});

for (const pickler of ['msgpack', 'v8', fixture('json.js')] as const) {
	const title = String(pickler).replace(/.*\//v, '');
	test.serial(`wrapped functions, classes and instances travel under ${title} and can be used there`, underPickler(pickler, async (t, executor) => {
		const wrapped = wrapNonPicklableObjects(times);
		t.is(wrapped(2), 6);
		t.is(await executor.submit(wrapped, 2), 6);
		t.is(await executor.submit((fn: typeof times, x: number) => fn(x), wrapped, 2), 6);
		t.deepEqual(await executor.submit((holder: {fns: Array<typeof times>}) => holder.fns.map(fn => fn(1)), {fns: [wrapped, wrapped]}), [3, 3]);
		t.deepEqual(await executor.map((fn: typeof times) => fn(4), [wrapped], {chunksize: 1}), [12]);
		const Wrapped = wrapNonPicklableObjects(Counter);
		t.is(await executor.submit((Given: typeof Counter) => new Given(5).next(), Wrapped), 6);
		const sentBack = await executor.submit((fn: typeof times) => fn, wrapped);
		t.is(sentBack(3), 9);
		const fnOf = (value: number) => () => value;
		t.is(await executor.submit((fn: () => number) => fn(), wrapNonPicklableObjects(fnOf(8), {keepWrapper: false})), 8);
	}));
}

test.serial('without the wrapper a value arrives as it is', underPickler('v8', async (t, executor) => {
	const {types} = await import('node:util');
	const isProxy = (fn: object): boolean => process.getBuiltinModule('node:util').types.isProxy(fn);
	t.true(types.isProxy(wrapNonPicklableObjects(times)));
	t.true(await executor.submit(isProxy, wrapNonPicklableObjects(times)));
	t.false(await executor.submit(isProxy, wrapNonPicklableObjects(times, {keepWrapper: false})));
	class Plain {
		value = 4;
		twice(): number {
			return this.value * 2;
		}
	}
	const plain = await executor.submit((given: Plain) => given, wrapNonPicklableObjects(new Plain()));
	t.is(plain.twice(), 8);
	t.true(plain instanceof Plain);
}));

test('a wrapper is used like what is in it', t => {
	const counter = wrapNonPicklableObjects(new Counter(1));
	t.is(counter.next(), 2);
	t.is(counter.value, 2);
	t.is(counter.next, counter.next);
	t.true(counter instanceof Counter);
	const Wrapped = wrapNonPicklableObjects(Counter);
	const made = new Wrapped(7);
	t.is(made.next(), 8);
	t.true(made instanceof Wrapped);
	t.true(made instanceof Counter);
	t.is(Wrapped.name, 'Counter');
	const map = wrapNonPicklableObjects(new Map([[1, 2]]));
	t.is(map.get(1), 2);
	t.is(map.size, 1);
	map.set(3, 4);
	t.deepEqual([...map], [[1, 2], [3, 4]]);
	t.is(wrapNonPicklableObjects(wrapNonPicklableObjects(times))(2), 6);
});

test('only objects and functions can be wrapped', t => {
	for (const wrong of [7, 'text', null, undefined]) {
		t.throws(() => wrapNonPicklableObjects(wrong as never), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	}

	t.throws(() => wrapNonPicklableObjects(times, {keepWrapper: 1 as never}), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	t.throws(() => wrapNonPicklableObjects(times, {keep_wrapper: true} as never), {instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION'});
});

test.serial('a snapshot keeps the variables of its moment', withExecutor({maxWorkers: 1}, async (t, executor) => {
	let value = 1;
	const read = (): number => value;
	const prepared = prepare(read);
	value = 2;
	t.is(await executor.submit(prepared), 1);
	t.is(await executor.submit(read), 2);
	t.is(prepared(), 2);
	t.throws(() => prepare(7 as never), {instanceOf: TypeError});
	t.throws(() => {
		registerByValue('relative.js');
	}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
}));
