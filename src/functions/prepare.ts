/** Snapshots of functions that are kept, so that submitting them again costs nothing but the arguments. */
import {argumentTypeError} from '../errors.js';
import {encodeParts, type EncodedParts} from '../serialize/codec.js';
import {functionCapture} from './capture.js';

/** A function as it was at some moment. */
export type FunctionSnapshot = EncodedParts;

const snapshots = new WeakMap<object, FunctionSnapshot>();

/** Undefined for a function that is no snapshot. */
export const snapshotOf = (fn: object): FunctionSnapshot | undefined => snapshots.get(fn);

/**
 * A snapshot of a function: what it captures is read once, now. Submitted, it runs with the variables of this moment, and costs no more than a
 * function without any. Called here, it is the function itself.
 *
 * @throws {TypeError} It is no function.
 * @throws {SerializationError} It cannot travel.
 */
export function prepare<F extends (...args: never[]) => unknown>(fn: F): F {
	if (typeof fn !== 'function') {
		throw argumentTypeError('fn', 'a function', fn);
	}

	const encoded = snapshots.get(fn) ?? encodeParts([[fn, []]], 'submit', {capture: functionCapture('worker')});
	// Copied: the encoder reuses its memory. Nothing is captured again, so nothing can have changed.
	const snapshot: FunctionSnapshot = {
		bytes: new Uint8Array(encoded.bytes), codes: encoded.codes, captured: [], classes: encoded.classes, isStable: true,
	};
	const prepared = function (this: unknown, ...args: never[]): unknown {
		return Reflect.apply(fn, this, args);
	};

	Object.defineProperty(prepared, 'name', {value: Object.getOwnPropertyDescriptor(fn, 'name')?.value as unknown, configurable: true});
	Object.defineProperty(prepared, 'length', {value: Object.getOwnPropertyDescriptor(fn, 'length')?.value as unknown, configurable: true});
	snapshots.set(prepared, snapshot);
	return prepared as unknown as F;
}
