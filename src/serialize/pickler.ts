/**
 * Picklers: what makes bytes of arguments and results, where the program has chosen another one than our own codec.
 */
import {Buffer} from 'node:buffer';
import {createRequire} from 'node:module';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {types} from 'node:util';
import v8 from 'node:v8';
import {SerializationError, type PathStep, type SerializationSide} from '../errors.js';
import {messageOf, referenceError} from '../functions/reference-error.js';
import {putBackWrapped, takeOutWrapped} from './bare-values.js';
import {pathText} from './refusal.js';

/** Makes bytes of values, and values of bytes. */
export interface Pickler {
	/** A word, or the URL of a module. */
	readonly name: string;
	encode(value: unknown): Uint8Array;
	decode(bytes: Uint8Array): unknown;
}

/** What our own codec carries in place of the value. */
type Pickled = readonly [pickled: Uint8Array, wrapped: readonly unknown[]];

const {deserialize, serialize} = v8;
const structuredClone: Pickler = {name: 'v8', encode: value => serialize(value), decode: bytes => deserialize(bytes) as unknown};

/**
 * @param name `'v8'` or the URL of a file
 * @throws {SerializationError} `ERR_REFERENCE_MISSING`, `ERR_REFERENCE_IMPORT`
 */
export function loadPickler(name: string, side: SerializationSide): Pickler {
	if (name === 'v8') {
		return structuredClone;
	}

	const exports = load(name, side);
	const missing = ['encode', 'decode'].filter(key => typeof exports[key] !== 'function');
	if (missing.length > 0) {
		throw referenceError('ERR_REFERENCE_MISSING', `The pickler ${name} exports no function ${missing.join(' and no function ')}. Export encode(value), which returns a Uint8Array, and decode(bytes), which returns the value.`, {side, name: missing[0]!, url: name});
	}

	const {encode, decode} = exports as unknown as Pickler;
	return {name, encode, decode};
}

function load(url: string, side: SerializationSide): Readonly<Record<string, unknown>> {
	const {emitWarning} = process;
	// To require a module is what Node 20 warns of, and nothing that the user could change.
	process.emitWarning = () => undefined;
	try {
		const exports = createRequire(import.meta.url)(fileURLToPath(url)) as Readonly<Record<string, unknown>> | null;
		return exports ?? {};
	} catch (error) {
		const {code} = error as {readonly code?: unknown};
		const advice = code === 'ERR_REQUIRE_ASYNC_MODULE' ? ' It is loaded at once, so it must not await at its top level.' : '';
		throw referenceError(code === 'MODULE_NOT_FOUND' ? 'ERR_REFERENCE_MISSING' : 'ERR_REFERENCE_IMPORT', `The pickler ${url} could not be loaded: ${messageOf(error)}.${advice}`, {side, url, cause: error});
	} finally {
		process.emitWarning = emitWarning;
	}
}

/**
 * What our own codec carries in place of a value.
 *
 * @throws {SerializationError}
 */
export function carried(value: unknown, pickler: Pickler, side: SerializationSide, root: readonly PathStep[]): readonly unknown[] {
	let pickled: unknown;
	let wrapped: readonly unknown[];
	try {
		const parts = takeOutWrapped(value);
		wrapped = parts.wrapped;
		pickled = pickler.encode(parts.bare);
	} catch (error) {
		throw failure(`${pathText(root)} cannot be encoded by the pickler ${pickler.name}: ${messageOf(error)}. Pass plain data, or wrap what it refuses by wrapNonPicklableObjects.`, side, root, error);
	}

	if (!types.isUint8Array(pickled)) {
		throw failure(`The function encode of the pickler ${pickler.name} returned no Uint8Array. Return the bytes themselves, not a promise of them.`, side, root, null);
	}

	// Copied: a pickler may use its memory again.
	return [pickler === structuredClone ? pickled : Buffer.from(pickled), wrapped] satisfies Pickled;
}

/**
 * The value, from what `carried` gave at the other end.
 *
 * @throws {SerializationError}
 */
export function received(value: unknown, pickler: Pickler, side: SerializationSide): unknown {
	try {
		const [pickled, wrapped] = value as Pickled;
		return putBackWrapped(pickler.decode(Buffer.from(pickled.buffer, pickled.byteOffset, pickled.byteLength)), wrapped);
	} catch (error) {
		throw failure(`The pickler ${pickler.name} cannot decode what it has encoded: ${messageOf(error)}.`, side, [], error);
	}
}

const failure = (message: string, side: SerializationSide, path: readonly PathStep[], cause: unknown): SerializationError =>
	new SerializationError(message, {side, path, cause});
