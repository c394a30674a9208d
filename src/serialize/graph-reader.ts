/** Rebuilds a value from the tokens of a payload: see wire.ts. Trusts none of them. */
import {createBuffer, createView} from './buffer-reader.js';
import {
	createContainer, createError, define, isError, isMap, isRecord, isSet, type Container,
} from './containers.js';
import {hiddenFields} from './error-fields.js';
import {hasFlag} from './flags.js';
import {FunctionReader} from './function-reader.js';
import {
	createLeaf, malformed, readBigint, readUtf16,
} from './leaf-reader.js';
import {
	plainContext, type ObjectSource, type ReadingContext, type Target,
} from './object-source.js';
import {
	firstSizedCode, hasCodes, hasReferences, laterKind, maxNesting, operation, viewKinds,
} from './wire.js';

const float64Kind = viewKinds.indexOf('Float64Array');

/** Holes that a payload may fill arrays with before they are made of dictionaries: a few bytes must not take gigabytes. */
const freeHoles = 100_000;

const maxArrayLength = (2 ** 32) - 1;

/** One level for the writer may be several operations here: a decorated function in a cell. */
const maxOperations = 4 * maxNesting;

export class GraphReader implements ObjectSource {
	readonly context: ReadingContext;
	/** The codes that the payload brings, as they lie in the header; undefined when it brings none. */
	readonly codes: unknown;
	readonly #tokens: readonly unknown[];
	#position = 1;
	/** By number. Undefined while what a function needs to be created is read. */
	readonly #objects: Array<object | symbol | undefined> | null;
	readonly #buffers: readonly ArrayBuffer[] | null;
	#shapes: Array<readonly string[]> | null = null;
	#putOff: Array<Exclude<Target, null>> | null = null;
	#nesting = 0;
	#freeHoles = freeHoles;
	#functions: FunctionReader | null = null;

	constructor(tokens: unknown, context: ReadingContext = plainContext) {
		this.context = context;
		if (!Array.isArray(tokens)) {
			throw malformed('a payload is a list');
		}

		this.#tokens = tokens;
		const header: unknown = tokens[0];
		if (Array.isArray(header)) {
			const flags: unknown = header[0];
			const bringsCodes = typeof flags === 'number' && hasFlag(flags, hasCodes);
			this.codes = bringsCodes ? header[1] : undefined;
			this.#buffers = header.slice(bringsCodes ? 2 : 1).map(bytes => createBuffer(bytes));
			this.#objects = typeof flags === 'number' && hasFlag(flags, hasReferences) ? [] : null;
		} else {
			this.codes = undefined;
			this.#buffers = null;
			this.#objects = header === hasReferences ? [] : null;
		}

		if (context.first !== null) {
			this.#objects?.push(context.first);
		}
	}

	/** @returns the value, which the tokens must describe to the last one. */
	readRoot(): unknown {
		const root = this.read();
		this.#readRest();
		return root;
	}

	/** As `readRoot`, of several. */
	readRoots(count: number): unknown[] {
		const roots: unknown[] = [];
		while (roots.length < count) {
			roots.push(this.read());
		}

		this.#readRest();
		return roots;
	}

	next(): unknown {
		if (this.#position >= this.#tokens.length) {
			throw malformed('there are tokens too few');
		}

		return this.#tokens[this.#position++];
	}

	/** @returns a token that counts something. */
	count(): number {
		const token = this.next();
		if (typeof token !== 'number' || !Number.isSafeInteger(token) || token < 0) {
			throw malformed('a count is none');
		}

		return token;
	}

	text(): string {
		const text = this.read();
		if (typeof text !== 'string') {
			throw malformed('a text is none');
		}

		return text;
	}

	read(): unknown {
		const token = this.#tokens[this.#position++];
		if (token === null) {
			return this.#readOperation(null);
		}

		// Past the end, the token is undefined.
		if (typeof token === 'object' || typeof token === 'function' || this.#position > this.#tokens.length) {
			throw malformed('a token is out of place');
		}

		return token;
	}

