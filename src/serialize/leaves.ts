/** Objects of the language that hold no other objects. */
import {Buffer} from 'node:buffer';
import {types} from 'node:util';
import type {BufferTable} from './buffer-table.js';
import {operation, viewKinds} from './wire.js';

const typedArrayTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get! as (this: ArrayBufferView) => string;

// Kept: a program may replace the class.
const {prototype: urlPrototype} = URL;

const kindOfView = (view: ArrayBufferView): number => {
	if (Buffer.isBuffer(view)) {
		return viewKinds.indexOf('Buffer');
	}

	return types.isDataView(view) ? viewKinds.indexOf('DataView') : (viewKinds as readonly string[]).indexOf(typedArrayTag.call(view));
};

const hasBuffer = (view: ArrayBufferView): view is ArrayBufferView<ArrayBuffer> => !types.isSharedArrayBuffer(view.buffer);

/** Its memory was transferred: an empty one can still be looked at. */
function isDetached(buffer: ArrayBuffer): boolean {
	if (buffer.byteLength > 0) {
		return false;
	}

	try {
		return new Uint8Array(buffer).length > 0;
	} catch {
		return true;
	}
}

function primitiveOf(boxed: object): unknown {
	if (types.isNumberObject(boxed)) {
		return Number.prototype.valueOf.call(boxed);
	}

	if (types.isStringObject(boxed)) {
		return String.prototype.valueOf.call(boxed);
	}

	return types.isBooleanObject(boxed) ? Boolean.prototype.valueOf.call(boxed) : BigInt.prototype.valueOf.call(boxed as unknown as bigint);
}

/** Where tokens go; `refuse` makes the error for the current place. */
export type LeafTarget = {
	readonly tokens: unknown[];
	buffers(): BufferTable;
	write(value: unknown): void;
	refuse(kind: string): Error;
};

function writeView(view: ArrayBufferView, target: LeafTarget): void {
	if (!hasBuffer(view)) {
		throw target.refuse('a view of a SharedArrayBuffer');
	}

	if (isDetached(view.buffer)) {
		throw target.refuse('a view of a detached ArrayBuffer');
	}

	target.buffers().writeView(target.tokens, view, kindOfView(view));
}

/** @returns whether the value was such an object, and is written. */
export function writeLeaf(value: object, target: LeafTarget): boolean {
	if (types.isDate(value)) {
		target.tokens.push(null, operation.date, Date.prototype.getTime.call(value));
	} else if (types.isRegExp(value)) {
		target.tokens.push(null, operation.regexp);
		target.write(value.source);
		target.tokens.push(value.flags);
	} else if (ArrayBuffer.isView(value)) {
		writeView(value, target);
	} else if (types.isArrayBuffer(value)) {
		if (isDetached(value)) {
			throw target.refuse('a detached ArrayBuffer');
		}

		target.buffers().writeBuffer(target.tokens, value);
	} else if (types.isSharedArrayBuffer(value)) {
		throw target.refuse('a SharedArrayBuffer');
	} else if (types.isSymbolObject(value)) {
		throw target.refuse('a symbol');
	} else if (types.isBoxedPrimitive(value)) {
		target.tokens.push(null, operation.boxed);
		target.write(primitiveOf(value));
	} else if (Object.getPrototypeOf(value) === urlPrototype) {
		target.tokens.push(null, operation.url);
		target.write((value as URL).href);
	} else if (value instanceof DOMException) {
		target.tokens.push(null, operation.domException);
		for (const part of [value.name, value.message, value.stack]) {
			target.write(String(part));
		}
	} else {
		return false;
	}

	return true;
}
