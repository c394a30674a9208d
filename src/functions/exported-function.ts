import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {fileURLToPath} from 'node:url';
import {SerializationError} from '../errors.js';
import {namedPlace} from './function-refusal.js';
import type {ExportReference, TaskFunction} from './module-handle.js';

type Namespace = Readonly<Record<string, unknown>>;

const functions = new Map<string, TaskFunction | Promise<TaskFunction>>();

/** The export of a module, which is imported at the first call. */
export function exportedFunction(reference: ExportReference): TaskFunction | Promise<TaskFunction> {
	const key = `${reference.url}#${reference.name}`;
	const known = functions.get(key);
	if (known) {
		return known;
	}

	const importing = importFunction(reference).then(fn => {
		functions.set(key, fn);
		return fn;
	}, (error: unknown) => {
		// A file that is missing now may be there at the next call.
		functions.delete(key);
		throw error;
	});
	functions.set(key, importing);
	return importing;
}

async function importFunction({url, name}: ExportReference): Promise<TaskFunction> {
	const namespace = await importModule(url, name);
	const value = exportOf(namespace, url, name);
	if (typeof value === 'function') {
		return value as TaskFunction;
	}

	const known = Object.keys(namespace);
	const has = known.length > 0 ? `Its exports are ${known.join(', ')}.` : 'It has no exports.';
	throw missing(value === undefined && !(name in namespace)
		? `The module ${url} has no export ${name}. ${has}`
		: `The export ${name} of the module ${url} is no function but ${value === null ? 'null' : `of type ${typeof value}`}. ${has}`, name);
}

async function importModule(url: string, name: string): Promise<Namespace> {
	try {
		return await import(url) as Namespace;
	} catch (error) {
		if (url.startsWith('file:') && !existsSync(fileURLToPath(url))) {
			throw missing(`There is no module ${url}, whose export ${name} was to be called. A worker imports it from the same place as the parent.`, name, error);
		}

		const reason = error instanceof Error ? `: ${error.message}` : '';
		throw new SerializationError(`The module ${url}, whose export ${name} was to be called, could not be imported in the worker${reason}`, {
			side: 'worker', code: 'ERR_REFERENCE_IMPORT', function: namedPlace(name, url), cause: error,
		});
	}
}

/** Node finds the names of a CommonJS module by looking at its text, so some are only on the object that it exports. */
function exportOf(namespace: Namespace, url: string, name: string): unknown {
	if (name in namespace || !url.startsWith('file:')) {
		return namespace[name];
	}

	const commonJs = createRequire(import.meta.url).cache[fileURLToPath(url)];
	const exported: unknown = commonJs?.exports;
	return exported instanceof Object ? (exported as Namespace)[name] : undefined;
}

const missing = (message: string, name: string, cause: unknown = null): SerializationError =>
	new SerializationError(message, {
		side: 'worker', code: 'ERR_REFERENCE_MISSING', function: namedPlace(name), cause,
	});
