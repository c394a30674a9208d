/** Values to payload bytes and back. */
import {Packr} from 'msgpackr/pack';
import {SerializationError, type PathStep, type SerializationSide} from '../errors.js';

const packr = new Packr({structuredClone: true, useRecords: false, mapsAsObjects: false, variableMapSize: true});

/**
The bytes of `value`. They may lie in memory that the next call writes over: copy them, or hand them on at once.

@throws SerializationError naming the path of what cannot travel
*/
export function encode(value: unknown, side: SerializationSide = 'submit', root: readonly PathStep[] = []): Uint8Array {
	try {
		return packr.pack(value);
	} catch (error) {
		throw new SerializationError('The value cannot be serialized.', {side, path: root, cause: error});
	}
}

/**
The value in `bytes`, in memory of its own.

@throws SerializationError
*/
export function decode(bytes: Uint8Array, side: SerializationSide = 'parent'): unknown {
	try {
		const value: unknown = packr.unpack(Uint8Array.from(bytes));
		return value;
	} catch (error) {
		throw new SerializationError('The bytes are no payload of this version.', {side, cause: error});
	}
}
