/**
 * Which functions the workers of a pool are told of, by number. A function's texts travel once per worker; what is around it travels with
 * each task, unless it cannot change.
 */
import {createHash} from 'node:crypto';
import type {CapturedCode} from './functions/captured-function.js';
import type {Code} from './functions/code.js';
import {snapshotOf} from './functions/prepare.js';
import {referenceRules} from './functions/reference-rules.js';
import {encodeFunction, type Application, type ShippedFunction} from './functions/shipped-function.js';
import {
	encode, encodeBeside, encodeParts, type EncodingOptions,
} from './serialize/codec.js';
import {carried, type Pickler} from './serialize/pickler.js';
import {wrappedIn} from './serialize/wrapped.js';

/** Any function that a caller may submit. */
export type AnyFunction = (...args: never[]) => unknown;

/** Where the registry tells the workers of a function, and when it may be forgotten. */
export interface FunctionSink {
	register(id: number, payload: Uint8Array): void;
	/** Tasks that name it have gone out before. */
	release(id: number): void;
}

/** How functions and arguments become bytes. */
export interface TaskEncoding extends EncodingOptions {
	/** Of arguments alone; null for our own codec. */
	readonly pickler: Pickler | null;
}

/** A task as it goes out. */
export interface OutgoingTask {
	readonly functionId: number;
	/** Lie in memory that the next task may write over. */
	readonly bytes: Uint8Array;
	/** Classes by value that the task was given. They must be there when its result brings instances of them. */
	readonly classes: readonly object[];
}

interface Entry {
	readonly id: number;
	readonly key: string;
	/** Since the last time that something had to be forgotten. */
	isUsed: boolean;
	isForgotten: boolean;
}

/** A function whose next submission would write the same bytes, while none of those it is made of has changed. */
interface StableFunction {
	readonly entry: Entry;
	readonly captured: readonly CapturedCode[];
	/** Under which it was found out what travels by name. */
	readonly rules: number;
}

// More than a program has at work at one time; fewer than would be felt in memory.
const rememberedFunctions = 1000;

const noSteps: readonly string[] = [];
const noClasses: readonly object[] = [];
const argumentSteps: readonly string[] = ['args'];

const codeNumbers = new WeakMap<Code, number>();
let codeCount = 0;

function numberOf(code: Code): number {
	let number = codeNumbers.get(code);
	if (number === undefined) {
		number = codeCount++;
		codeNumbers.set(code, number);
	}

	return number;
}

/** A wrapped function is submitted as it is. */
const bare = (fn: AnyFunction): AnyFunction => (wrappedIn(fn)?.value ?? fn) as AnyFunction;

/** Gives numbers to functions; what it has not seen it registers, and what was not used for long it releases. */
export class FunctionRegistry {
	readonly #sink: FunctionSink;
	readonly #options: EncodingOptions;
	readonly #pickler: Pickler | null;
	/** In the order of their registration. */
	readonly #entries = new Map<string, Entry>();
	readonly #stable: Readonly<Record<Application, WeakMap<object, StableFunction>>> = {call: new WeakMap(), each: new WeakMap()};
	/**
	 * Those that turned out to be stable when they were submitted, and get a number of their own at the next time. Many functions are made for
	 * one task each: these share a number by their text.
	 */
	readonly #repeated = new WeakSet();
	/** Registered for one use. */
	readonly #single = new Set<number>();
	#lastId = 0;

	/** @param encoding how everything is encoded */
	constructor(sink: FunctionSink, {pickler, ...options}: TaskEncoding) {
		this.#sink = sink;
		this.#pickler = pickler;
		this.#options = options;
	}

	/** The number of a function whose calls need nothing but their arguments; undefined where that is to be found out. */
	knownId(fn: AnyFunction): number | undefined {
		return this.#pickler === null ? this.#stableId(fn, 'call') : undefined;
	}

	/** @throws {SerializationError} The function or an argument cannot travel. */
	call(wrappedOrNot: AnyFunction, args: readonly unknown[]): OutgoingTask {
		const fn = bare(wrappedOrNot);
		const given = this.#carried(args);
		const id = this.#stableId(fn, 'call') ?? this.#repeatedId(fn);
		return id === undefined ? this.#callWithVariables(fn, given) : this.#callStable(id, fn, given);
	}

