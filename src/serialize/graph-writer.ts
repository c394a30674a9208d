/** Walks a value once and writes the tokens of its payload: see wire.ts. Each property is read once. */
import {Buffer} from 'node:buffer';
import {types} from 'node:util';
import {SerializationError, type PathStep, type SerializationSide} from '../errors.js';
import {looksDense, namesOf, nextItem} from './array-keys.js';
import {BufferTable} from './buffer-table.js';
import {errorClassOf, errorFields} from './error-fields.js';
import {Identities, Shapes} from './known-objects.js';
import {writeLeaf} from './leaves.js';
import {isNumberList, isPlainList, travelsAsUtf8} from './plain-text.js';
import {pathText, refusal, unclonableKind} from './refusal.js';
import {
	firstSizedCode, hasReferences, laterKind, maxNesting, operation,
} from './wire.js';

/** Where a part of the value hangs: the steps from its own root, and where that hangs. */
type Trail = {readonly parent: Trail | null; readonly steps: readonly PathStep[]};
type PutOff = {readonly value: object; readonly trail: Trail; readonly level: number};

const minInt64 = -(2n ** 63n);
const maxUint64 = (2n ** 64n) - 1n;

/** From here on a list of primitives is handed to msgpackr whole. */
const manyItems = 8;

/** From here on a list of numbers travels as it lies in memory. */
const manyNumbers = 32;

/** Knows the objects that travel otherwise. */
export interface ReductionWriter {
	/** The payload of what a reducer made of the object; undefined where it has none. */
	bytesOf(value: object, path: () => readonly PathStep[]): Uint8Array | undefined;
}

export class GraphWriter {
	/** The first is the header, written last. */
	readonly tokens: unknown[] = [0];
	readonly #side: SerializationSide;
	readonly #maxDepth: number;
	readonly #identities = new Identities();
	#flags = 0;
	#shapes: Shapes | null = null;
	#buffers: BufferTable | null = null;
	#putOff: PutOff[] | null = null;
	/** Steps from the root of the current part to the current value; only the first `#depth` count. */
	readonly #steps: PathStep[] = [];
	#depth = 0;
	/** The level of the current part's root. */
	#level = 0;
	/** The depth from which on containers are put off. */
	#nestingLimit: number;
	/** Where the current part hangs; for the first part nowhere. */
	#trail: Trail | null = null;
	readonly #root: readonly PathStep[];
	readonly #reduction: ReductionWriter | null;

	constructor(side: SerializationSide, root: readonly PathStep[], maxDepth: number, reduction: ReductionWriter | null) {
		this.#side = side;
		this.#reduction = reduction;
		this.#root = root;
		this.#maxDepth = maxDepth;
		this.#nestingLimit = Math.min(maxNesting, maxDepth);
	}

	/** @returns the tokens of the whole graph under `root`. */
	writeRoot(root: unknown): unknown[] {
		this.write(root);
		if (this.#putOff !== null) {
			this.#writePutOff(this.#putOff);
		}

		this.tokens[0] = this.#buffers === null ? this.#flags : [this.#flags, ...this.#buffers.finish(this.tokens)];
		return this.tokens;
	}

	/** @returns the steps from the root of everything to the value that is being written. */
	path(): PathStep[] {
		const parts: Array<readonly PathStep[]> = [this.#steps.slice(0, this.#depth)];
		for (let trail: Trail | null = this.#trail; trail !== null; trail = trail.parent) {
			parts.push(trail.steps);
		}

		return [...this.#root, ...parts.toReversed().flat()];
	}

	/** @returns the error for a value of that kind, found here. */
	refuse(kind: string): SerializationError {
		return refusal(kind, this.path(), this.#side);
	}

	buffers(): BufferTable {
		this.#buffers ??= new BufferTable();
		return this.#buffers;
	}

	write(value: unknown): void {
		switch (typeof value) {
			case 'number': {
				// Msgpackr takes -0 for an integer.
				if (value === 0 && 1 / value < 0) {
					this.tokens.push(null, operation.negativeZero);
				} else {
					this.tokens.push(value);
				}

				break;
			}

			case 'string': {
				this.#writeText(value);
				break;
			}

			case 'boolean':
			case 'undefined': {
				this.tokens.push(value);
				break;
			}

			case 'object': {
				if (value === null) {
					this.tokens.push(null, operation.null);
				} else {
					this.#writeObject(value);
				}

				break;
			}

			case 'bigint': {
				if (value >= minInt64 && value <= maxUint64) {
					this.tokens.push(value);
				} else {
					this.tokens.push(null, operation.bigint, value.toString(16));
				}

				break;
			}

			case 'function':
			case 'symbol': {
				throw this.refuse(`a ${typeof value}`);
			}
		}
	}

	#writePutOff(parts: readonly PutOff[]): void {
		// The list grows while it is worked off.
		for (const {value, trail, level} of parts) {
			this.#trail = trail;
			this.#level = level;
			this.#nestingLimit = Math.min(maxNesting, this.#maxDepth - level);
			this.#depth = 0;
			this.#writeContents(value);
		}
	}

	#writeText(text: string): void {
		if (travelsAsUtf8(text)) {
			this.tokens.push(text);
		} else {
			this.tokens.push(null, operation.utf16, Buffer.from(text, 'utf16le'));
		}
	}

	#writeObject(value: object): void {
		const known = this.#identities.numberOf(value);
		if (known !== undefined) {
			this.#flags = hasReferences;
			this.tokens.push(null, operation.reference, known);
			return;
		}

		const reduced = this.#reduction?.bytesOf(value, () => this.path());
		if (reduced !== undefined) {
			this.tokens.push(null, operation.reduced, reduced);
			return;
		}

		if (this.#depth < this.#nestingLimit) {
			this.#writeContents(value);
		} else {
			this.#writeLater(value);
		}
	}

