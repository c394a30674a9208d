import test from 'ava';
import {ProcessPoolExecutor, SerializationError, type Reducers} from 'loky';
import * as points from './fixtures/points.js';
import {within} from './helpers/deadline.js';
import {withExecutor, leavingNothing} from './helpers/with-executor.js';

const url = new URL('fixtures/points.js', import.meta.url);
const remote = new ProcessPoolExecutor().module<typeof points>(url);

const reducePoint = (point: points.Point) => [remote.makePoint, [...point.parts, point.next]] as const;
const jobReducers: Reducers = new Map([[points.Point, reducePoint]]);

test.serial('an argument whose class has a reducer is rebuilt in the worker', withExecutor({maxWorkers: 1, jobReducers}, async (t, executor) => {
	t.true(await executor.submit(remote.isPoint, new points.Point(1, 2)));
	t.is(await executor.submit(remote.sum, [new points.Point(1, 2), new points.Point(3, 4)]), 10);
	t.deepEqual(await executor.map(remote.isPoint, [new points.Point(1, 2), {}], {chunksize: 2}), [true, false]);
}));

test.serial('an object that is met twice is rebuilt once, and reduced objects may hold reduced ones', withExecutor({maxWorkers: 1, jobReducers}, async (t, executor) => {
	const point = points.makePoint(1, 2, new points.Point(3, 4));
	t.deepEqual(await executor.submit(remote.describePair, [point, point]), [true, true, true]);
}));

test.serial('an object that contains itself through its reducer is refused with its path', withExecutor({maxWorkers: 1, jobReducers}, async (t, executor) => {
	const point = points.makePoint(1, 2);
	point.next = point;
	const error = await t.throwsAsync(async () => executor.submit(remote.isPoint, point), {instanceOf: SerializationError});
	t.deepEqual(error.path, ['args', 0, 'args', 2]);
}));

test.serial('a reducer is for exactly its class and for exactly its executor', withExecutor({maxWorkers: 1, jobReducers}, async (t, executor) => {
	// Without a reducer, private fields keep it here.
	const refused = {instanceOf: SerializationError, code: 'ERR_CAPTURE_PRIVATE'};
	await t.throwsAsync(async () => executor.submit(remote.isPoint, new points.NamedPoint(1, 2)), refused);
	const other = new ProcessPoolExecutor({maxWorkers: 1});
	await t.throwsAsync(async () => other.submit(remote.isPoint, new points.Point(1, 2)), refused);
	await other.shutdown();
}));

test.serial('a result whose class has a reducer is rebuilt in the parent', withExecutor({
	maxWorkers: 1,
	// The reducer runs in the worker, so it is named by its module, too.
	resultReducers: new Map([[remote.Point, remote.reducePoint as unknown as typeof points.reducePoint]]),
}, async (t, executor) => {
	const point = await within(10_000, executor.submit(remote.mirror, 1, 2));
	t.true(point instanceof points.Point);
	t.deepEqual(point.parts, [2, 1]);
	const many = await executor.map(remote.mirror, [1, 3], [2, 4], {chunksize: 2});
	t.deepEqual(many.map(each => each.parts), [[2, 1], [4, 3]]);
}));

test.serial('the arguments of the initializer are reduced, too', withExecutor({
	maxWorkers: 1, jobReducers, initializer: remote.keep, initargs: [new points.Point(5, 6)],
}, async (t, executor) => {
	t.deepEqual(await executor.submit(remote.keptParts), [5, 6]);
}));

test.serial('job and result reducers apply one after the other', withExecutor({
	maxWorkers: 1,
	jobReducers: new Map([[Date, (date: Date) => [(time: number) => new Date(time + 5), [date.getTime()]]]]),
	resultReducers: new Map([[Date, (date: Date) => [(time: number) => new Date(time * 7), [date.getTime()]]]]),
}, async (t, executor) => {
	const date = await executor.submit((date: Date) => date, new Date(1));
	t.is(date.getTime(), (1 + 5) * 7);
}));

test.serial('what goes wrong in a reducer or in its function concerns one task', async t => {
	const wrongs: ReadonlyArray<readonly [reducer: (point: points.Point) => unknown, message: RegExp]> = [
		[() => [remote.failToMake, []], /no such point/v],
		[() => [remote.noObject, []], /returned no object/v],
		[() => 7, /must return \[rebuild, args\]/v],
		[() => {
			throw new Error('not today');
		}, /not today/v],
	];
	for (const [reducer, message] of wrongs) {
		await leavingNothing(t, async () => {
			const executor = new ProcessPoolExecutor({maxWorkers: 1, jobReducers: new Map([[points.Point, reducer]]) as unknown as Reducers});
			await t.throwsAsync(async () => executor.submit(remote.isPoint, new points.Point(1, 2)), {instanceOf: SerializationError, message});
			t.false(await executor.submit(remote.isPoint, 1));
			await executor.shutdown();
		});
	}
});

const reduce = Symbol.for('loky.reduce');

/** Not exported: it travels by value, which its private field forbids to instances. */
class Amount {
	readonly #cents: number;

	constructor(cents: number) {
		this.#cents = cents;
	}

	get cents(): number {
		return this.#cents;
	}

	twice(): Amount {
		return new Amount(this.#cents * 2);
	}
}

class Saying extends Amount {
	static calls = 0;

