/** One flat array of tokens to bytes and back, by msgpackr. */
import {Buffer} from 'node:buffer';
import {createRequire} from 'node:module';
import type * as Msgpackr from 'msgpackr';

// This build of the library generates no code, asks for no native addon, and is a copy of its own: what others set in
// theirs (extensions, buffers) does not reach it. It has no types of its own.
const {Packr} = createRequire(import.meta.url)('msgpackr/index-no-eval') as typeof Msgpackr;

const resetBuffer = 1024;

/** Beyond this the memory is given back after a message. */
const keptBytes = 2 ** 20;
const smallBuffer = 8192;

const packr = new Packr({
	useRecords: false,
	mapsAsObjects: false,
	useToJSON: false,
	// References among hostile tokens could blow up what is printed of them.
	structuredClone: false,
});

/** @returns the bytes, in memory that the next call writes over. */
export function pack(tokens: readonly unknown[]): Uint8Array {
	const bytes = packr.pack(tokens, resetBuffer);
	if (bytes.length > keptBytes) {
		packr.useBuffer(Buffer.allocUnsafeSlow(smallBuffer));
	}

	return bytes;
}

let unpacked: unknown;
let unpackedEnd = 0;
const keep = (value: unknown, _start?: number, end?: number): boolean => {
	unpacked = value;
	unpackedEnd = end!;
	return false;
};

/** @throws Error for bytes that are no msgpack, or go on after it */
export function unpack(bytes: Uint8Array): unknown {
	// `unpack` would print whatever precedes surplus bytes into its message, however large.
	packr.unpackMultiple(bytes, keep);
	const value = unpacked;
	unpacked = undefined;
	if (unpackedEnd !== bytes.length) {
		throw new Error('the payload goes on after its end');
	}

	return value;
}
