/** Objects that hold no others, and the primitives that msgpackr does not carry, from their tokens. */
import {Buffer} from 'node:buffer';
import {createView} from './buffer-reader.js';
import {operation} from './wire.js';

/** Where tokens come from; each call takes the next one, or more. */
export type LeafSource = {
	next(): unknown;
	count(): number;
	text(): string;
	read(): unknown;
	buffer(): ArrayBuffer;
};

export const malformed = (what: string): Error => new Error(what);

export const readBigint = (digits: string): bigint => digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);

export function readUtf16(bytes: unknown): string {
	if (!(bytes instanceof Uint8Array)) {
		throw malformed('a text is none');
	}

	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf16le');
}

export function createLeaf(code: number, source: LeafSource): object {
	switch (code) {
		case operation.date: {
			return new Date(Number(source.next()));
		}

		case operation.regexp: {
			return new RegExp(source.text(), source.text());
		}

		case operation.boxed: {
			return new Object(source.read());
		}

		case operation.arrayBuffer: {
			return source.buffer();
		}

		case operation.view: {
			return createView(source.count(), source.buffer(), source.count(), source.count());
		}

		case operation.domException: {
			const name = source.text();
			const exception = new DOMException(source.text(), name);
			Object.defineProperty(exception, 'stack', {value: source.text(), writable: true, configurable: true});
			return exception;
		}

		default: {
			throw malformed('an operation is unknown');
		}
	}
}
