import {Buffer} from 'node:buffer';
import {isDeepStrictEqual} from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import {Packr} from 'msgpackr';
import {decode, encode} from '#dist/serialize/codec.js';
import {firstSizedCode} from '#dist/serialize/wire.js';
import {SerializationError} from '#dist/errors.js';

// The copy stands for the pipe: what encode returns is written over by the next call.
const travel = (value: unknown): unknown => decode(Buffer.from(encode(value)));

const hasOwnAsEnumerable = (value: unknown, key: string): boolean => Object.prototype.propertyIsEnumerable.call(value, key);

// Dates that are invalid equal nothing, themselves included.
const comparable = (value: unknown): unknown => value instanceof Date ? ['date', value.getTime()] : value;

const own = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": 2}, "": 3, "hasOwnProperty": 4, "toJSON": 5, "length": 6}') as unknown;

const samples: ReadonlyArray<readonly [string, unknown]> = [
	['undefined', undefined],
	['null', null],
	['undefined in an array and in an object', [undefined, {a: undefined}]],
	['-0', [-0, {a: -0}, -0]],
	['a long list with -0', [...Array.from({length: 100}).keys(), -0]],
	['NaN and the infinities', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
	['integers at the borders of every width', [31, 32, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, (2 ** 53) + 2, 2 ** 63, 2 ** 64, -1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 63)]],
	['bigints at the borders of every width', [0n, -1n, 2n ** 63n, (2n ** 63n) - 1n, -(2n ** 63n), -(2n ** 63n) - 1n, (2n ** 64n) - 1n, 2n ** 64n, -(2n ** 64n), 2n ** 127n]],
	['a bigint of 10,000 digits', [10n ** 9999n, -(10n ** 9999n)]],
	['holes', [,, 1,, 2]], // eslint-disable-line no-sparse-arrays
	// eslint-disable-next-line unicorn/no-new-array
	['an array of holes only', new Array(5)],
	['an array with properties of its own', /(?<letter>b)/v.exec('abc')],
	['lone surrogates in strings and keys', {'\uD800': '\uDFFF', 'a\uD800b': ['\uDC00\uD800', 'x'.repeat(100) + '\uD800']}],
	['leading byte order marks', ['\uFEFF', '\uFEFFabc', `\uFEFF${'long'.repeat(100)}`, {'\uFEFF': 1}]],
	['strings of every size', ['', 'a', 'x'.repeat(31), 'x'.repeat(32), 'ä'.repeat(100), '😀'.repeat(70_000)]],
	['keys that mean something to JavaScript', own],
	['keys that look like indexes', {
		2: 'b', b: 1, 1: 'a', '-1': 2, '01': 3,
	}],
	['maps and sets', new Map<unknown, unknown>([[Number.NaN, new Set([1, '1', {}])], [{a: 1}, new Map()], ['__proto__', 1]])],
	['dates', [new Date(0), new Date(-1), new Date(8.64e15), new Date(1234)]],
	['regular expressions', [/a\/b/dgimsuy, /[😀]/u, /(?:)/]], // eslint-disable-line require-unicode-regexp
	['boxed primitives', [new Object(1), new Object(-0), new Object('x'), new Object(false), new Object(2n ** 70n)]],
	['an ArrayBuffer', new Uint8Array([1, 2, 3]).buffer],
	['typed arrays', [new Int8Array([-1]), new Uint8ClampedArray([300]), new Uint16Array([1, 2]), new Float32Array([0.5]), new Float64Array([0.1, Number.NaN]), new BigInt64Array([-1n]), new BigUint64Array([(2n ** 64n) - 1n]), new Uint8Array()]],
	['a DataView', new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)],
	['70,000 keys', Object.fromEntries(Array.from({length: 70_000}, (_, index) => [`key ${index}`, index]))],
	['more shapes of objects than a payload remembers', Array.from({length: 100}, (_, index) => ({[`a${index}`]: 1, b: {[`c${index % 3}`]: index}}))],
	['long lists of primitives', [Array.from({length: 1000}, (_, index) => `item ${index}`), Array.from({length: 1000}, (_, index) => index / 3), Array.from({length: 20}, (_, index) => index % 2 === 0)]],
];

for (const [name, value] of samples) {
	test(`${name} arrives as structured clone would copy it`, t => {
		const arrived: unknown = travel(value);
		const copy: unknown = structuredClone(value);
		t.deepEqual(arrived, copy);
		t.true(isDeepStrictEqual(travel([value]), [copy]));
	});
}