	#writeContents(value: object): void {
		if (Array.isArray(value)) {
			this.#writeArray(value);
			return;
		}

		const prototype = Object.getPrototypeOf(value) as object | null;
		if (prototype === Object.prototype || prototype === null) {
			this.#writeRecord(value);
		} else if (types.isMap(value)) {
			this.#writeMap(value);
		} else if (types.isSet(value)) {
			this.#writeSet(value);
		} else if (types.isNativeError(value)) {
			this.tokens.push(null, operation.error, errorClassOf(value));
			this.#writeFields(errorFields(value));
		} else if (!writeLeaf(value, this)) {
			this.#writeInstance(value, prototype);
		}
	}

	/** Writes but the kind of a container, so that neither end's stack grows with the depth of a value. */
	#writeLater(value: object): void {
		const level = this.#level + this.#depth;
		if (level >= this.#maxDepth) {
			const path = this.path();
			throw new SerializationError(`${pathText(path)} lies more than ${this.#maxDepth} levels deep. Pass a flatter value: an array in place of a linked list.`, {
				side: this.#side, path, code: 'ERR_TOO_DEEP',
			});
		}

		if (Array.isArray(value)) {
			this.tokens.push(null, operation.later, laterKind.array);
		} else if (types.isMap(value)) {
			this.tokens.push(null, operation.later, laterKind.map);
		} else if (types.isSet(value)) {
			this.tokens.push(null, operation.later, laterKind.set);
		} else if (types.isNativeError(value)) {
			this.tokens.push(null, operation.later, laterKind.error, errorClassOf(value));
		} else if (writeLeaf(value, this)) {
			return;
		} else {
			this.tokens.push(null, operation.later, laterKind.record);
		}

		this.#putOff ??= [];
		this.#putOff.push({value, trail: {parent: this.#trail, steps: this.#steps.slice(0, this.#depth)}, level});
	}

	/** An instance arrives as a plain object, as by structured clone. */
	#writeInstance(value: object, prototype: object): void {
		const kind = unclonableKind(value, prototype);
		if (kind !== false) {
			throw this.refuse(kind);
		}

		this.#writeRecord(value);
	}

	#writeRecord(value: object): void {
		const record = value as Readonly<Record<string, unknown>>;
		const keys = Object.keys(record);
		const shape = this.#shapes?.numberOf(keys);
		if (shape === undefined && this.#shapes?.isFull()) {
			this.tokens.push(null, operation.record);
			this.#writeFields(keys.map(key => [key, record[key]]));
			return;
		}

		if (shape === undefined) {
			this.#writeNewShape(keys);
		} else {
			this.tokens.push(null, firstSizedCode + 1 + (2 * shape));
		}

		const depth = this.#depth++;
		for (const key of keys) {
			this.#steps[depth] = key;
			this.write(record[key]);
		}

		this.#depth = depth;
	}

	#writeNewShape(keys: string[]): void {
		this.#shapes ??= new Shapes();
		this.#shapes.add(keys);
		this.tokens.push(null, operation.newShape, keys.length);
		for (const key of keys) {
			this.#writeText(key);
		}
	}

	#writeArray(array: readonly unknown[]): void {
		const {length} = array;
		const names = namesOf(array);
		if (names.length > 0) {
			this.tokens.push(null, operation.namedArray, length);
			this.#writeItems(array);
			this.#writeFields(names.map(name => [name, (array as unknown as Readonly<Record<string, unknown>>)[name]]));
			return;
		}

		let items = array;
		if (length >= manyItems && looksDense(array)) {
			// Of the copy, items can be read twice: accessors among them are not called again.
			items = Array.prototype.slice.call(array) as unknown[];
			if (length >= manyNumbers && isNumberList(items)) {
				const {buffer} = Float64Array.from(items);
				this.tokens.push(null, operation.numbers, new Uint8Array(buffer));
				return;
			}

			if (isPlainList(items)) {
				this.tokens.push(null, operation.primitives, items);
				return;
			}
		}

		this.tokens.push(null, firstSizedCode + (2 * length));
		this.#writeItems(items);
	}

	#writeItems(items: readonly unknown[]): void {
		const depth = this.#depth++;
		for (let index = 0; index < items.length; index++) {
			const item = items[index];
			if (item === undefined && !(index in items)) {
				const next = nextItem(items, index);
				this.tokens.push(null, operation.holes, next - index);
				index = next - 1;
			} else {
				this.#steps[depth] = index;
				this.write(item);
			}
		}

		this.#depth = depth;
	}

	#writeMap(map: ReadonlyMap<unknown, unknown>): void {
		// A copy, since a getter among the values may change the map.
		const entries = [...Map.prototype.entries.call(map) as Iterable<[unknown, unknown]>];
		this.tokens.push(null, operation.map, entries.length);
		const depth = this.#depth++;
		for (const [index, [key, value]] of entries.entries()) {
			this.#steps[depth] = typeof key === 'string' ? key : index;
			this.write(key);
			this.write(value);
		}

		this.#depth = depth;
	}

	#writeSet(set: ReadonlySet<unknown>): void {
		const members = [...Set.prototype.values.call(set) as Iterable<unknown>];
		this.tokens.push(null, operation.set, members.length);
		this.#writeItems(members);
	}

	#writeFields(fields: ReadonlyArray<readonly [string, unknown]>): void {
		this.tokens.push(fields.length);
		const depth = this.#depth++;
		for (const [key, value] of fields) {
			this.#steps[depth] = key;
			this.#writeText(key);
			this.write(value);
		}

		this.#depth = depth;
	}
}
