/**
 * Codes that are ready to make functions of: compiled, and with their imports at hand. Equal codes are prepared once per process.
 */
import process from 'node:process';
import {SerializationError, type SerializationSide} from '../errors.js';
import {isEarly, type Code} from './code.js';
import {
	compileFactory, compileLateFactory, type AnyFunction, type Factory, type LateFactory, type Unfilled,
} from './factory.js';
import {fixedValues, importFixed} from './fixed-values.js';
import {membersNow} from './own-properties.js';
import {setProvenance} from './provenance.js';
import {messageOf} from './reference-error.js';

const nameOf = (fn: AnyFunction): PropertyDescriptor | undefined => Object.getOwnPropertyDescriptor(fn, 'name');

/** A member of a class that is called `name` is no name: that one cannot be written to. */
const isName = (descriptor: PropertyDescriptor | undefined): boolean => descriptor === undefined || (descriptor.writable === false && typeof descriptor.value === 'string');

export class PreparedCode {
	readonly code: Code;
	/** How many of the captured values must be there before the function is. They are the first. */
	readonly earlyCount: number;
	readonly #fixed: readonly unknown[];
	#plain: Factory | null = null;
	#late: LateFactory | null = null;
	#selfReferring: Map<string, Factory> | null = null;
	/** Whether the text gives the functions another name; null until one was made. */
	#isRenamed: boolean | null = null;

	constructor(code: Code, fixed: readonly unknown[]) {
		this.code = code;
		this.#fixed = fixed;
		this.earlyCount = code.captured.filter(parameter => isEarly(parameter)).length;
	}

	/**
	 * A new function.
	 *
	 * @param values by position in `code.captured`; kept as its provenance
	 * @param selves the positions whose value is the function itself; null for none
	 */
	create(values: unknown[], selves: readonly number[] | null): AnyFunction {
		if (selves !== null) {
			return this.#createReferring(values, selves);
		}

		this.#plain ??= this.#compile(() => compileFactory(this.code));
		const factory = this.#plain;
		// Not as a method: an arrow function would have this object as its `this`.
		const fn = this.#fixed.length === 0 ? factory(...values) : factory(...this.#fixed, ...values);
		this.#finish(fn, values);
		return fn;
	}

	/** A new function whose variables are undefined until it is filled. May be filled again, with values for all but constants. */
	createLate(early: readonly unknown[]): Unfilled {
		this.#late ??= this.#compile(() => compileLateFactory(this.code));
		const {fn, fill, setPrivateStatics} = this.#evaluate(this.#late, early);
		const values: unknown[] = [...early];
		this.#finish(fn, values);
		return {
			fn,
			fill(late) {
				fill(late);
				for (const [index, value] of late.entries()) {
					values[early.length + index] = value;
				}
			},
			setPrivateStatics,
		};
	}

	#createReferring(values: unknown[], selves: readonly number[]): AnyFunction {
		this.#selfReferring ??= new Map();
		const key = selves.join(',');
		let factory = this.#selfReferring.get(key);
		if (factory === undefined) {
			factory = this.#compile(() => compileFactory(this.code, selves));
			this.#selfReferring.set(key, factory);
		}

		const fn = factory(...this.#fixed, ...values);
		for (const index of selves) {
			values[index] = fn;
		}

		this.#finish(fn, values);
		return fn;
	}

	#compile<T>(compile: () => T): T {
		try {
			return compile();
		} catch (error) {
			throw this.#error('does not compile', error);
		}
	}

	/** The text of a class runs when it is created: a superclass may be none. */
	#evaluate(factory: LateFactory, early: readonly unknown[]): Unfilled {
		try {
			return factory(...this.#fixed, ...early);
		} catch (error) {
			throw this.#error('cannot be created', error);
		}
	}

	#error(what: string, cause: unknown): SerializationError {
		const {name, url, line, column} = this.code;
		const place = url === null ? '' : ` from ${url}:${line + 1}:${column + 1}`;
		return new SerializationError(`The ${this.code.kind} ${name}${place} ${what} in this process, Node.js ${process.version}: ${messageOf(cause)}`, {
			side: 'worker',
			function: {
				name: name === '' ? null : name, url, line: url === null ? null : line + 1, column: url === null ? null : column + 1,
			},
			cause,
		});
	}

	#finish(fn: AnyFunction, values: readonly unknown[]): void {
		if (typeof fn !== 'function') {
			throw this.#error('is no function', null);
		}

		const {code} = this;
		this.#isRenamed ??= isName(nameOf(fn)) && (nameOf(fn)?.value ?? '') !== code.name;
		if (this.#isRenamed) {
			Object.defineProperty(fn, 'name', {value: code.name, configurable: true});
		}

		setProvenance(fn, {code, values, members: code.kind === 'class' ? membersNow(fn) : null});
	}
}

const prepared = new Map<string, PreparedCode | Promise<PreparedCode>>();
const rememberedCodes = 1000;

/**
 * A promise only while modules are being imported.
 *
 * @param side where this happens, for the error
 * @throws {SerializationError} `ERR_REFERENCE_MISSING` or `ERR_REFERENCE_IMPORT` naming module and parent, also out of the promise
 */
export function prepareCode(code: Code, side: SerializationSide = 'worker'): PreparedCode | Promise<PreparedCode> {
	const key = JSON.stringify([code.text, code.name, code.kind, code.isStrict, code.hasDynamicImport, code.url, code.line, code.column, code.fixed, code.captured]);
	const known = prepared.get(key);
	if (known !== undefined) {
		// The last one used is the last to be forgotten.
		prepared.delete(key);
		prepared.set(key, known);
		return known;
	}

	const imported = importFixed(code, side);
	const made = imported === undefined ? new PreparedCode(code, fixedValues(code, side)) : prepareAfter(imported, key, code, side);
	const [oldest] = prepared.keys();
	if (oldest !== undefined && prepared.size >= rememberedCodes) {
		prepared.delete(oldest);
	}

	if (made instanceof Promise) {
		// Whoever waits for it hears of a failure; it concerns nobody else.
		made.catch(() => undefined);
	}

	prepared.set(key, made);
	return made;
}

async function prepareAfter(imported: Promise<void>, key: string, code: Code, side: SerializationSide): Promise<PreparedCode> {
	try {
		await imported;
		const made = new PreparedCode(code, fixedValues(code, side));
		prepared.set(key, made);
		return made;
	} catch (error) {
		// A file that is missing now may be there at the next task.
		prepared.delete(key);
		throw error;
	}
}

/** As `prepareCode`, of several, whose imports start together. */
export function prepareCodes(codes: readonly Code[], side: SerializationSide = 'worker'): readonly PreparedCode[] | Promise<readonly PreparedCode[]> {
	const ready: PreparedCode[] = [];
	const underWay: Array<Promise<PreparedCode>> = [];
	for (const code of codes) {
		const made = prepareCode(code, side);
		if (made instanceof Promise) {
			underWay.push(made);
		} else {
			ready.push(made);
		}
	}

	return underWay.length === 0 ? ready : prepareAgain(underWay, codes, side);
}

async function prepareAgain(underWay: ReadonlyArray<Promise<PreparedCode>>, codes: readonly Code[], side: SerializationSide): Promise<readonly PreparedCode[]> {
	await Promise.all(underWay);
	return prepareCodes(codes, side);
}