test('an invalid date arrives as an invalid date', t => {
	t.deepEqual(comparable(travel(new Date(Number.NaN))), ['date', Number.NaN]);
});

test('own __proto__ keys stay own, and no prototype changes', t => {
	const arrived = travel(own) as object;
	t.is(Object.getPrototypeOf(arrived), Object.prototype);
	t.true(hasOwnAsEnumerable(arrived, '__proto__'));
	const fresh: {polluted?: unknown} = {};
	t.false('polluted' in fresh);
});

test('holes stay holes, and an almost empty array of four billion takes no time', t => {
	const sparse: unknown[] = [];
	sparse[4_000_000_000] = 'end';
	const arrived = travel(sparse) as unknown[];
	t.is(arrived.length, 4_000_000_001);
	t.deepEqual(Object.keys(arrived), ['4000000000']);
	t.false(0 in (travel([,]) as unknown[])); // eslint-disable-line no-sparse-arrays
});

test('lastIndex starts at 0', t => {
	const pattern = /a/gv;
	pattern.lastIndex = 3;
	t.is((travel(pattern) as RegExp).lastIndex, 0);
});

test('instances and objects without a prototype arrive as plain objects', t => {
	class Point {
		x = 1;
		get y(): number {
			return 2;
		}
	}
	const arrived = travel([new Point(), Object.assign(Object.create(null), {a: 1})]) as object[];
	t.deepEqual(arrived, [{x: 1}, {a: 1}]);
	t.true(arrived.every(object => Object.getPrototypeOf(object) === Object.prototype));
});

test('cycles and shared objects keep their identity', t => {
	const shared = {name: 'shared'};
	const graph: Record<string, unknown> = {
		a: shared, list: [shared, shared], map: new Map<unknown, unknown>([[shared, shared]]), set: new Set([shared]), date: new Date(0),
	};
	graph.self = graph;
	graph.sameDate = graph.date;
	(graph.map as Map<unknown, unknown>).set('root', graph);
	const error = new Error('cyclic');
	error.cause = error;
	graph.error = error;
	const arrived = travel(graph) as typeof graph;
	t.is(arrived.self, arrived);
	t.is(arrived.date, arrived.sameDate);
	t.is((arrived.list as unknown[])[1], arrived.a);
	t.is((arrived.map as Map<unknown, unknown>).get(arrived.a), arrived.a);
	t.is((arrived.map as Map<unknown, unknown>).get('root'), arrived);
	t.true((arrived.set as Set<unknown>).has(arrived.a));
	t.is((arrived.error as Error).cause, arrived.error);
});

test('many shared objects keep their identity', t => {
	const shared = Array.from({length: 100}, (_, index) => ({index}));
	const [first, second] = travel([shared, [...shared]]) as [unknown[], unknown[]];
	t.true(first.every((object, index) => object === second[index]));
});

test('two views of one ArrayBuffer arrive as two views of one', t => {
	const {buffer} = new Uint8Array(16);
	const [whole, half, itself] = travel([new Uint8Array(buffer), new Uint16Array(buffer, 8, 2), buffer]) as [Uint8Array, Uint16Array, ArrayBuffer];
	whole[8] = 7;
	t.is(half[0], 7);
	t.is(half.byteOffset, 8);
	t.is(whole.buffer, itself);
});

test('a Buffer arrives as a Buffer, without what lies beside it in memory', t => {
	const secret = Buffer.from('a secret beside it');
	const payload = Buffer.from(encode([Buffer.from('open'), Buffer.from('ness')]));
	t.false(payload.includes(secret));
	t.true(payload.length < 60);
	const [first, second] = decode(payload) as [Buffer, Buffer];
	t.true(Buffer.isBuffer(first));
	t.is(first.toString() + second.toString(), 'openness');
	t.is(first.buffer.byteLength, 4);
});

test('of a lone view of a large ArrayBuffer only the part travels', t => {
	const view = new Uint16Array(new ArrayBuffer(2 ** 20), 2, 3);
	t.true(encode(view).length < 30);
	t.deepEqual(travel(view), new Uint16Array(3));
});

