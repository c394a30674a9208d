/**
 * Which functions a pool has been told of, by number. A function is described once and travels once per worker.
 */
import {Buffer} from 'node:buffer';
import {describeFunction, type FunctionReference} from './functions/function-reference.js';
import {encodeFunction, type Application} from './functions/shipped-function.js';

/** Any function that a caller may submit. */
export type AnyFunction = (...args: never[]) => unknown;

/** Gives numbers to functions; what it has not seen it registers. */
export class FunctionRegistry {
	readonly #register: (id: number, payload: Uint8Array) => void;
	/** By description, which is one object as long as it holds: the way that is taken a million times. */
	readonly #byReference: Readonly<Record<Application, WeakMap<FunctionReference, number>>> = {call: new WeakMap(), each: new WeakMap()};
	/** By content: the same source in another function object is the same function. */
	readonly #byContent = new Map<string, number>();

	constructor(register: (id: number, payload: Uint8Array) => void) {
		this.#register = register;
	}

	/** @throws {SerializationError} The function cannot travel. */
	idOf(fn: AnyFunction, application: Application): number {
		// Each time anew: a global that it uses may have been replaced since.
		const reference = describeFunction(fn);
		const known = this.#byReference[application].get(reference);
		if (known !== undefined) {
			return known;
		}

		const id = this.#idOfContent(encodeFunction({reference, application}));
		this.#byReference[application].set(reference, id);
		return id;
	}

	#idOfContent(payload: Uint8Array): number {
		const content = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1');
		let id = this.#byContent.get(content);
		if (id === undefined) {
			id = this.#byContent.size + 1;
			this.#register(id, payload);
			this.#byContent.set(content, id);
		}

		return id;
	}
}
