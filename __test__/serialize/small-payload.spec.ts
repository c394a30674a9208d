import {Buffer} from 'node:buffer';
import {isDeepStrictEqual} from 'node:util';
import test from 'ava';
import * as fc from 'fast-check';
import {decode, encode, encodeParts} from '#dist/serialize/codec.js';
import {
	maxSmallPayload, notSmall, readSmallArguments, readSmallValue, writeSmallArguments, writeSmallValue,
} from '#dist/serialize/small-payload.js';

const primitive = fc.oneof(
	fc.integer(),
	fc.maxSafeInteger(),
	fc.double(),
	fc.boolean(),
	fc.constantFrom(null, undefined, 0, -0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, (2 ** 32) - 1, 2 ** 32, Number.NaN, Infinity),
	fc.constantFrom(-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1),
	fc.string({maxLength: 300}),
	fc.string({unit: 'binary', maxLength: 20}),
);
const anything = fc.oneof(primitive, fc.anything({withBigInt: true, withDate: true, withMap: true}));
const list = fc.array(primitive, {maxLength: 12});

const walked = (args: readonly unknown[]): Uint8Array => encodeParts([[args, ['args'], true]], 'submit', {}).bytes;

/** Bytes written in the middle of others, which must stay as they are. */
function written(write: (into: Uint8Array, at: number) => number): Uint8Array | null {
	const into = new Uint8Array(maxSmallPayload + 20).fill(0xEE);
	const end = write(into, 10);
	if (end === -1) {
		return null;
	}

	if (end > maxSmallPayload + 10 || into.subarray(0, 10).some(byte => byte !== 0xEE) || into.subarray(end).some(byte => byte !== 0xEE)) {
		throw new Error('It has written beyond its payload.');
	}

	return into.slice(10, end);
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

test('a small value is written as the walk writes it, and read as the walk reads it', t => {
	t.notThrows(() => {
		fc.assert(fc.property(primitive, value => {
			const bytes = written((into, at) => writeSmallValue(value, into, at));
			return bytes === null || (isSame(bytes, encode(value)) && Object.is(readSmallValue(bytes, 0, bytes.length), value));
		}), {numRuns: 3000});
	});
});

test('a small list of arguments is written as the walk writes it, and read as the walk reads it', t => {
	t.notThrows(() => {
		fc.assert(fc.property(list, args => {
			const bytes = written((into, at) => writeSmallArguments(args, into, at));
			return bytes === null || (isSame(bytes, walked(args)) && isDeepStrictEqual(readSmallArguments(bytes, 0, bytes.length), args));
		}), {numRuns: 3000});
	});
});

test('numbers, short ASCII texts, booleans, null and undefined are small', t => {
	for (const [index, value] of [0, -0, 1.5, -7, 1e300, 'text', '', 'x'.repeat(255), true, false, null, undefined].entries()) {
		t.not(written((into, at) => writeSmallValue(value, into, at)), null, `value ${index}`);
	}
});

test('other values are left to the walk', t => {
	for (const [index, value] of [{}, [], 1n, Symbol('s'), () => 1, 'é', 'x'.repeat(256), '\uD800'].entries()) {
		t.is(written((into, at) => writeSmallValue(value, into, at)), null, `value ${index}`);
		t.is(written((into, at) => writeSmallArguments([1, value], into, at)), null, `value ${index}`);
	}

	t.is(written((into, at) => writeSmallArguments([1, 2, 3, 4, 5, 6, 7, 8], into, at)), null);
	t.is(written((into, at) => writeSmallArguments([null, null, null, null, null, null, null], into, at)), null);
});

test('what the walk has written is read as it reads it, or left to it', t => {
	t.notThrows(() => {
		fc.assert(fc.property(anything, value => {
			const bytes = new Uint8Array(encode(value));
			const small = readSmallValue(bytes, 0, bytes.length);
			return small === notSmall || Object.is(small, value);
		}), {numRuns: 2000});
	});
});

test('bytes that nobody has written are read as the walk reads them, or left to it', t => {
	const start = fc.constantFrom([0x92, 0], [0x93, 0], [0x93, 0, 0xC0], [0x94, 0, 0xC0, 0x32], [0x95, 0, 0xC0, 0x34]);
	const bytes = fc.tuple(start, fc.uint8Array({maxLength: 40})).map(([head, rest]) => Uint8Array.from([...head, ...rest]));
	t.notThrows(() => {
		fc.assert(fc.property(bytes, payload => {
			// As it stands in a batch: neighbours follow.
			const batch = new Uint8Array(payload.length + 20);
			batch.set(payload, 3);
			const value = readSmallValue(batch, 3, payload.length);
			const args = readSmallArguments(batch, 3, payload.length);
			return (value === notSmall || Object.is(value, decode(payload))) && (args === null || isDeepStrictEqual(args, decode(payload)));
		}), {numRuns: 20_000});
	});
});