test('what arrives is in memory of its own', t => {
	const batch = Buffer.from([...Buffer.alloc(5), ...encode({bytes: new Uint8Array([1, 2, 3]), text: 'x'.repeat(100)}), 9]);
	const arrived = decode(batch.subarray(5, -1)) as {bytes: Uint8Array; text: string};
	batch.fill(0);
	t.deepEqual(arrived.bytes, new Uint8Array([1, 2, 3]));
	t.is(arrived.bytes.buffer.byteLength, 3);
	t.is(arrived.text, 'x'.repeat(100));
});

const errors: readonly Error[] = [
	new Error('plain'),
	new TypeError('with cause', {cause: {a: 1}}),
	new RangeError('out'),
	Object.assign(new SyntaxError('with fields'), {code: 'ERR', at: [1, 2]}),
	new AggregateError([new URIError('inner'), 1], 'several'),
];
for (const error of errors) {
	test(`${error.name} "${error.message}" arrives as a value with its class, fields and stack`, t => {
		const arrived = travel(error) as Error;
		t.is(Object.getPrototypeOf(arrived), Object.getPrototypeOf(error));
		t.deepEqual(arrived, error);
		t.is(arrived.stack, error.stack);
		t.false(hasOwnAsEnumerable(arrived, 'message'));
	});
}

test('each getter is called once', t => {
	let calls = 0;
	const counting = {
		get value(): number {
			return ++calls;
		},
	};
	const list: unknown[] = Array.from({length: 50}, () => 0);
	Object.defineProperty(list, 3, {get: () => ++calls, enumerable: true});
	t.deepEqual(travel([counting, list[0]]), [{value: 1}, 0]);
	t.is((travel(list) as unknown[])[3], 2);
});

const deepArray = (levels: number): unknown => {
	let value: unknown[] = [];
	for (let level = 1; level < levels; level++) {
		value = [value];
	}

	return value;
};

const wrappers: ReadonlyArray<readonly [string, (inner: unknown) => unknown, (outer: unknown) => unknown]> = [
	['objects', inner => ({inner}), outer => (outer as {inner: unknown}).inner],
	['maps', inner => new Map([['inner', inner]]), outer => (outer as Map<string, unknown>).get('inner')],
	['sets', inner => new Set([inner]), outer => [...(outer as Set<unknown>)][0]],
	['errors', inner => new Error('outer', {cause: inner}), outer => (outer as Error).cause],
	['arrays with names', inner => Object.assign([1], {inner}), outer => (outer as {inner?: unknown}).inner],
];
for (const [name, wrap, unwrap] of wrappers) {
	test(`10,000 levels of ${name} arrive`, t => {
		let value: unknown = 'core';
		for (let level = 0; level < 10_000; level++) {
			value = wrap(value);
		}

		let arrived = travel(value);
		for (let level = 0; level < 10_000; level++) {
			arrived = unwrap(arrived);
		}

		t.is(arrived, 'core');
	});
}

test('100,000 levels arrive, one more is refused by name', t => {
	t.notThrows(() => travel(deepArray(100_000)));
	const error = t.throws(() => encode(deepArray(100_001)), {instanceOf: SerializationError, code: 'ERR_TOO_DEEP'});
	t.is(error?.path.length, 100_000);
	t.true((error?.message.length ?? 0) < 500);
	t.throws(() => encode([[[]]], 'submit', [], {maxDepth: 2}), {code: 'ERR_TOO_DEEP'});
});

function * generate(): Generator<number> {
	yield 1;
}

class Later extends Promise<number> {
	since = 0;
}

const refused: ReadonlyArray<readonly [string, unknown]> = [
	['a function', () => 1],
	['a symbol', Symbol('x')],
	['a symbol', new Object(Symbol('x'))],
	['a Promise', Promise.resolve()],
	['a Promise', new Later(resolve => {
		resolve(1);
	})],
	['a WeakMap', new WeakMap()],
	['a WeakRef', new WeakRef({})],
	['a SharedArrayBuffer', new SharedArrayBuffer(1)],
	['a view of a SharedArrayBuffer', new Uint8Array(new SharedArrayBuffer(1))],
	['a Proxy', new Proxy(Promise.resolve(), {})],
	['a Proxy', new Proxy(new Map(), {})],
	['a generator', generate()],
	['an AbortController', new AbortController()],
];
for (const [index, [kind, value]] of refused.entries()) {
	test(`${kind} is refused with its path and a way out (${index})`, t => {
		const error = t.throws(() => encode([0, {conn: {pool: [1, value]}}], 'result', ['args']), {instanceOf: SerializationError, code: 'ERR_SERIALIZATION'});
		t.deepEqual(error?.path, ['args', 1, 'conn', 'pool', 1]);
		t.is(error?.side, 'result');
		t.regex(error?.message ?? '', new RegExp(String.raw`^args\[1\]\.conn\.pool\[1\] is ${kind}, which .+\. [A-Z].+\.$`, 'v'));
	});
}

