/**
 * What a worker tells its parent.
 */
import {frameKind, type NativeWorker} from '../native.js';
import {encode} from '../serialize/codec.js';
import type {ReducerTable} from '../serialize/reducers.js';
import {encodeError} from '../serialize/remote-error.js';
import type {Application, ShippedItem} from '../functions/shipped-function.js';
import {encodeItems} from './each.js';

const nothing = new Uint8Array(0);

/** Writes frames to the parent. */
export class Replies {
	/** Of the classes whose instances travel otherwise. */
	reducers: ReducerTable | null = null;
	readonly #end: NativeWorker;

	constructor(end: NativeWorker) {
		this.#end = end;
	}

	ready(): void {
		this.#end.write(frameKind.ready, 0, nothing);
	}

	startFailed(error: unknown): void {
		this.#end.write(frameKind.startFailed, 0, encodeError(error));
	}

	/** The task's value; where it cannot travel, the error that says why. */
	returned(sequence: number, value: unknown, application: Application): void {
		let payload;
		try {
			payload = application === 'each' ? encodeItems(value as ShippedItem[], this.reducers) : encode(value, 'result', ['result'], {reducers: this.reducers});
		} catch (error) {
			this.threw(sequence, error);
			return;
		}

		this.#end.write(frameKind.returned, sequence, payload);
	}

	threw(sequence: number, error: unknown): void {
		this.#end.write(frameKind.threw, sequence, encodeError(error));
	}

	undecodable(sequence: number, error: unknown): void {
		this.#end.write(frameKind.undecodable, sequence, encodeError(error));
	}
}
