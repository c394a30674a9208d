/**
 * The functions that the parent has shipped to this worker.
 */
import {resolveFunction} from '../functions/resolve-function.js';
import {decodeFunction, type Application} from '../functions/shipped-function.js';

/** A function that is ready to be called. */
export interface CallableFunction {
	readonly fn: (...args: unknown[]) => unknown;
	readonly application: Application;
}

/** By the numbers that the parent gave them. */
export class Functions {
	readonly #functions = new Map<number, CallableFunction | Promise<CallableFunction>>();

	/** Starts importing what the function needs; whatever is wrong with it is told to the tasks that call it. */
	add(id: number, payload: Uint8Array): void {
		const resolving = this.#resolve(id, payload);
		this.#functions.set(id, resolving);
		// The tasks await it: here a failure has no consequence.
		resolving.catch(() => undefined);
	}

	/** No later task calls it; one that runs has it in its own hands. */
	forget(id: number): void {
		this.#functions.delete(id);
	}

	get(id: number): CallableFunction | Promise<CallableFunction> {
		const known = this.#functions.get(id);
		if (known === undefined) {
			throw new Error(`The parent sent a task before its function ${id}.`);
		}

		return known;
	}

	async #resolve(id: number, payload: Uint8Array): Promise<CallableFunction> {
		const {reference, application} = decodeFunction(payload);
		// In an object: a function that has a method `then` must not be taken for a promise.
		const callable = {fn: await resolveFunction(reference), application};
		// Where its only task was cancelled, it may be forgotten before its modules are imported.
		if (this.#functions.has(id)) {
			// From now on without a promise, and so without a turn of the microtask queue per task.
			this.#functions.set(id, callable);
		}

		return callable;
	}
}
