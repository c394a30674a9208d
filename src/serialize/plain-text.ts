/** Which strings and items msgpackr carries unchanged. */

const {isWellFormed} = String.prototype as unknown as {isWellFormed(this: string): boolean};
const byteOrderMark = 0xFE_FF;

/** UTF-8 cannot carry half a surrogate pair, and msgpackr's decoder swallows a leading byte order mark. */
export const travelsAsUtf8 = (text: string): boolean => isWellFormed.call(text) && text.charCodeAt(0) !== byteOrderMark;

function isPlainItem(item: unknown): boolean {
	switch (typeof item) {
		case 'number': {
			return item !== 0 || 1 / item > 0;
		}

		case 'string': {
			return travelsAsUtf8(item);
		}

		case 'boolean': {
			return true;
		}

		default: {
			return item === null;
		}
	}
}

/** @returns whether msgpackr carries the whole list: no holes, no -0, nothing but primitives. */
export function isPlainList(items: readonly unknown[]): boolean {
	// By index: the iterator and `every` cost several times as much, or skip holes.
	// eslint-disable-next-line unicorn/no-for-loop
	for (let index = 0; index < items.length; index++) {
		if (!isPlainItem(items[index])) {
			return false;
		}
	}

	return true;
}
