/**
 * What travels in a `Function` frame: which function, and how it is applied.
 */
import {decode, encode} from '../serialize/codec.js';
import type {FunctionReference} from './function-reference.js';

/** `call`: the payload of a task is its arguments. `each`: a list of arguments, one call each, as `map` makes them. */
export type Application = 'call' | 'each';

/** A function as it travels. */
export interface ShippedFunction {
	readonly reference: FunctionReference;
	readonly application: Application;
}

/** Called in the parent. */
export function encodeFunction(shipped: ShippedFunction): Uint8Array {
	return encode(shipped, 'submit');
}

/** Called in the worker. */
export function decodeFunction(bytes: Uint8Array): ShippedFunction {
	return decode(bytes, 'worker') as ShippedFunction;
}

/** What became of one item of an `each` application; errors are encoded a second time, as a thrown one would be. */
export type ShippedItem = {readonly ok: true; readonly value: unknown} | {readonly ok: false; readonly error: Uint8Array};
