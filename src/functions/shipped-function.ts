/**
 * What travels in a `Function` frame: how a function is applied, the texts that it and its like are made of, and the function itself
 * unless every task brings its own.
 */
import {decode, encode} from '../serialize/codec.js';
import type {Code} from './code.js';

/** `call`: the payload of a task is its arguments. `each`: a list of arguments, one call each, as `map` makes them. */
export type Application = 'call' | 'each';

/** A function as it travels. */
export interface ShippedFunction {
	readonly application: Application;
	readonly codes: readonly Code[];
	/**
	 * The function as a payload, which is read anew for every call. Null where the payload of each task holds the function and then the
	 * arguments, because the variables around it may differ from task to task.
	 */
	readonly template: Uint8Array | null;
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