	/** @returns the ArrayBuffer whose number comes next. */
	buffer(): ArrayBuffer {
		const buffer = this.#buffers?.[this.count()];
		if (buffer === undefined) {
			throw malformed('an ArrayBuffer is missing');
		}

		return buffer;
	}

	begin(): number {
		return this.#objects === null ? -1 : this.#objects.push(undefined) - 1;
	}

	place(number: number, object: object): void {
		if (this.#objects !== null) {
			this.#objects[number] = object;
		}
	}

	add<T extends object | symbol>(object: T): T {
		this.#objects?.push(object);
		return object;
	}

	enter(): void {
		if (++this.#nesting > maxOperations) {
			throw malformed('containers are nested too deep');
		}
	}

	leave(): void {
		this.#nesting--;
	}

	takeOperation(code: number): boolean {
		const isNext = this.#tokens[this.#position] === null && this.#tokens[this.#position + 1] === code;
		this.#position += isNext ? 2 : 0;
		return isNext;
	}

	readInto(target: Target): unknown {
		if (this.next() !== null) {
			throw malformed('a token is out of place');
		}

		return this.#readOperation(target);
	}

	#readRest(): void {
		if (this.#putOff !== null) {
			this.#readPutOff(this.#putOff);
		}

		if (this.#position !== this.#tokens.length) {
			throw malformed('there are tokens too many');
		}

