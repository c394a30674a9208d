/**
 * Reducers: how instances of a class travel where the program knows better than the codec.
 */
import {SerializationError, type SerializationSide} from '../errors.js';
import {namedPlace} from '../functions/function-refusal.js';
import type {ModuleClass} from '../functions/module-handle.js';
import {wrapNonPicklableObjects} from './wrapped.js';

/** Any class. */
export type Class = abstract new (...args: never[]) => unknown;

/** Makes of an instance a function and its arguments, which rebuild it at the other end. */
export type Reducer = (value: never) => readonly [rebuild: (...args: never[]) => unknown, args: readonly unknown[]];

/**
 * By class, or by the member of a module handle that stands for one. The class is exactly that of the instance: subclasses
 * have reducers of their own, or none.
 */
export type Reducers = ReadonlyMap<Class | ModuleClass, Reducer>;

/** What travels of a reduced object. */
export interface Reduction {
	/** Null: the one argument was wrapped, and is wrapped again. */
	readonly rebuild: ((...args: readonly unknown[]) => unknown) | null;
	readonly args: readonly unknown[];
}

/** By prototype, as the writer looks them up. */
export type ReducerTable = ReadonlyMap<object, (value: object) => Reduction>;

/** Null where there is nothing to look up. */
export function reducerTable(reducers: Reducers): ReducerTable | null {
	return reducers.size === 0
		? null
		: new Map([...reducers].map(([of, reducer]) => [
			(of as unknown as {readonly prototype: object}).prototype,
			(value: object) => reduction(reducer(value as never)),
		]));
}

/**
 * What a reducer has returned.
 *
 * @throws {TypeError} It is no `[rebuild, args]`.
 */
export function reduction(reduced: unknown): Reduction {
	if (!Array.isArray(reduced) || typeof reduced[0] !== 'function' || !Array.isArray(reduced[1])) {
		throw new TypeError('a reducer must return [rebuild, args]: a function and the array of its arguments');
	}

	const [fn, args] = reduced as [() => unknown, unknown[]];
	return {rebuild: fn, args};
}

/** Thrown out of a decoder that met a function whose module is not loaded yet: when the import is done, decode again. */
export class ImportUnderWay extends Error {
	readonly imported: Promise<unknown>;

	constructor(imported: Promise<unknown>) {
		super('A module is being imported');
		this.imported = imported;
	}
}

/** Rebuilds an object. */
export function rebuild({rebuild: fn, args}: Reduction, side: SerializationSide): object {
	if (fn === null && Array.isArray(args)) {
		return wrapNonPicklableObjects(args[0] as object);
	}

	if (typeof fn !== 'function' || !Array.isArray(args)) {
		throw new SerializationError('A reduced object arrived damaged.', {side});
	}

	let value;
	try {
		value = fn(...args as readonly unknown[]);
	} catch (error) {
		throw new SerializationError(`The function ${fn.name} that a reducer names threw: ${error instanceof Error ? error.message : String(error)}. Its error is the cause.`, {side, function: namedPlace(fn.name), cause: error});
	}

	if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
		throw new SerializationError(`The function ${fn.name} that a reducer names returned no object. Return the rebuilt instance.`, {side, function: namedPlace(fn.name)});
	}

	return value;
}

/** A decoding that waits for an import. The value stays in an object: it may be a thenable, which nobody asked to unwrap. */
export class WhenImported {
	readonly decoded: Promise<{readonly value: unknown}>;

	constructor(decoded: Promise<{readonly value: unknown}>) {
		this.decoded = decoded;
	}
}

/** Decodes now, or again when what it needs is imported. The bytes must stay as they are until then. */
export function decodeWhenImported(decode: () => unknown): unknown {
	try {
		return decode();
	} catch (error) {
		if (error instanceof ImportUnderWay) {
			return new WhenImported(decodeAfter(error.imported, decode));
		}

		throw error;
	}
}

async function decodeAfter(imported: Promise<unknown>, decode: () => unknown): Promise<{readonly value: unknown}> {
	await imported;
	const value = decodeWhenImported(decode);
	return value instanceof WhenImported ? value.decoded : {value};
}