	/**
	 * A function as it is at this moment, for many tasks.
	 *
	 * @throws {SerializationError} It cannot travel.
	 */
	snapshot(wrappedOrNot: AnyFunction, application: Application): number {
		const fn = bare(wrappedOrNot);
		const known = this.#stableId(fn, application) ?? this.#registerStable(fn, application);
		if (known !== undefined) {
			return known;
		}

		const {codes, bytes} = encodeParts([[fn, noSteps]], 'submit', this.#options);
		const id = this.#registerOnce({application, codes, template: bytes});
		this.#single.add(id);
		return id;
	}

	/** The arguments of a task for a function that was registered by `snapshot`. */
	encodeArguments(args: readonly unknown[]): Uint8Array {
		return encode(this.#carried(args), 'submit', argumentSteps, this.#options);
	}

	/** Says that no more tasks will name what `snapshot` has given. */
	release(id: number): void {
		if (this.#single.delete(id)) {
			this.#sink.release(id);
		}
	}

	#carried(args: readonly unknown[]): readonly unknown[] {
		return this.#pickler === null ? args : carried(args, this.#pickler, 'submit', argumentSteps);
	}

	#callStable(id: number, fn: AnyFunction, args: readonly unknown[]): OutgoingTask {
		const {bytes, codes, classes} = encodeParts([[args, argumentSteps, true]], 'submit', this.#options, fn);
		if (codes.length === 0) {
			return {functionId: id, bytes, classes: noClasses};
		}

		// A snapshot stays what it was: the functions among its arguments bring their texts themselves.
		return snapshotOf(fn) === undefined
			? this.#callWithVariables(fn, args)
			: {functionId: id, bytes: encodeBeside(fn, args, argumentSteps, this.#options), classes};
	}

	#repeatedId(fn: AnyFunction): number | undefined {
		if (!this.#repeated.has(fn) && snapshotOf(fn) === undefined) {
			return undefined;
		}

		const id = this.#registerStable(fn, 'call');
		if (id === undefined) {
			this.#repeated.delete(fn);
		}

		return id;
	}

	#stableId(fn: AnyFunction, application: Application): number | undefined {
		const known = this.#stable[application].get(fn);
		if (known?.rules !== referenceRules.version || known.entry.isForgotten || !known.captured.every(captured => captured.isUnchanged())) {
			return undefined;
		}

		known.entry.isUsed = true;
		return known.entry.id;
	}

	#registerStable(fn: AnyFunction, application: Application): number | undefined {
		const snapshot = snapshotOf(fn);
		const {codes, bytes, captured, isStable} = snapshot ?? encodeParts([[fn, noSteps]], 'submit', this.#options);
		if (!isStable) {
			return undefined;
		}

		const key = `${application} ${codes.map(code => numberOf(code)).join(' ')} ${createHash('sha256').update(bytes).digest('base64')}`;
		const entry = this.#entryOf(key, () => ({application, codes, template: bytes}));
		this.#stable[application].set(fn, {entry, captured, rules: referenceRules.version});
		return entry.id;
	}

	#callWithVariables(fn: AnyFunction, args: readonly unknown[]): OutgoingTask {
		const {bytes, codes, classes, isStable} = encodeParts([[fn, noSteps], [args, argumentSteps, true]], 'submit', this.#options);
		if (isStable) {
			this.#repeated.add(fn);
			const id = codes.length === 0 ? this.#registerStable(fn, 'call') : undefined;
			if (id !== undefined) {
				// It goes by its name, which need not travel with each task.
				return this.#callStable(id, fn, args);
			}
		}

		const key = `set ${codes.map(code => numberOf(code)).join(' ')}`;
		// The frame is encoded in the same memory as the payload.
		const kept = this.#entries.has(key) ? bytes : new Uint8Array(bytes);
		return {functionId: this.#entryOf(key, () => ({application: 'call', codes, template: null})).id, bytes: kept, classes};
	}

	#entryOf(key: string, describe: () => ShippedFunction): Entry {
		let entry = this.#entries.get(key);
		if (entry === undefined) {
			entry = {
				id: this.#registerOnce(describe()), key, isUsed: true, isForgotten: false,
			};
			this.#entries.set(key, entry);
			this.#forgetOldest();
		}

		entry.isUsed = true;
		return entry;
	}

	#registerOnce({application, codes, template}: ShippedFunction): number {
		const id = ++this.#lastId;
		this.#sink.register(id, encodeFunction({application, codes, template: template === null ? null : new Uint8Array(template)}));
		return id;
	}

	/** One that was used since the last look stays for another round. */
	#forgetOldest(): void {
		while (this.#entries.size > rememberedFunctions) {
			const [[key, oldest]] = this.#entries as unknown as [[string, Entry]];
			this.#entries.delete(key);
			if (oldest.isUsed) {
				oldest.isUsed = false;
				this.#entries.set(key, oldest);
			} else {
				oldest.isForgotten = true;
				this.#sink.release(oldest.id);
			}
		}
	}
}
