/** Arrays that are more than a row of items: holes, and properties besides the items. */
import {inspect} from 'node:util';

/** Up to here `Object.keys` is the cheapest way to find properties that are no items. */
const fewItems = 64;

/** Holes looked at one by one, before all keys are listed to find the next item. */
const fewHoles = 64;

/** From here on holes are expected: walking over them one by one could take minutes. */
const hugeLength = 1_000_000;

const isIndexBelow = (key: string, length: number): boolean => {
	const index = Number(key);
	return index < length && String(index) === key;
};

const none: readonly string[] = [];

/** @returns the names of an array's properties that are no items. Its cost depends on the length only if there are some. */
export function namesOf(array: readonly unknown[]): readonly string[] {
	const {length} = array;
	// The only way to ask V8 for such names without a list of all the indexes.
	if (length > fewItems && inspect(array, {maxArrayLength: 0, depth: 0, customInspect: false}) === `[ ... ${length} more items ]`) {
		return none;
	}

	const keys = Object.keys(array);
	// Indexes come first: the last key tells whether there is anything else.
	if (keys.length === 0 || isIndexBelow(keys.at(-1)!, length)) {
		return none;
	}

	let first = keys.length;
	while (first > 0 && !isIndexBelow(keys[first - 1]!, length)) {
		first--;
	}

	return keys.slice(first);
}

/** @returns whether the array can be copied in a time that its items account for. */
export const looksDense = (array: readonly unknown[]): boolean => {
	const {length} = array;
	return length < hugeLength || (0 in array && (length - 1) in array && Math.floor(length / 2) in array);
};

/** @returns the index of the first item after the hole at `hole`, or the length. */
export function nextItem(array: readonly unknown[], hole: number): number {
	const {length} = array;
	const near = Math.min(length, hole + fewHoles);
	for (let index = hole + 1; index < near; index++) {
		if (index in array) {
			return index;
		}
	}

	if (near === length) {
		return length;
	}

	return Number(Object.keys(array).find(key => Number(key) >= near && isIndexBelow(key, length)) ?? length);
}
