/**
 * What a worker does before its first task.
 */
import {decode, encode} from '../serialize/codec.js';
import type {FunctionReference} from '../serialize/function-reference.js';
import {resolveFunction} from '../serialize/resolve-function.js';

/** What travels in the `Init` frame. */
export interface Initialization {
	readonly initializer: FunctionReference | null;
	readonly initargs: readonly unknown[];
}

/** Called in the parent, once per executor. */
export function encodeInitialization(initialization: Initialization): Uint8Array {
	return encode(initialization, 'submit');
}

/** Called in the worker. What the initializer throws, this throws. */
export async function initialize(payload: Uint8Array): Promise<void> {
	const {initializer, initargs} = decode(payload, 'worker') as Initialization;
	if (initializer !== null) {
		const {fn} = {fn: await resolveFunction(initializer)};
		await fn(...initargs);
	}
}
