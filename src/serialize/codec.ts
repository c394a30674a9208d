/** Values to payload bytes and back: everything that structured clone carries, in the same meaning. */
import {SerializationError, type PathStep, type SerializationSide} from '../errors.js';
import type {CapturedCode, FunctionCapture} from '../functions/captured-function.js';
import type {Code} from '../functions/code.js';
import {prepareCodes, type PreparedCode} from '../functions/prepared-code.js';
import {readCodes} from '../functions/received-code.js';
import {CaptureNeeded} from './capture-on-demand.js';
import {GraphReader} from './graph-reader.js';
import {GraphWriter, type ReductionWriter, type WritingPlace} from './graph-writer.js';
import {pack, unpack} from './msgpack.js';
import {plainContext, type ReadingContext} from './object-source.js';
import {reduceMethodOf} from './reduce-method.js';
import {
	ImportUnderWay, rebuild, reduction, type Reduction as RebuildOrder, type ReducerTable,
} from './reducers.js';
import {pathText} from './refusal.js';
import {defaultMaxDepth} from './wire.js';

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

/** What an encoding may be told. */
export interface EncodingOptions {
	/** Of classes whose instances travel otherwise. They win over what an instance itself says. Default: none. */
	readonly reducers?: ReducerTable | null;
	/** Levels that may travel. Default: 100,000. */
	readonly maxDepth?: number;
	/** Finds out how functions travel. Default: none; then functions and symbols are refused, and instances lose their class. */
	readonly capture?: FunctionCapture | null;
}

// Made once: small values are encoded half a million times a second.
const noOptions: EncodingOptions = {};
const plainContexts: Readonly<Record<SerializationSide, ReadingContext>> = {
	submit: {...plainContext, side: 'submit'},
	worker: {...plainContext, side: 'worker'},
	result: {...plainContext, side: 'result'},
	parent: plainContext,
};
const noSteps: readonly PathStep[] = [];

/** Reduced objects within reduced objects: each is a payload within a payload. */
const maxReductions = 100;

/**
 * Writes what reducers make of objects: those of the executor, or else the object's own method. Each is a payload of its own, so that it is
 * whole when its function is called.
 */
class Reduction implements ReductionWriter {
	readonly #reducers: ReducerTable | null;
	readonly #side: SerializationSide;
	readonly #maxDepth: number;
	readonly #capture: FunctionCapture | null;
	/** Those under way: an object that is met within its own arguments can never be rebuilt. */
	#open: Set<object> | null = null;

	constructor(reducers: ReducerTable | null, side: SerializationSide, maxDepth: number, capture: FunctionCapture | null) {
		this.#reducers = reducers;
		this.#side = side;
		this.#maxDepth = maxDepth;
		this.#capture = capture;
	}

	bytesOf(value: object, place: WritingPlace): Uint8Array | undefined {
		const reducer = this.#reducers?.get(Object.getPrototypeOf(value) as object);
		if (reducer !== undefined) {
			return this.#write(value, place, reducer);
		}

		const method = typeof value === 'function' ? undefined : reduceMethodOf(value);
		if (method === undefined) {
			return undefined;
		}

		// Where the capture of functions is still to be loaded, before the method runs: it need not run twice.
		this.#capture?.createVariables();
		return this.#write(value, place, () => reduction(method()));
	}

	wrappedBytes(wrapper: object, value: object, place: WritingPlace): Uint8Array {
		return this.#write(wrapper, place, () => ({rebuild: null, args: [value]}));
	}

	#write(value: object, place: WritingPlace, reduce: (value: object) => RebuildOrder): Uint8Array {
		const here = place.path();
		this.#open ??= new Set();
		if (this.#open.has(value) || this.#open.size === maxReductions) {
			throw new SerializationError(`${pathText(here)} contains itself, or lies in more than ${maxReductions} objects that reducers have taken apart. Let the reducer leave out the way back.`, {
				side: this.#side, path: here,
			});
		}