	// Found by its symbol alone.
	[reduce](): readonly [(cents: number) => Saying, [number]] {
		Saying.calls++;
		return [cents => new Saying(cents), [this.cents]];
	}

	override twice(): Saying {
		return new Saying(this.cents * 2);
	}
}

class Inheriting extends Saying {
	readonly label = 'inheriting';
}

const rebuildAmount = (cents: number): Amount => new Amount(cents);
const amountReducers: Reducers = new Map([[Amount, (amount: Amount) => [rebuildAmount, [amount.cents]]]]);

test.serial('a closure may rebuild instances of a class that travels by value, in both directions', withExecutor({
	maxWorkers: 1, jobReducers: amountReducers, resultReducers: amountReducers,
}, async (t, executor) => {
	t.is(await executor.submit((amount: Amount) => amount.cents, new Amount(7)), 7);
	t.true(await executor.submit((amount: Amount) => amount instanceof Amount, new Amount(7)));
	const doubled = await executor.submit((amount: Amount) => amount.twice(), new Amount(7));
	t.true(doubled instanceof Amount);
	t.is(doubled.cents, 14);
	const many = await executor.map((amount: Amount) => amount.twice(), [new Amount(1), new Amount(2)], {chunksize: 2});
	t.deepEqual(many.map(({cents}) => cents), [2, 4]);
}));

test.serial('an instance says itself how it travels, as argument, as captured variable and as result', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const captured = new Saying(3);
	const sum = await executor.submit((given: Saying) => new Saying(given.cents + captured.cents).twice(), new Saying(4));
	t.true(sum instanceof Saying);
	t.is(sum.cents, 14);
	t.is(await executor.submit((given: Saying) => given.cents, new Inheriting(5)), 5);
	t.deepEqual(await executor.submit((list: readonly Saying[]) => [list[0] === list[1], list[0]!.cents], [captured, captured]), [true, 3]);
}));

test.serial('what an instance captures is read anew at each submit', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const held = {
		value: 1,
		[reduce]() {
			const {value} = held;
			return [() => ({value}), []];
		},
	};
	const read = () => held.value;
	t.is(await executor.submit(read), 1);
	held.value = 2;
	t.is(await executor.submit(read), 2);
}));

test.serial('a reducer of the executor wins over what the instance says', withExecutor({
	maxWorkers: 1,
	jobReducers: new Map([[Saying, () => [() => ({cents: 'reducer'}), []]]]),
}, async (t, executor) => {
	t.is(await executor.submit((given: {readonly cents: unknown}) => given.cents, new Saying(1)), 'reducer');
	t.is(await executor.submit((given: {readonly cents: unknown}) => given.cents, new Inheriting(1)), 1);
}));

test.serial('an accessor or a value that is no function is no method, and a class is no instance', withExecutor({maxWorkers: 1}, async (t, executor) => {
	let calls = 0;
	const accessor = Object.create({
		get [reduce]() {
			calls++;
			return () => [Object, []];
		},
	}, {a: {value: 1, enumerable: true}}) as {readonly a: number};
	t.is(await executor.submit((given: {readonly a: number}) => given.a, accessor), 1);
	t.is(await executor.submit((given: {readonly a: number}) => given.a, {a: 2, [reduce]: 7}), 2);
	const before = Saying.calls;
	t.is(await executor.submit((Given: typeof Saying) => new Given(9).cents, Saying), 9);
	t.is(calls, 0);
	t.is(Saying.calls, before);
}));

test.serial('a method that returns something else is refused as a reducer is', withExecutor({maxWorkers: 1}, async (t, executor) => {
	class Wrong {
		[reduce]() {
			return 7;
		}
	}

	await t.throwsAsync(async () => executor.submit((given: unknown) => given, new Wrong()), {instanceOf: SerializationError, message: /must return \[rebuild, args\]/v});
	const error = await t.throwsAsync(async () => executor.submit(() => new Wrong()), {instanceOf: SerializationError, message: /must return \[rebuild, args\]/v});
	t.is(error.side, 'result');
	t.is(await executor.submit(() => 1), 1);
}));

test.serial('the fields of thrown errors are reduced, too', withExecutor({maxWorkers: 1, resultReducers: amountReducers}, async (t, executor) => {
	const fail = () => {
		throw Object.assign(new RangeError('too much', {cause: {said: new Saying(1)}}), {amount: new Amount(5)});
	};

	for (const future of [executor.submit(fail), executor.map((_: number) => fail(), [1])]) {
		const error = await t.throwsAsync<RangeError & {amount: Amount; droppedFields: string[]}>(async () => future, {message: 'too much'});
		t.deepEqual(error.droppedFields, []);
		t.true(error.amount instanceof Amount);
		t.is(error.amount.cents, 5);
		t.is((error.cause as {said: Saying}).said.cents, 1);
	}
}));

test('reducers that are no Map of functions are refused at once', t => {
	const wrongType = {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'};
	// @ts-expect-error -- an object is no Map
	t.throws(() => new ProcessPoolExecutor({jobReducers: {}}), wrongType);
	// @ts-expect-error -- a number is no reducer
	t.throws(() => new ProcessPoolExecutor({resultReducers: new Map([[Date, 7]])}), wrongType);
});