test('the path also leads through maps, sets, errors and deep values', t => {
	const path = (value: unknown): unknown => t.throws(() => encode(value), {instanceOf: SerializationError})?.path;
	const refusedValue = (): number => 1;

	t.deepEqual(path(new Map([['key', refusedValue]])), ['key']);
	t.deepEqual(path(new Set([1, refusedValue])), [1]);
	t.deepEqual(path(Object.assign(new Error('x'), {socket: refusedValue})), ['socket']);
	let deep: unknown = refusedValue;
	for (let level = 0; level < 1000; level++) {
		deep = {deep};
	}

	t.deepEqual(path(deep), Array.from({length: 1000}, () => 'deep'));
});

test('a getter that throws is reported with its path and as the cause', t => {
	const cause = new RangeError('from the getter');
	const error = t.throws(() => encode({
		a: {
			get b() {
				throw cause;
			},
		},
	}), {instanceOf: SerializationError});
	t.deepEqual(error?.path, ['a', 'b']);
	t.is(error?.cause, cause);
});

test('a getter may itself encode', t => {
	const value = {
		get inner(): unknown {
			return travel({nested: [1]});
		},
		after: 'it',
	};
	t.deepEqual(travel(value), {inner: {nested: [1]}, after: 'it'});
});

test('a refusal leaves nothing behind for the next value', t => {
	for (let round = 0; round < 1000; round++) {
		t.throws(() => encode({a: [1, () => 1]}), {instanceOf: SerializationError});
	}

	t.deepEqual(travel({a: 1}), {a: 1});
});

const raw = new Packr({useRecords: false, moreTypes: true, structuredClone: true});
const rawRecords = new Packr({});
const cyclic: unknown[] = [];
cyclic.push(cyclic);

const hostile: ReadonlyArray<readonly [string, Uint8Array]> = [
	['nothing', Uint8Array.of()],
	['a list that claims four billion items', Uint8Array.of(0xDD, 0xFF, 0xFF, 0xFF, 0xFF)],
	['a map that claims four billion entries', Uint8Array.of(0xDF, 0xFF, 0xFF, 0xFF, 0xFF)],
	['bytes that claim four billion', Uint8Array.of(0x92, 0xC6, 0xFF, 0xFF, 0xFF, 0xFF)],
	['a million nested lists', new Uint8Array(1_000_000).fill(0x91)],
	['72 kB of nested lists that claim more than there is', new Uint8Array(72_000).fill(0x9F)],
	['an extension nobody knows', Uint8Array.of(0x92, 0, 0xD4, 0x7E, 0)],
	['surplus bytes', Uint8Array.from([...encode([1]), 0])],
	['a plain msgpack value', raw.pack({a: 1})],
	['a record', rawRecords.pack([0, {a: 1}])],
	['a cycle of msgpackr', raw.pack([0, cyclic])],
	['a date of msgpackr', raw.pack([0, new Date(0)])],
	['an array of four billion items, said in six tokens', raw.pack([0, null, firstSizedCode + (2 * 4_294_967_295)])],
	['an array of too many items', raw.pack([0, null, firstSizedCode + (2 * 4_294_967_296)])],
	['a hole of negative length', raw.pack([0, null, firstSizedCode + 2, null, 3, -1])],
	['an unknown shape', raw.pack([0, null, firstSizedCode + 1])],
	['a reference without a header', raw.pack([0, null, 1, 0])],
	['a reference to nothing', raw.pack([1, null, 1, 0])],
	['a view beyond its buffer', raw.pack([[0, Buffer.from('abc')], null, 14, 1, 0, 1, 1000])],
	['a view that starts before its buffer', raw.pack([[0, Buffer.from('abc')], null, 14, 1, 0, -1, 1])],
	['an expression that does not compile', raw.pack([0, null, 9, '(', ''])],
	['a bigint of no digits', raw.pack([0, null, 15, 'xyz'])],
	['a boxed undefined container', raw.pack([0, null, 12, null])],
	['an announced container that turns out another', raw.pack([0, null, 18, 0, null, 6, 0])],
	['an announced container that never comes', raw.pack([0, null, 18, 0])],
	['an error class nobody knows', raw.pack([0, null, 10, 'Function', 0])],
	['containers nested without end', raw.pack([0, ...Array.from({length: 5000}, () => [null, firstSizedCode + 2]).flat()])],
];
for (const [name, bytes] of hostile) {
	test(`${name}: refused with a SerializationError, in little memory`, t => {
		const before = process.memoryUsage().rss;
		const error = t.throws(() => decode(bytes, 'worker'), {instanceOf: SerializationError});
		t.is(error?.side, 'worker');
		t.true(process.memoryUsage().rss - before < 200e6);
	});
}