		this.#open.add(value);
		try {
			const writer = new GraphWriter(this.#side, here, {maxDepth: this.#maxDepth, reduction: this, capture: this.#capture});
			writer.writeRoot(reduce(value));
			// Copied: the packer reuses its memory.
			return new Uint8Array(pack(finish(writer)));
		} finally {
			this.#open.delete(value);
		}
	}
}

/** The tokens of everything written, with the texts of the functions. */
function finish(writer: GraphWriter): unknown[] {
	writer.writePutOff();
	const codes = writer.functions?.codes;
	return writer.finish(codes === undefined || codes.length === 0 ? null : new Uint8Array(encode(codes)));
}

/** One value of several that a payload consists of, the steps that lead to it in messages, and whether it is a list that the package made. */
export type PayloadPart = readonly [value: unknown, root: readonly PathStep[]] | readonly [value: readonly unknown[], root: readonly PathStep[], isOwnList: true];

/** A payload whose functions refer to texts that are not in it. */
export interface EncodedParts {
	/** They lie in memory that the next call may write over. */
	readonly bytes: Uint8Array;
	readonly codes: readonly Code[];
	/** Every function by value. */
	readonly captured: readonly CapturedCode[];
	/** The classes among them, in the objects of this process. */
	readonly classes: readonly object[];
	/** Whether the same bytes would come out again, as long as none of the functions has changed. */
	readonly isStable: boolean;
}

/**
The bytes of `value`, texts of functions included. They lie in memory that the next call may write over: copy them, or hand them on at once.

@param side where this happens, for the error
@param root the steps that lead to `value`, for the error: `['args']`
@throws SerializationError naming the path of what cannot travel; `ERR_TOO_DEEP` beyond `maxDepth`
*/
export function encode(value: unknown, side: SerializationSide = 'submit', root: readonly PathStep[] = noSteps, options: EncodingOptions = noOptions): Uint8Array {
	return writeAll(createWriter(side, root, options), value);
}

/** As `encode`, for a reader that has an object already. */
export function encodeBeside(assumed: object, value: unknown, root: readonly PathStep[], options: EncodingOptions): Uint8Array {
	const writer = createWriter('submit', root, options);
	writer.assume(assumed);
	return writeAll(writer, value);
}

function writeAll(writer: GraphWriter, value: unknown): Uint8Array {
	try {
		writer.writeRoot(value);
		return pack(finish(writer));
	} catch (error) {
		throw writingError(error, writer);
	}
}

/**
The bytes of several values that share what they have in common, without the texts of functions.

@param assumed an object that the reader has already
@throws as `encode`
*/
export function encodeParts(parts: readonly PayloadPart[], side: SerializationSide, options: EncodingOptions, assumed: object | null = null): EncodedParts {
	const writer = createWriter(side, noSteps, options);
	if (assumed !== null) {
		writer.assume(assumed);
	}

	try {
		for (const [value, root, isOwnList = false] of parts) {
			if (isOwnList) {
				writer.writeOwnList(value as readonly unknown[], root);
			} else {
				writer.writeRoot(value, root);
			}
		}

		writer.writePutOff();
		const {functions} = writer;
		return {
			bytes: pack(writer.finish()),
			codes: functions?.codes ?? [],
			captured: functions?.captured ?? [],
			classes: functions?.classes ?? [],
			isStable: functions?.isStable ?? true,
		};
	} catch (error) {
		throw writingError(error, writer);
	}
}

function createWriter(side: SerializationSide, root: readonly PathStep[], {reducers, maxDepth = defaultMaxDepth, capture = null}: EncodingOptions): GraphWriter {
	// What rebuilds an object is a function: without them, nothing can be reduced.
	const reduction = capture === null && !reducers ? null : new Reduction(reducers ?? null, side, maxDepth, capture);
	return new GraphWriter(side, root, {maxDepth, reduction, capture});
}

