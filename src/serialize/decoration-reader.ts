/** What an object has besides its own kind: another prototype, properties with attributes, and that it is frozen. */
import {hasFlag} from './flags.js';
import {malformed} from './leaf-reader.js';
import type {ObjectSource, Target} from './object-source.js';
import {attribute, decoration} from './wire.js';

const {freeze, preventExtensions, seal} = Object;
const {defineProperty, deleteProperty, setPrototypeOf} = Reflect;

export class DecorationReader {
	readonly #source: ObjectSource;
	/** What other code of this process uses too: no payload changes it. */
	readonly #protected = new Set<object>();
	/** Objects are closed when nothing is added any more. */
	readonly #closed: Array<readonly [object: object, flags: number]> = [];

	constructor(source: ObjectSource) {
		this.#source = source;
	}

	protect<T extends object>(object: T): T {
		this.#protected.add(object);
		return object;
	}

	/** The prototype of a function is treated as the function is. */
	follow(fn: object, prototype: object): void {
		if (this.#protected.has(fn)) {
			this.#protected.add(prototype);
		}
	}

	/**
	@param target what was announced, if this is its turn
	@param announced the object itself, if only the decoration was put off
	*/
	read(target: Target, announced: object | null): object {
		const flags = this.#source.count();
		this.#source.enter();
		const object = this.#readObject(flags, target, announced);
		if (hasFlag(flags, decoration.prototype)) {
			this.#readPrototype(object);
		}

		if (hasFlag(flags, decoration.properties)) {
			this.#readProperties(object);
		}

		if (hasFlag(flags, decoration.deletions)) {
			this.#readDeletions(object);
		}

		this.#source.leave();
		if (flags >= decoration.nonExtensible) {
			this.#closed.push([object, flags]);
		}

		return object;
	}

	finish(): void {
		for (const [object, flags] of this.#closed) {
			if (hasFlag(flags, decoration.frozen)) {
				freeze(object);
			} else if (hasFlag(flags, decoration.sealed)) {
				seal(object);
			} else {
				preventExtensions(object);
			}
		}
	}

	#readObject(flags: number, target: Target, announced: object | null): object {
		if (hasFlag(flags, decoration.announced) === (announced === null)) {
			throw malformed('a decoration is out of place');
		}

		const object = announced ?? this.#source.readInto(target);
		if ((typeof object !== 'object' && typeof object !== 'function') || object === null || this.#protected.has(object)) {
			throw malformed('what is decorated is no object of the payload');
		}

		return object;
	}

	#readPrototype(object: object): void {
		const prototype = this.#source.read();
		if (typeof prototype !== 'object' && typeof prototype !== 'function') {
			throw malformed('a prototype is none');
		}

		mustBe(setPrototypeOf(object, prototype));
	}

	#readProperties(object: object): void {
		let count = this.#source.count();
		while (count-- > 0) {
			const key = this.#readKey();
			const attributes = this.#source.count();
			const shared = {
				enumerable: hasFlag(attributes, attribute.enumerable),
				configurable: hasFlag(attributes, attribute.configurable),
			};
			const descriptor = hasFlag(attributes, attribute.accessor)
				? {...shared, get: this.#source.read() as () => unknown, set: this.#source.read() as (value: unknown) => void}
				: {...shared, writable: hasFlag(attributes, attribute.writable), value: this.#source.read()};
			mustBe(defineProperty(object, key, descriptor));
		}
	}

	#readDeletions(object: object): void {
		let count = this.#source.count();
		while (count-- > 0) {
			mustBe(deleteProperty(object, this.#readKey()));
		}
	}

	#readKey(): string | symbol {
		const key = this.#source.read();
		if (typeof key !== 'string' && typeof key !== 'symbol') {
			throw malformed('a key is none');
		}

		return key;
	}
}

function mustBe(isDone: boolean): void {
	if (!isDone) {
		throw malformed('an object cannot be decorated');
	}
}
