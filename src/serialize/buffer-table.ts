/** The ArrayBuffers of a payload: each travels once, and two views of one arrive as two views of one. */
import {Buffer} from 'node:buffer';
import {operation} from './wire.js';

type Entry = {
	readonly buffer: ArrayBuffer;
	/** The only view so far, and where its offset stands among the tokens; null once all bytes have to travel. */
	onlyView: {readonly view: ArrayBufferView; readonly token: number} | null;
};

/**
 * Small Buffers share memory that Node has allocated for all of them: what lies beside them is nobody's business. Nothing tells
 * that memory from the program's own (its size is not `Buffer.poolSize` on every version), so every part of a larger buffer counts.
 */
const isPooled = (view: ArrayBufferView): boolean => Buffer.isBuffer(view) && view.byteLength < view.buffer.byteLength;

export class BufferTable {
	readonly #entries: Entry[] = [];
	readonly #numbers = new Map<ArrayBuffer, number>();

	writeBuffer(tokens: unknown[], buffer: ArrayBuffer): void {
		const number = this.#numberOf(buffer);
		this.#entries[number]!.onlyView = null;
		tokens.push(null, operation.arrayBuffer, number);
	}

	writeView(tokens: unknown[], view: ArrayBufferView<ArrayBuffer>, kind: number): void {
		const known = this.#entries.length;
		const number = isPooled(view) ? this.#add(view.buffer) : this.#numberOf(view.buffer);
		tokens.push(null, operation.view, kind, number, view.byteOffset, view.byteLength);
		this.#entries[number]!.onlyView = number < known ? null : {view, token: tokens.length - 2};
	}

	/**
	 * @returns the bytes of each. Of a buffer that is seen through one view alone, only that view's part travels: the
	 * rest may be large, or secret.
	 */
	finish(tokens: unknown[]): Uint8Array[] {
		return this.#entries.map(({buffer, onlyView}) => {
			if (onlyView === null) {
				return new Uint8Array(buffer);
			}

			const {view, token} = onlyView;
			tokens[token] = 0;
			return new Uint8Array(buffer, view.byteOffset, view.byteLength);
		});
	}

	#add(buffer: ArrayBuffer): number {
		return this.#entries.push({buffer, onlyView: null}) - 1;
	}

	#numberOf(buffer: ArrayBuffer): number {
		let number = this.#numbers.get(buffer);
		if (number === undefined) {
			number = this.#add(buffer);
			this.#numbers.set(buffer, number);
		}

		return number;
	}
}
