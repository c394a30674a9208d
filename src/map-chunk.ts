/**
 * One chunk of a `map` on its way to a worker and back. An item that fails, wherever that is, hides no other item.
 */
import type {ItemOutcome} from './map-run.js';
import type {ShippedItem} from './functions/shipped-function.js';
import {decodeError} from './serialize/remote-error.js';

/** Encodes arguments. */
export interface ArgumentEncoder {
	encodeArguments(args: readonly unknown[]): Uint8Array;
}

/** A list of argument lists, one call each. */
export class MapChunk {
	/** The items whose arguments cannot travel, by their places. */
	readonly #refused = new Map<number, unknown>();

	/** Leaves out what cannot travel. */
	encode(list: readonly unknown[][], encoder: ArgumentEncoder): Uint8Array {
		try {
			return encoder.encodeArguments(list);
		} catch {
			return encoder.encodeArguments(list.filter((args, index) => this.#travels(args, index, encoder)));
		}
	}

	/** The outcome of every item, with those that were left out back in their places. */
	receive(decoded: unknown, receiveValue: (decoded: unknown) => unknown): ItemOutcome[] {
		const outcomes: ItemOutcome[] = (decoded as ShippedItem[]).map(item => item.ok ? receivedItem(item, receiveValue) : {ok: false, error: decodeError(item.error)} as const);
		for (const [index, error] of this.#refused) {
			outcomes.splice(index, 0, {ok: false, error});
		}

		return outcomes;
	}

	#travels(args: readonly unknown[], index: number, encoder: ArgumentEncoder): boolean {
		try {
			encoder.encodeArguments(args);
			return true;
		} catch (error) {
			this.#refused.set(index, error);
			return false;
		}
	}
}

function receivedItem(item: ShippedItem & {readonly ok: true}, receiveValue: (decoded: unknown) => unknown): ItemOutcome {
	try {
		return {ok: true, value: receiveValue(item.value)};
	} catch (error) {
		return {ok: false, error};
	}
}
