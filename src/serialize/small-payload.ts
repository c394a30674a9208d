/**
 * Payloads of a few primitives, written and read in place, without the walk: most arguments and results of small tasks are such. The bytes
 * are those of the walk, so the other end may read them either way.
 */
import {Buffer} from 'node:buffer';
import {firstSizedCode, operation} from './wire.js';

const {latin1Slice} = Buffer.prototype as unknown as {latin1Slice(this: Uint8Array, start: number, end: number): string};

/** Bytes that any small payload fits in. */
export const maxSmallPayload = 2048;

/** Says that a value has to be written, or a payload read, by the walk. */
export const notSmall = Symbol('not small');

// Msgpack's first bytes.
const fixarray = 0x90;
const fixstr = 0xA0;
const nil = 0xC0;
const falseByte = 0xC2;
const trueByte = 0xC3;
const float64 = 0xCB;
const uint8 = 0xCC;
const uint16 = 0xCD;
const uint32 = 0xCE;
const int8 = 0xD0;
const int16 = 0xD1;
const int32 = 0xD2;
/** Followed by two zeros, msgpackr's `undefined`. */
const fixext1 = 0xD4;
const str8 = 0xD9;

/** An array of msgpack that needs no length beyond its first byte holds fewer tokens. The walk packs no list of so few items. */
const manyTokens = 16;
const manyItems = 8;

const longestFixstr = 0x1F;
const longestText = 0xFF;

const floatBytes = new Uint8Array(8);
const float = new DataView(floatBytes.buffer);

/** Ends where there is room for `maxSmallPayload`, and writes from `at`. Returns the end, or -1 for what the walk must write. */
export function writeSmallValue(value: unknown, into: Uint8Array, at: number): number {
	const end = writeToken(value, into, at + 2);
	if (end === -1) {
		return -1;
	}

	into[at] = fixarray + 1 + tokensOf(value);
	into[at + 1] = 0;
	return end;
}

/** As `writeSmallValue`, of a list of arguments. */
export function writeSmallArguments(args: readonly unknown[], into: Uint8Array, at: number): number {
	const {length} = args;
	if (length >= manyItems) {
		return -1;
	}

	let end = at + 4;
	let tokens = 3;
	for (let index = 0; index < length; index++) {
		const value = args[index];
		end = writeToken(value, into, end);
		if (end === -1) {
			return -1;
		}

		tokens += tokensOf(value);
	}

	if (tokens >= manyTokens) {
		return -1;
	}

	into[at] = fixarray + tokens;
	into[at + 1] = 0;
	into[at + 2] = nil;
	into[at + 3] = firstSizedCode + (2 * length);
	return end;
}

const tokensOf = (value: unknown): number => value === null || Object.is(value, -0) ? 2 : 1;

function writeToken(value: unknown, into: Uint8Array, at: number): number {
	switch (typeof value) {
		case 'number': {
			return writeNumber(value, into, at);
		}

		case 'string': {
			return writeAscii(value, into, at);
		}

		case 'boolean': {
			into[at] = value ? trueByte : falseByte;
			return at + 1;
		}

		case 'undefined': {
			into[at] = fixext1;
			into[at + 1] = 0;
			into[at + 2] = 0;
			return at + 3;
		}

		default: {
			if (value !== null) {
				return -1;
			}

			into[at] = nil;
			into[at + 1] = operation.null;
			return at + 2;
		}
	}
}

/* eslint-disable no-bitwise -- bytes of numbers */
function writeNumber(value: number, into: Uint8Array, at: number): number {
	if (value >>> 0 === value) {
		return Object.is(value, -0) ? writeNegativeZero(into, at) : writeUnsigned(value, into, at);
	}

	if (value < 0 && value >= -0x80_00_00_00 && Number.isInteger(value)) {
		return writeNegative(value, into, at);
	}

	float.setFloat64(0, value);
	into[at] = float64;
	for (let index = 0; index < 8; index++) {
		into[at + 1 + index] = floatBytes[index]!;
	}

	return at + 9;
}

function writeNegativeZero(into: Uint8Array, at: number): number {
	into[at] = nil;
	into[at + 1] = operation.negativeZero;
	return at + 2;
}

function writeUnsigned(value: number, into: Uint8Array, at: number): number {
	if (value < 0x80) {
		into[at] = value;
		return at + 1;
	}

	if (value < 0x1_00) {
		into[at] = uint8;
		into[at + 1] = value;
		return at + 2;
	}

	if (value < 0x1_00_00) {
		into[at] = uint16;
		into[at + 1] = value >> 8;
		into[at + 2] = value;
		return at + 3;
	}

	into[at] = uint32;
	return writeFourBytes(value, into, at + 1);
}

function writeNegative(value: number, into: Uint8Array, at: number): number {
	if (value >= -0x20) {
		into[at] = value;
		return at + 1;
	}

	if (value >= -0x80) {
		into[at] = int8;
		into[at + 1] = value;
		return at + 2;
	}

	if (value >= -0x80_00) {
		into[at] = int16;
		into[at + 1] = value >> 8;
		into[at + 2] = value;
		return at + 3;
	}

	into[at] = int32;
	return writeFourBytes(value, into, at + 1);
}

