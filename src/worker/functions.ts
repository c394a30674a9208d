/**
 * The functions that the parent has shipped to this worker.
 */
import {Buffer} from 'node:buffer';
import {prepareCodes, type PreparedCode} from '../functions/prepared-code.js';
import {decodeFunction, type Application} from '../functions/shipped-function.js';
import {decodeParts, decodeWithFunctions} from '../serialize/codec.js';
import {ImportUnderWay} from '../serialize/reducers.js';
import {readSmallArguments} from '../serialize/small-payload.js';
import {operation} from '../serialize/wire.js';

/** The template of a function without captured values: code number 0, in the words of the payload format. */
const bareTemplate = Uint8Array.of(0x95, 0, 0xC0, operation.function, 0, 0);

/** Any function of a task. */
export type TaskFunction = (...args: unknown[]) => unknown;

/** A call that is ready to be made. */
export interface Call {
	readonly fn: TaskFunction;
	readonly args: readonly unknown[];
}

/** A function whose texts are compiled. */
export class ShippedCallable {
	readonly application: Application;
	readonly #codes: readonly PreparedCode[];
	/** Null where each task brings the function. */
	readonly #template: Uint8Array | null;
	/** A function that is not made anew for each call, since it is the module's own. */
	#constant: TaskFunction | null = null;
	/** The code of a function that is nothing but its code. */
	readonly #bare: PreparedCode | null;

	constructor(application: Application, codes: readonly PreparedCode[], template: Uint8Array | null) {
		this.application = application;
		this.#codes = codes;
		this.#template = template;
		this.#bare = template !== null && codes.length === 1 && Buffer.compare(template, bareTemplate) === 0 ? codes[0]! : null;
	}

	/** Null for a call that `callOf` has to prepare. */
	smallCallOf(payloads: Uint8Array, start: number, length: number): (Call & {readonly application: 'call'}) | null {
		if (this.application !== 'call' || (this.#constant === null && this.#bare === null)) {
			return null;
		}

		const args = readSmallArguments(payloads, start, length);
		return args === null ? null : {application: 'call', fn: this.instance(), args};
	}

	/** @throws {ImportUnderWay} Something in it has to be imported: call again when it is. */
	callOf(payload: Uint8Array): Call {
		if (this.#template === null) {
			const [fn, args] = decodeParts(payload, 2, 'worker', {codes: this.#codes});
			return {fn: fn as TaskFunction, args: args as unknown[]};
		}

		const fn = this.instance();
		return {fn, args: decodeParts(payload, 1, 'worker', {first: fn})[0] as unknown[]};
	}

	/** The argument lists of an `each` application. */
	itemsOf(payload: Uint8Array): ReadonlyArray<readonly unknown[]> {
		// Once ahead, so that what it needs is imported before the first call.
		this.instance();
		return decodeWithFunctions(payload, 'worker') as unknown[][];
	}

	/** The function as it was submitted: what an earlier call has changed is not seen. */
	instance(): TaskFunction {
		if (this.#constant !== null) {
			return this.#constant;
		}

		if (this.#bare !== null) {
			return this.#bare.create([], null) as TaskFunction;
		}

		const fn = decodeParts(this.#template!, 1, 'worker', {codes: this.#codes})[0] as TaskFunction;
		if (this.#codes.length === 0) {
			this.#constant = fn;
		}

		return fn;
	}
}

type Known = {readonly callable: ShippedCallable} | {readonly failure: unknown} | {readonly preparing: Promise<unknown>};

/** By the numbers that the parent gave them. */
export class Functions {
	readonly #functions = new Map<number, Known>();

	/** Starts importing what the function needs; whatever is wrong with it is told to the tasks that call it. */
	add(id: number, payload: Uint8Array): void {
		try {
			// Copied: the template stays, and the frames around it must not.
			const {application, codes, template} = decodeFunction(payload);
			const prepared = prepareCodes(codes);
			if (prepared instanceof Promise) {
				void this.#addPrepared(id, prepared, all => new ShippedCallable(application, all, template));
			} else {
				this.#functions.set(id, {callable: new ShippedCallable(application, prepared, template)});
			}
		} catch (error) {
			this.#functions.set(id, {failure: error});
		}
	}

	/** As `callOf` of the function with that number, which may not be known; null too where it is not ready. */
	smallCall(id: number, payloads: Uint8Array, start: number, length: number): ReturnType<ShippedCallable['smallCallOf']> {
		const known = this.#functions.get(id);
		return known !== undefined && 'callable' in known ? known.callable.smallCallOf(payloads, start, length) : null;
	}

	/** The parent will not name it again. */
	forget(id: number): void {
		this.#functions.delete(id);
	}

	/** @throws {ImportUnderWay} Call again when its imports are done. */
	get(id: number): ShippedCallable {
		const known = this.#functions.get(id);
		if (known === undefined) {
			throw new Error(`The parent sent a task before its function ${id}.`);
		}

		if ('callable' in known) {
			return known.callable;
		}

		if ('failure' in known) {
			throw known.failure;
		}

		throw new ImportUnderWay(known.preparing);
	}

	async #addPrepared(id: number, preparing: Promise<readonly PreparedCode[]>, create: (codes: readonly PreparedCode[]) => ShippedCallable): Promise<void> {
		this.#functions.set(id, {preparing: preparing.catch(() => undefined)});
		try {
			const callable = create(await preparing);
			this.#functions.set(id, {callable});
		} catch (error) {
			this.#functions.set(id, {failure: error});
		}
	}
}
