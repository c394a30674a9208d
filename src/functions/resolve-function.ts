/**
 * The way back from a reference to a function, in the worker.
 */

import process from 'node:process';
import {SerializationError} from '../errors.js';
import {namedPlace} from './function-refusal.js';
import {compiledFunction} from './compiled-function.js';
import {exportedFunction} from './exported-function.js';
import type {BuiltinReference, FunctionReference} from './function-reference.js';
import type {TaskFunction} from './module-handle.js';

/**
 * The function that a reference stands for, in this process. A promise only while a module is being imported.
 *
 * @throws {SerializationError} `ERR_REFERENCE_MISSING` when the module or the export does not exist here,
 * `ERR_REFERENCE_IMPORT` when the module exists and throws; its error is the cause
 */
export function resolveFunction(reference: FunctionReference): TaskFunction | Promise<TaskFunction> {
	switch (reference.kind) {
		case 'export': {
			return exportedFunction(reference);
		}

		case 'builtin': {
			return builtinFunction(reference);
		}

		case 'source': {
			return compiledFunction(reference);
		}
	}
}

function builtinFunction({module, path}: BuiltinReference): TaskFunction {
	let value: unknown = module === null ? globalThis : process.getBuiltinModule(module);
	for (const key of path) {
		value = value instanceof Object ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
	}

	if (typeof value === 'function') {
		return value as TaskFunction;
	}

	const name = [...module === null ? [] : [module], ...path].join('.');
	throw new SerializationError(`The worker's Node.js ${process.version} has no function ${name}.`, {
		side: 'worker', code: 'ERR_REFERENCE_MISSING', function: namedPlace(path.at(-1) ?? module),
	});
}
