/** Values to payload bytes and back: everything that structured clone carries, in the same meaning. */
import {SerializationError, type PathStep, type SerializationSide} from '../errors.js';
import {GraphReader} from './graph-reader.js';
import {GraphWriter} from './graph-writer.js';
import {pack, unpack} from './msgpack.js';
import {pathText} from './refusal.js';
import {defaultMaxDepth} from './wire.js';

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

/**
The bytes of `value`. They lie in memory that the next call may write over: copy them, or hand them on at once.

@param side where this happens, for the error
@param root the steps that lead to `value`, for the error: `['args']`
@param maxDepth levels that may travel
@throws SerializationError naming the path of what cannot travel; `ERR_TOO_DEEP` beyond `maxDepth`
*/
export function encode(value: unknown, side: SerializationSide = 'submit', root: readonly PathStep[] = [], maxDepth = defaultMaxDepth): Uint8Array {
	const writer = new GraphWriter(side, root, maxDepth);
	try {
		return pack(writer.writeRoot(value));
	} catch (error) {
		if (error instanceof SerializationError) {
			throw error;
		}

		const path = writer.path();
		throw new SerializationError(`${pathText(path)} cannot be read: ${messageOf(error)}. A getter or a proxy that throws may be the reason; pass plain data.`, {side, path, cause: error});
	}
}

/**
The value in `bytes`, in memory of its own. Bytes that `encode` did not write do no harm: they allocate no more than
some multiple of their own length, and run nothing.

@param side where this happens, for the error
@throws SerializationError and nothing else
*/
export function decode(bytes: Uint8Array, side: SerializationSide = 'parent'): unknown {
	try {
		return new GraphReader(unpack(bytes)).readRoot();
	} catch (error) {
		throw new SerializationError(`The payload is damaged, or not one of this version of loky: ${messageOf(error)}.`, {side, cause: error});
	}
}