function writingError(error: unknown, writer: GraphWriter): unknown {
	if (error instanceof SerializationError || error instanceof CaptureNeeded) {
		return error;
	}

	const path = writer.path();
	return new SerializationError(`${pathText(path)} cannot be read: ${messageOf(error)}. A getter, a proxy or a reducer that throws may be the reason; pass plain data.`, {side: writer.side, path, cause: error});
}

/**
The value in `bytes`, in memory of its own. Bytes that `encode` did not write do no harm: they allocate no more than
some multiple of their own length, and run nothing.

@param side where this happens, for the error
@throws SerializationError and nothing else
*/
export function decode(bytes: Uint8Array, side: SerializationSide = 'parent'): unknown {
	return read(bytes, plainContexts[side]);
}

/** What the functions of a payload may refer to beyond it. */
export interface FunctionContext {
	/** By number, for payloads that do not bring their own. Default: none. */
	readonly codes?: readonly PreparedCode[];
	/** An object that the payload refers to as number 0 without holding it. Default: null. */
	readonly first?: object | null;
}

const noCodes: readonly PreparedCode[] = [];
const noFunctions: FunctionContext = {};

/**
As `decode`, of bytes that may hold functions, classes and what reducers made: the functions that they name are called.

@throws SerializationError
@throws ImportUnderWay a module that something in it needs is being imported: decode again when it is
*/
export function decodeWithFunctions(bytes: Uint8Array, side: SerializationSide, context: FunctionContext = noFunctions): unknown {
	return decodeParts(bytes, 1, side, context)[0];
}

/** As `decodeWithFunctions`, of that many values, which `encodeParts` wrote. */
export function decodeParts(bytes: Uint8Array, count: number, side: SerializationSide, context: FunctionContext = noFunctions): unknown[] {
	return readAll(bytes, count, context === noFunctions ? withFunctions[side] : new Functions(side, context.codes, context.first));
}

/** What a payload with functions may hold. What is reduced in it is a payload of its own, without an object that is there already. */
class Functions implements ReadingContext {
	readonly side: SerializationSide;
	readonly codes: readonly PreparedCode[];
	readonly first: object | null;

	constructor(side: SerializationSide, codes: readonly PreparedCode[] = noCodes, first: object | null = null) {
		this.side = side;
		this.codes = codes;
		this.first = first;
	}

	prepare(packed: unknown): readonly PreparedCode[] {
		return prepare(packed, this.side);
	}

	rebuild(reduced: unknown): object {
		const within = this.first === null ? this : new Functions(this.side, this.codes);
		return rebuild(read(reduced as Uint8Array, within) as RebuildOrder, this.side);
	}
}

const withFunctions: Readonly<Record<SerializationSide, ReadingContext>> = {
	submit: new Functions('submit'),
	worker: new Functions('worker'),
	result: new Functions('result'),
	parent: new Functions('parent'),
};

/**
Codes as they lie in a payload.

@throws ImportUnderWay
*/
function prepare(bytes: unknown, side: SerializationSide): readonly PreparedCode[] {
	const codes = readCodes(read(bytes as Uint8Array, plainContexts[side]));
	const prepared = prepareCodes(codes, side);
	if (!(prepared instanceof Promise)) {
		return prepared;
	}

	prepared.catch(() => undefined);
	throw new ImportUnderWay(prepared);
}

function read(bytes: Uint8Array, context: ReadingContext): unknown {
	try {
		return new GraphReader(unpack(bytes), context).readRoot();
	} catch (error) {
		throw readingError(error, context);
	}
}

function readAll(bytes: Uint8Array, count: number, context: ReadingContext): unknown[] {
	try {
		return new GraphReader(unpack(bytes), context).readRoots(count);
	} catch (error) {
		throw readingError(error, context);
	}
}

const readingError = (error: unknown, {side}: ReadingContext): unknown => error instanceof ImportUnderWay || error instanceof SerializationError
	? error
	: new SerializationError(`The payload is damaged, or not one of this version of loky: ${messageOf(error)}.`, {side, cause: error});
