/**
 * The items of a chunk of `map`: one call each, one outcome each.
 */
import type {ShippedItem} from '../functions/shipped-function.js';
import {CaptureNeeded} from '../serialize/capture-on-demand.js';
import type {TaskFunction} from './functions.js';

/** Encodes what a task gives back. Each result is valid until the next. */
export interface ResultEncoder {
	/**
	 * What `result` is given in place of a value.
	 *
	 * @throws {SerializationError} It cannot travel.
	 */
	carried(value: unknown): unknown;
	/** @throws {SerializationError} It cannot travel. */
	result(value: unknown): Uint8Array;
	thrown(error: unknown): Uint8Array;
}

/** What became of one call. */
export type Outcome = {readonly ok: true; readonly value: unknown} | {readonly ok: false; readonly thrown: unknown};

/** Calls the function with each of the argument lists, one after the other; each call has a function of its own. */
export async function applyToEach(instance: () => TaskFunction, list: ReadonlyArray<readonly unknown[]>): Promise<Outcome[]> {
	const outcomes: Outcome[] = [];
	for (const args of list) {
		try {
			const result = instance()(...args);
			outcomes.push({ok: true, value: isThenable(result) ? await result : result});
		} catch (error) {
			outcomes.push({ok: false, thrown: error});
		}
	}

	return outcomes;
}

/** Whether awaiting the value does anything. Runs a getter of the value, as awaiting it would. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
	return (typeof value === 'object' || typeof value === 'function')
		&& value !== null
		&& typeof (value as {then?: unknown}).then === 'function';
}

/** The outcomes as bytes; a value that cannot travel becomes the error of its own item and hides no other. */
export function encodeOutcomes(outcomes: readonly Outcome[], encoder: ResultEncoder): Uint8Array {
	const items = outcomes.map((outcome): ShippedItem => outcome.ok ? carriedItem(outcome.value, encoder) : failedItem(outcome.thrown, encoder));
	try {
		return encoder.result(items);
	} catch (error) {
		if (error instanceof CaptureNeeded) {
			throw error;
		}

		return encoder.result(items.map(item => item.ok ? travelling(item, encoder) : item));
	}
}

function carriedItem(value: unknown, encoder: ResultEncoder): ShippedItem {
	try {
		return {ok: true, value: encoder.carried(value)};
	} catch (error) {
		return failedItem(error, encoder);
	}
}

function travelling(item: ShippedItem & {readonly ok: true}, encoder: ResultEncoder): ShippedItem {
	try {
		encoder.result(item.value);
		return item;
	} catch (error) {
		return failedItem(error, encoder);
	}
}

// Copied: the encoder reuses its memory.
const failedItem = (thrown: unknown, encoder: ResultEncoder): ShippedItem => ({ok: false, error: new Uint8Array(encoder.thrown(thrown))});