test('a few bytes cannot fill memory with holes', t => {
	const before = process.memoryUsage().rss;
	const tokens = Array.from({length: 200}, () => [null, firstSizedCode + (2 * 30_000_000), null, 3, 30_000_000]).flat();
	t.is((decode(raw.pack([0, null, firstSizedCode + (2 * 200), ...tokens])) as unknown[]).length, 200);
	t.true(process.memoryUsage().rss - before < 200e6);
});

test('every beginning of a payload is refused', t => {
	const payload = Buffer.from(encode({a: [1, 'text', new Date(0), new Uint8Array(10)], b: new Map([[1, -0]]), big: 2n ** 80n}));
	for (let length = 0; length < payload.length; length++) {
		t.throws(() => decode(payload.subarray(0, length)), {instanceOf: SerializationError});
	}
});

const isRefusal = (decodeIt: () => unknown): boolean => {
	try {
		decodeIt();
		return true;
	} catch (error) {
		return error instanceof SerializationError;
	}
};

test('random bytes never cause anything but a SerializationError', t => {
	t.notThrows(() => {
		fc.assert(fc.property(fc.uint8Array({maxLength: 300}), bytes => isRefusal(() => decode(bytes))), {numRuns: 5000});
	});
});

test('random tokens never cause anything but a SerializationError', t => {
	const token = fc.oneof({weight: 3, arbitrary: fc.constant(null)}, {weight: 5, arbitrary: fc.integer({min: -1, max: 45})}, fc.string(), fc.boolean(), fc.double(), fc.constant(undefined), fc.uint8Array(), fc.array(fc.integer()), fc.constantFrom('Error', 'TypeError', 'AggregateError', '__proto__'));
	const header = fc.oneof(fc.integer({min: 0, max: 1}), fc.array(fc.uint8Array(), {minLength: 1}).map(buffers => [1, ...buffers]));
	t.notThrows(() => {
		fc.assert(fc.property(header, fc.array(token, {maxLength: 40}), (first, tokens) => isRefusal(() => decode(raw.pack([first, ...tokens])))), {numRuns: 10_000});
	});
	t.is(Object.keys(Object.prototype).length, 0);
});

test('payloads with a changed byte never cause anything but a SerializationError', t => {
	const anything = fc.anything({
		withMap: true, withSet: true, withDate: true, withTypedArray: true, withBigInt: true,
	});
	t.notThrows(() => {
		fc.assert(fc.property(anything, fc.nat(), fc.nat({max: 255}), (value, position, byte) => {
			const payload = Buffer.from(encode(value));
			payload[position % payload.length] = byte;
			return isRefusal(() => decode(payload));
		}), {numRuns: 5000});
	});
});

test('anything arrives as structured clone would copy it', t => {
	const anything = fc.anything({
		// Node 20 finds two invalid dates unequal, so dates are valid here.
		values: [fc.date({noInvalidDate: true}), fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constantFrom(null, undefined)],
		withBigInt: true, withBoxedValues: true, withMap: true, withSet: true, withNullPrototype: true, withObjectString: true, withSparseArray: true, withTypedArray: true, maxDepth: 4,
	});
	t.notThrows(() => {
		fc.assert(fc.property(anything, value => isDeepStrictEqual(travel([value, value]), structuredClone([value, value]))), {numRuns: 3000});
	});
});

test('any string arrives, also as a key', t => {
	const units = fc.array(fc.integer({min: 0, max: 65_535}), {maxLength: 100}).map(codes => Buffer.from(Uint16Array.from(codes).buffer).toString('utf16le'));
	t.notThrows(() => {
		fc.assert(fc.property(units, text => isDeepStrictEqual(travel({[text]: text}), {[text]: text})), {numRuns: 3000});
	});
});
