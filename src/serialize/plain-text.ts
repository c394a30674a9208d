/** Which strings and items msgpackr carries unchanged. */

const {isWellFormed} = String.prototype as unknown as {isWellFormed(this: string): boolean};
const byteOrderMark = '\uFEFF';

/** UTF-8 cannot carry half a surrogate pair, and msgpackr's decoder swallows a leading byte order mark. */
export const travelsAsUtf8 = (text: string): boolean => isWellFormed.call(text) && !text.startsWith(byteOrderMark);

/** @returns whether msgpackr carries the whole list: no holes, no -0, nothing but primitives. */
export function isPlainList(items: readonly unknown[]): boolean {
	// By index: `every` skips holes, and the iterator costs several times as much.
	let index = items.length;
	while (index > 0) {
		const item = items[--index];
		const isPlain = typeof item === 'string' ? travelsAsUtf8(item) : (typeof item === 'number' ? item !== 0 || 1 / item > 0 : typeof item === 'boolean' || item === null);
		if (!isPlain) {
			return false;
		}
	}

	return true;
}

/** @returns whether the list holds numbers only. */
export function isNumberList(items: readonly unknown[]): items is readonly number[] {
	let index = items.length;
	while (index > 0) {
		if (typeof items[--index] !== 'number') {
			return false;
		}
	}

	return true;
}
