/**
 * The items of a chunk of `map`: one call each, one outcome each.
 */
import {encode} from '../serialize/codec.js';
import type {ReducerTable} from '../serialize/reducers.js';
import {encodeError} from '../serialize/remote-error.js';
import type {ShippedItem} from '../functions/shipped-function.js';

/** Calls `fn` with each of the argument lists, one after the other. */
export async function applyToEach(fn: (...args: unknown[]) => unknown, list: readonly unknown[][]): Promise<ShippedItem[]> {
	const items: ShippedItem[] = [];
	for (const args of list) {
		try {
			const result = fn(...args);
			items.push({ok: true, value: isThenable(result) ? await result : result});
		} catch (error) {
			items.push(failedItem(error));
		}
	}

	return items;
}

/** Whether awaiting the value does anything. Runs a getter of the value, as awaiting it would. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
	return (typeof value === 'object' || typeof value === 'function')
		&& value !== null
		&& typeof (value as {then?: unknown}).then === 'function';
}

/** The items as bytes; a value that cannot travel becomes the error of its own item and hides no other. */
export function encodeItems(items: readonly ShippedItem[], reducers: ReducerTable | null): Uint8Array {
	try {
		return encode(items, 'result', ['result'], {reducers});
	} catch {
		return encode(items.map(item => item.ok ? travelling(item, reducers) : item), 'result', ['result'], {reducers});
	}
}

function travelling(item: ShippedItem & {readonly ok: true}, reducers: ReducerTable | null): ShippedItem {
	try {
		encode(item.value, 'result', ['result'], {reducers});
		return item;
	} catch (error) {
		return failedItem(error);
	}
}

// Copied: the encoder reuses its memory.
const failedItem = (error: unknown): ShippedItem => ({ok: false, error: new Uint8Array(encodeError(error))});