function writeFourBytes(value: number, into: Uint8Array, at: number): number {
	into[at] = value >> 24;
	into[at + 1] = value >> 16;
	into[at + 2] = value >> 8;
	into[at + 3] = value;
	return at + 4;
}

function writeAscii(text: string, into: Uint8Array, at: number): number {
	const {length} = text;
	let end = at;
	if (length <= longestFixstr) {
		into[end++] = fixstr + length;
	} else if (length <= longestText) {
		into[end++] = str8;
		into[end++] = length;
	} else {
		return -1;
	}

	for (let index = 0; index < length; index++) {
		const code = text.charCodeAt(index); // eslint-disable-line unicorn/prefer-code-point -- ASCII or nothing
		if (code >= 0x80) {
			return -1;
		}

		into[end++] = code;
	}

	return end;
}

/** Where the reading is. One for all: nothing here waits or calls out. */
let position = 0;

/** The value of a small payload, or `notSmall`. */
export function readSmallValue(bytes: Uint8Array, start: number, length: number): unknown {
	const end = start + length;
	const tokens = bytes[start]! - fixarray - 1;
	if (length > maxSmallPayload || tokens < 1 || tokens > 2 || bytes[start + 1] !== 0) {
		return notSmall;
	}

	position = start + 2;
	const value = readToken(bytes, end);
	return position === end && tokensOf(value) === tokens ? value : notSmall;
}

/** The list of a small payload, or null. */
export function readSmallArguments(bytes: Uint8Array, start: number, length: number): unknown[] | null {
	const end = start + length;
	const tokens = bytes[start]! - fixarray;
	const items = (bytes[start + 3]! - firstSizedCode) / 2;
	const isList = length >= 4 && length <= maxSmallPayload && tokens >= 3 && tokens < manyTokens
		&& bytes[start + 1] === 0 && bytes[start + 2] === nil && items >= 0 && items < manyItems && Number.isInteger(items);
	if (!isList) {
		return null;
	}

	position = start + 4;
	let read = 3;
	const list: unknown[] = [];
	for (let index = 0; index < items; index++) {
		const value = readToken(bytes, end);
		if (value === notSmall) {
			return null;
		}

		read += tokensOf(value);
		list.push(value);
	}

	return position === end && read === tokens ? list : null;
}

/** Never goes on beyond `end`, but to give `notSmall`. */
function readToken(bytes: Uint8Array, end: number): unknown {
	const first = bytes[position++]!;
	if (first < 0x80) {
		return first;
	}

	if (first >= 0xE0) {
		return first - 0x1_00;
	}

	if (first >= fixstr && first <= fixstr + longestFixstr) {
		return readAscii(bytes, first - fixstr, end);
	}

	if ((first >= uint8 && first <= uint32) || (first >= int8 && first <= int32)) {
		return readInteger(first, bytes);
	}

	switch (first) {
		case nil: {
			const code = bytes[position++];
			return code === operation.null ? null : (code === operation.negativeZero ? -0 : notSmall);
		}

		case falseByte:
		case trueByte: {
			return first === trueByte;
		}

		case float64: {
			return readFloat(bytes);
		}

		case fixext1: {
			position += 2;
			return bytes[position - 2] === 0 && bytes[position - 1] === 0 ? undefined : notSmall;
		}

		case str8: {
			return readAscii(bytes, bytes[position++]!, end);
		}

		default: {
			return notSmall;
		}
	}
}

function readInteger(kind: number, bytes: Uint8Array): number {
	switch (kind) {
		case uint8: {
			return bytes[position++]!;
		}

		case uint16: {
			position += 2;
			return (bytes[position - 2]! << 8) | bytes[position - 1]!;
		}

		case uint32: {
			return readFourBytes(bytes) >>> 0;
		}

		case int8: {
			return (bytes[position++]! << 24) >> 24;
		}

		case int16: {
			position += 2;
			return ((bytes[position - 2]! << 24) >> 16) | bytes[position - 1]!;
		}

		default: {
			return readFourBytes(bytes);
		}
	}
}

function readFourBytes(bytes: Uint8Array): number {
	position += 4;
	return (bytes[position - 4]! << 24) | (bytes[position - 3]! << 16) | (bytes[position - 2]! << 8) | bytes[position - 1]!;
}
/* eslint-enable no-bitwise */

function readFloat(bytes: Uint8Array): number {
	for (let index = 0; index < 8; index++) {
		floatBytes[index] = bytes[position + index]!;
	}

	position += 8;
	return float.getFloat64(0);
}

function readAscii(bytes: Uint8Array, length: number, end: number): string | typeof notSmall {
	if (position + length > end) {
		return notSmall;
	}

	const start = position;
	position += length;
	for (let index = start; index < position; index++) {
		if (bytes[index]! >= 0x80) {
			return notSmall;
		}
	}

	return latin1Slice.call(bytes, start, position);
}
