/** ArrayBuffers and views of them, from bytes that belong to a whole batch of payloads. */
import {Buffer} from 'node:buffer';
import {viewKinds} from './wire.js';

/** @returns the bytes in memory of their own: what arrives must neither pin nor show its batch. */
export function createBuffer(bytes: unknown): ArrayBuffer {
	if (!(bytes instanceof Uint8Array)) {
		throw new TypeError('the header holds something else than bytes');
	}

	const own = new Uint8Array(bytes.length);
	own.set(bytes);
	return own.buffer;
}

type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView;

/** @throws RangeError, TypeError for a view that the buffer cannot have */
export function createView(kind: unknown, buffer: ArrayBuffer, byteOffset: number, byteLength = buffer.byteLength): ArrayBufferView {
	const name = viewKinds[Number(kind)];
	if (name === 'Buffer') {
		return Buffer.from(buffer, byteOffset, byteLength);
	}

	if (name === 'DataView') {
		return new DataView(buffer, byteOffset, byteLength);
	}

	const View = name === undefined ? undefined : (globalThis as unknown as Record<string, (ViewConstructor & {readonly BYTES_PER_ELEMENT: number}) | undefined>)[name];
	if (View === undefined) {
		throw new TypeError(`this Node.js has no ${name ?? 'such view'}`);
	}

	return new View(buffer, byteOffset, byteLength / View.BYTES_PER_ELEMENT);
}
