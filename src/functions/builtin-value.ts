import process from 'node:process';
import type {SerializationSide} from '../errors.js';
import {referenceError} from './reference-error.js';

/**
 * Something of the runtime.
 *
 * @param module null for the global object
 * @param keys the way from there: own properties first, inherited ones else
 * @throws {SerializationError} `ERR_REFERENCE_MISSING`
 */
export function builtinValue(module: string | null, keys: readonly string[], side: SerializationSide): object {
	let value: unknown = module === null ? globalThis : process.getBuiltinModule(module);
	for (const key of keys) {
		value = isObject(value) ? value[key] : undefined;
	}

	if (!isObject(value)) {
		const name = [...module === null ? [] : [module], ...keys].join('.');
		throw referenceError('ERR_REFERENCE_MISSING', `Node.js ${process.version} has no ${name} in process ${process.pid}. Let both sides run the same version.`, {side, name: keys.at(-1) ?? module});
	}

	return value;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'function' || (typeof value === 'object' && value !== null);
