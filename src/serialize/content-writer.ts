/** What containers hold: the tokens of records, arrays, maps and sets. Part of the walk of `graph-writer.ts`. */
import {looksDense, namesOf, nextItem} from './array-keys.js';
import {Shapes} from './known-objects.js';
import {isNumberList, isPlainList} from './plain-text.js';
import {firstSizedCode, operation} from './wire.js';
import type {WritePosition} from './write-position.js';

/** From here on a list of primitives is handed to msgpackr whole. */
const manyItems = 8;

/** From here on a list of numbers travels as it lies in memory. */
const manyNumbers = 32;

/** The walk that containers are met in. */
export interface ContentWalk {
	readonly tokens: unknown[];
	readonly position: WritePosition;
	/** Null until there is one. */
	shapes: Shapes | null;
	write(value: unknown): void;
	writeText(text: string): void;
}

export function writeRecord(value: object, walk: ContentWalk): void {
	const record = value as Readonly<Record<string, unknown>>;
	const keys = Object.keys(record);
	const shape = walk.shapes?.numberOf(keys);
	if (shape === undefined && walk.shapes?.isFull()) {
		walk.tokens.push(null, operation.record);
		writeFields(keys.map(key => [key, record[key]]), walk);
		return;
	}

	if (shape === undefined) {
		writeNewShape(keys, walk);
	} else {
		walk.tokens.push(null, firstSizedCode + 1 + (2 * shape));
	}

	const {position} = walk;
	const depth = position.depth++;
	for (const key of keys) {
		position.steps[depth] = key;
		walk.write(record[key]);
	}

	position.depth = depth;
}

function writeNewShape(keys: string[], walk: ContentWalk): void {
	walk.shapes ??= new Shapes();
	walk.shapes.add(keys);
	walk.tokens.push(null, operation.newShape, keys.length);
	for (const key of keys) {
		walk.writeText(key);
	}
}

export function writeArray(array: readonly unknown[], walk: ContentWalk): void {
	const {length} = array;
	const names = namesOf(array);
	if (names.length > 0) {
		walk.tokens.push(null, operation.namedArray, length);
		writeItems(array, walk);
		writeFields(names.map(name => [name, (array as unknown as Readonly<Record<string, unknown>>)[name]]), walk);
		return;
	}

	let items = array;
	if (length >= manyItems && looksDense(array)) {
		// Of the copy, items can be read twice: accessors among them are not called again.
		items = Array.prototype.slice.call(array) as unknown[];
		if (length >= manyNumbers && isNumberList(items)) {
			const {buffer} = Float64Array.from(items);
			walk.tokens.push(null, operation.numbers, new Uint8Array(buffer));
			return;
		}

		if (isPlainList(items)) {
			walk.tokens.push(null, operation.primitives, items);
			return;
		}
	}

	walk.tokens.push(null, firstSizedCode + (2 * length));
	writeItems(items, walk);
}

function writeItems(items: readonly unknown[], walk: ContentWalk): void {
	const {position} = walk;
	const depth = position.depth++;
	for (let index = 0; index < items.length; index++) {
		const item = items[index];
		if (item === undefined && !(index in items)) {
			const next = nextItem(items, index);
			walk.tokens.push(null, operation.holes, next - index);
			index = next - 1;
		} else {
			position.steps[depth] = index;
			walk.write(item);
		}
	}

	position.depth = depth;
}

export function writeMap(map: ReadonlyMap<unknown, unknown>, walk: ContentWalk): void {
	// A copy, since a getter among the values may change the map.
	const entries = [...Map.prototype.entries.call(map) as Iterable<[unknown, unknown]>];
	walk.tokens.push(null, operation.map, entries.length);
	const {position} = walk;
	const depth = position.depth++;
	for (const [index, [key, value]] of entries.entries()) {
		position.steps[depth] = typeof key === 'string' ? key : index;
		walk.write(key);
		walk.write(value);
	}

	position.depth = depth;
}

export function writeSet(set: ReadonlySet<unknown>, walk: ContentWalk): void {
	const members = [...Set.prototype.values.call(set) as Iterable<unknown>];
	walk.tokens.push(null, operation.set, members.length);
	writeItems(members, walk);
}

export function writeFields(fields: ReadonlyArray<readonly [string, unknown]>, walk: ContentWalk): void {
	walk.tokens.push(fields.length);
	const {position} = walk;
	const depth = position.depth++;
	for (const [key, value] of fields) {
		position.steps[depth] = key;
		walk.writeText(key);
		walk.write(value);
	}

	position.depth = depth;
}
