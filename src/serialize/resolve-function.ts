import process from 'node:process';
import vm from 'node:vm';
import {SerializationError} from '../errors.js';
import type {BuiltinReference, FunctionReference, SourceReference} from './function-reference.js';
import type {ExportReference, TaskFunction} from './module-handle.js';

const exported = new Map<string, TaskFunction | Promise<TaskFunction>>();
const compiled = new Map<string, TaskFunction>();

/**
 * The function that a reference stands for, in this process.
 *
 * @throws {SerializationError} `ERR_REFERENCE_MISSING` when the module or the export does not exist here
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

		default: {
			throw new TypeError(`No way to resolve a function: ${String(reference satisfies never)}`);
		}
	}
}

function exportedFunction(reference: ExportReference): TaskFunction | Promise<TaskFunction> {
	const key = `${reference.url}#${reference.name}`;
	const known = exported.get(key);
	if (known) {
		return known;
	}

	const importing = importedFunction(reference).then(fn => {
		exported.set(key, fn);
		return fn;
	}, (error: unknown) => {
		// A module that is missing today may be there at the next call.
		exported.delete(key);
		throw error;
	});
	exported.set(key, importing);
	return importing;
}

async function importedFunction({url, name}: ExportReference): Promise<TaskFunction> {
	let namespace: Record<string, unknown>;
	try {
		namespace = await import(url) as Record<string, unknown>;
	} catch (cause) {
		throw new SerializationError(`The module ${url} could not be imported in the worker to run its export ${name}.`, {
			side: 'worker', code: 'ERR_REFERENCE_MISSING', function: name, cause,
		});
	}

	return namespace[name] as TaskFunction;
}

function builtinFunction({module, path}: BuiltinReference): TaskFunction {
	let value: unknown = module === null ? globalThis : process.getBuiltinModule(module);
	for (const key of path) {
		value = (value as Record<string, unknown>)[key];
	}

	return value as TaskFunction;
}

function compiledFunction({text, name, isStrict, hasImport}: SourceReference): TaskFunction {
	const key = `${isStrict ? 'strict' : 'sloppy'} ${name} ${text}`;
	const known = compiled.get(key);
	if (known) {
		return known;
	}

	const head = `(function(){${isStrict ? '"use strict";' : ''}return (`;
	const script = new vm.Script(`${head}${text}\n)})`, {
		filename: `[source of ${name || 'a function'}]`,
		columnOffset: -head.length,
		...hasImport && {importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER},
	});
	const factory = script.runInThisContext() as () => TaskFunction;
	const fn = factory();
	Object.defineProperty(fn, 'name', {value: name, configurable: true});
	compiled.set(key, fn);
	return fn;
}
