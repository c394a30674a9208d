/**
 * One chunk of a `map` on its way to a worker and back. An item that fails, wherever that is, hides no other item.
 */
import type {ItemOutcome} from './map-run.js';
import type {Submission} from './pool.js';
import {encode} from './serialize/codec.js';
import {decodeError} from './serialize/remote-error.js';
import type {ReducerTable} from './serialize/reducers.js';
import type {Application, ShippedItem} from './functions/shipped-function.js';

/** How the pool is to treat the submission of a chunk: a list of argument lists, one call each. */
export class MapChunk implements Submission {
	readonly application: Application = 'each';
	/** The items whose arguments cannot travel, by their places. */
	readonly #refused = new Map<number, unknown>();
	/** Leaves out what cannot travel. */
	encode(list: readonly unknown[][], reducers: ReducerTable | null): Uint8Array {
		try {
			return encode(list, 'submit', ['args'], {reducers});
		} catch {
			return encode(list.filter((args, index) => this.#travels(args, index, reducers)), 'submit', ['args'], {reducers});
		}
	}

	/** The outcome of every item, with those that were left out back in their places. */
	readonly receive = (decoded: unknown): ItemOutcome[] => {
		const outcomes: ItemOutcome[] = (decoded as ShippedItem[]).map(item => item.ok ? item : {ok: false, error: decodeError(item.error)});
		for (const [index, error] of this.#refused) {
			outcomes.splice(index, 0, {ok: false, error});
		}

		return outcomes;
	};

	#travels(args: readonly unknown[], index: number, reducers: ReducerTable | null): boolean {
		try {
			encode(args, 'submit', ['args'], {reducers});
			return true;
		} catch (error) {
			this.#refused.set(index, error);
			return false;
		}
	}
}
