/** What a payload has already described: objects by identity, lists of keys by content. */
import {maxShapes} from './wire.js';

/** Objects up to here are looked for one by one, which beats a Map. */
const fewObjects = 8;

export class Identities {
	readonly #objects: Array<object | symbol> = [];
	#numbers: Map<object | symbol, number> | null = null;

	/** @returns the number of an object already met; another gets the next one. */
	numberOf(value: object | symbol): number | undefined {
		if (this.#numbers !== null) {
			const number = this.#numbers.get(value);
			if (number === undefined) {
				this.#numbers.set(value, this.#numbers.size);
			}

			return number;
		}

		const objects = this.#objects;
		for (let index = objects.length - 1; index >= 0; index--) {
			if (objects[index] === value) {
				return index;
			}
		}

		if (objects.push(value) > fewObjects) {
			this.#numbers = new Map(objects.map((object, index) => [object, index]));
		}

		return undefined;
	}
}

const isSame = (some: readonly string[], others: readonly string[]): boolean => {
	let index = some.length;
	if (index !== others.length) {
		return false;
	}

	while (index > 0 && some[index - 1] === others[index - 1]) {
		index--;
	}

	return index === 0;
};

/** Lists of keys, as objects that look alike share them. Few, since they are searched one by one. */
export class Shapes {
	readonly #shapes: Array<readonly string[]> = [];

	isFull(): boolean {
		return this.#shapes.length === maxShapes;
	}

	add(keys: readonly string[]): void {
		this.#shapes.push(keys);
	}

	numberOf(keys: readonly string[]): number | undefined {
		for (let number = this.#shapes.length - 1; number >= 0; number--) {
			if (isSame(this.#shapes[number]!, keys)) {
				return number;
			}
		}

		return undefined;
	}
}
