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

test('reducers that are no Map of functions are refused at once', t => {
	const wrongType = {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'};
	// @ts-expect-error -- an object is no Map
	t.throws(() => new ProcessPoolExecutor({jobReducers: {}}), wrongType);
	// @ts-expect-error -- a number is no reducer
	t.throws(() => new ProcessPoolExecutor({resultReducers: new Map([[Date, 7]])}), wrongType);
});