		this.#functions?.finish();
	}

	#readPutOff(targets: ReadonlyArray<Exclude<Target, null>>): void {
		// The list grows while it is worked off.
		for (const target of targets) {
			this.readInto(target);
		}
	}

	/** @param target the container that was announced as coming later, if this is its turn */
	#readOperation(target: Target): unknown {
		const code = this.count();
		if (code >= firstSizedCode) {
			return this.#readSized(code - firstSizedCode, target);
		}

		switch (code) {
			case operation.newShape: {
				return this.#readNewShape(target);
			}

			case operation.record: {
				return this.#readFields(this.#begin(target, isRecord, () => ({})));
			}

			case operation.namedArray: {
				const array = this.#readItems(this.count(), target);
				return this.#readFields(array);
			}

			case operation.primitives: {
				return this.#readPrimitives(target);
			}

			case operation.numbers: {
				return this.#readNumbers(target);
			}

			case operation.map: {
				return this.#readMap(target);
			}

			case operation.set: {
				return this.#readSet(target);
			}

			case operation.error: {
				return this.#readError(target);
			}

			default: {
				if (code >= operation.function) {
					this.#functions ??= new FunctionReader(this);
					return this.#functions.read(code, target);
				}

				if (target !== null) {
					throw malformed('a container is none');
				}

				return code === operation.later ? this.#readLater() : this.#readLeaf(code);
			}
		}
	}

	/** Numbers a new object, unless it was numbered when it was announced. */
	#begin<T extends Container>(target: Target, isKind: (container: Container) => container is T, create: () => T): T {
		if (target === null) {
			return this.add(create());
		}

		if (!isKind(target as Container)) {
			throw malformed('a container changes its kind');
		}

		return target as T;
	}

	#readSized(size: number, target: Target): unknown {
		if (size % 2 === 0) {
			return this.#readItems(size / 2, target);
		}

		const keys = this.#shapes?.[(size - 1) / 2];
		if (keys === undefined) {
			throw malformed('a shape is unknown');
		}

		return this.#readValues(keys, target);
	}

	#readNewShape(target: Target): unknown {
		const count = this.count();
		const keys: string[] = [];
		while (keys.length < count) {
			keys.push(this.text());
		}

		this.#shapes ??= [];
		this.#shapes.push(keys);
		return this.#readValues(keys, target);
	}

	#readValues(keys: readonly string[], target: Target): unknown {
		const record = this.#begin<Record<string, unknown>>(target, isRecord, () => ({}));
		this.enter();
		for (const key of keys) {
			// Assigned, it would set the prototype.
			if (key === '__proto__') {
				define(record, key, this.read());
			} else {
				record[key] = this.read();
			}
		}

		this.#nesting--;
		return record;
	}

	#readItems(length: number, target: Target): unknown[] {
		if (length > maxArrayLength) {
			throw malformed('an array is too long');
		}

		const array = this.#begin<unknown[]>(target, Array.isArray, () => []);
		this.enter();
		while (array.length < length) {
			if (this.#tokens[this.#position] === null && this.#tokens[this.#position + 1] === operation.holes) {
				this.#position += 2;
				this.#addHoles(array, Math.min(length, array.length + this.count()));
			} else {
				array.push(this.read());
			}
		}

		this.#nesting--;
		return array;
	}

	#addHoles(array: unknown[], length: number): void {
		this.#freeHoles -= length - array.length;
		if (this.#freeHoles < 0) {
			// Turns the array into a dictionary, in which holes take no memory.
			array.length = maxArrayLength;
		}

		array.length = length;
	}

	#readPrimitives(target: Target): unknown[] {
		const items = this.next();
		if (!Array.isArray(items) || items.some(item => typeof item === 'object' && item !== null)) {
			throw malformed('a list of primitives is none');
		}

		return this.#become(items as unknown[], target);
	}

	#readNumbers(target: Target): unknown[] {
		const numbers = createView(float64Kind, createBuffer(this.next()), 0) as Float64Array;
		const items: unknown[] = [];
		// The iterator, and Array.from with it, cost several times as much.
		let index = 0;
		while (index < numbers.length) {
			items.push(numbers[index++]);
		}

		return this.#become(items, target);
	}

	/** Gives the items to the array that was announced, or makes them an array of their own. */
	#become(items: unknown[], target: Target): unknown[] {
		const array = this.#begin<unknown[]>(target, Array.isArray, () => items);
		if (array !== items) {
			for (const item of items) {
				array.push(item);
			}
		}

		return array;
	}

	#readMap(target: Target): Map<unknown, unknown> {
		const size = this.count();
		const map = this.#begin(target, isMap, () => new Map<unknown, unknown>());
		this.enter();
		for (let index = 0; index < size; index++) {
			const key = this.read();
			map.set(key, this.read());
		}

		this.#nesting--;
		return map;
	}

	#readSet(target: Target): Set<unknown> {
		const set = this.#begin(target, isSet, () => new Set<unknown>());
		const size = this.count();
		this.enter();
		for (let index = 0; index < size; index++) {
			set.add(this.read());
		}

		this.#nesting--;
		return set;
	}

	#readError(target: Target): Error {
		const made = createError(this.text());
		return this.#readFields(this.#begin(target, isError, () => made));
	}

	#readFields<T extends object>(target: T): T {
		const count = this.count();
		const hides = target instanceof Error;
		this.enter();
		for (let index = 0; index < count; index++) {
			const key = this.text();
			define(target, key, this.read(), !(hides && hiddenFields.has(key)));
		}

		this.#nesting--;
		return target;
	}

	#readLater(): unknown {
		const kind = this.count();
		this.#putOff ??= [];
		if (kind < laterKind.function) {
			const container = this.add(createContainer(kind, this));
			this.#putOff.push(container);
			return container;
		}

		this.#functions ??= new FunctionReader(this);
		const announced = this.#functions.announce(kind);
		this.#putOff.push(announced);
		return announced.object;
	}

	#readReduced(): object {
		const bytes = this.next();
		if (this.context.rebuild === null) {
			throw malformed('a reduced object where none may be');
		}

		return this.add(this.context.rebuild(bytes));
	}

	#readLeaf(code: number): unknown {
		switch (code) {
			case operation.null: {
				return null;
			}

			case operation.negativeZero: {
				return -0;
			}

			case operation.bigint: {
				return readBigint(this.text());
			}

			case operation.utf16: {
				return readUtf16(this.next());
			}

			case operation.reference: {
				const object = this.#objects?.[this.count()];
				if (object === undefined) {
					throw malformed('an object is referred to that is none');
				}

				return object;
			}

			case operation.reduced: {
				return this.#readReduced();
			}

			default: {
				return this.add(createLeaf(code, this));
			}
		}
	}
}
