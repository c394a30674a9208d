/**
 * What stands for the fixed parameters of a code in this process: imports, and what Node gives every module.
 */
import {createRequire, Module} from 'node:module';
import path from 'node:path';
import type {SerializationSide} from '../errors.js';
import type {Code, FixedParameter} from './code.js';
import {importMetaOf} from './import-meta.js';
import {filePath, isMainScript} from './main-script.js';
import {
	importBase, importedNamespace, importNamespace, requireBase, requireModule,
} from './module-import.js';
import {messageOf, referenceError} from './reference-error.js';

const identity = (value: unknown): unknown => value;

/**
 * Starts all imports at once. Undefined when there is nothing to wait for.
 *
 * @throws {SerializationError} out of the promise
 */
export function importFixed({fixed, url}: Code, side: SerializationSide): Promise<void> | undefined {
	const base = importBase(url);
	const imports = fixed
		.filter(parameter => parameter.kind === 'namespace')
		.filter(({specifier, attributes}) => importedNamespace(base, specifier, attributes) === undefined)
		.map(async ({specifier, attributes}) => importNamespace(base, specifier, attributes, side));
	return imports.length === 0 ? undefined : allDone(imports);
}

async function allDone(imports: ReadonlyArray<Promise<void>>): Promise<void> {
	await Promise.all(imports);
}

/** The values of the fixed parameters, once `importFixed` is done. @throws {SerializationError} */
export function fixedValues({fixed, url}: Code, side: SerializationSide): unknown[] {
	const base = importBase(url);
	return fixed.map(parameter => fixedValue(parameter, base, side));
}

function fixedValue(parameter: FixedParameter, base: string | null, side: SerializationSide): unknown {
	switch (parameter.kind) {
		case 'namespace': {
			return importedNamespace(base, parameter.specifier, parameter.attributes);
		}

		case 'required': {
			return memberOf(requireModule(base, parameter.specifier, side), parameter, base, side);
		}

		case 'commonJs': {
			return commonJsVariable(parameter.name, base, side);
		}

		case 'importMeta': {
			return importMetaOf(base);
		}

		case 'identity': {
			return identity;
		}

		default: {
			parameter satisfies never;
			throw new TypeError('a fixed parameter is of no known kind');
		}
	}
}

function memberOf(required: unknown, {specifier, path: keys}: {readonly specifier: string; readonly path: readonly string[]}, base: string | null, side: SerializationSide): unknown {
	let value = required;
	for (const key of keys) {
		if (value === undefined || value === null) {
			throw referenceError('ERR_REFERENCE_MISSING', `require('${specifier}')${keys.map(step => `.${step}`).join('')} is not there${base === null ? '' : ` for ${base}`}: nothing has a property ${key}.`, {side, name: key, url: base});
		}

		value = (value as Readonly<Record<string, unknown>>)[key];
	}

	return value;
}

function commonJsVariable(name: 'require' | 'module' | 'exports' | '__filename' | '__dirname', base: string | null, side: SerializationSide): unknown {
	const file = base === null ? null : filePath(base);
	if (file === null && name !== 'require') {
		throw referenceError('ERR_REFERENCE_MISSING', `A function uses ${name}, but ${base === null ? 'nobody knows which file it comes from' : `${base} is no file`}. Pass what it needs as arguments.`, {side, name, url: base});
	}

	switch (name) {
		case 'require': {
			return createRequire(requireBase(base));
		}

		case 'module': {
			return moduleOf(file!, side);
		}

		case 'exports': {
			return moduleOf(file!, side).exports;
		}

		case '__filename': {
			return file;
		}

		case '__dirname': {
			return path.dirname(file!);
		}

		default: {
			return name satisfies never;
		}
	}
}

const standIns = new Map<string, NodeJS.Module>();

/** The module that a file is. The main script is not loaded: it has an empty one. */
function moduleOf(file: string, side: SerializationSide): NodeJS.Module {
	const require = createRequire(import.meta.url);
	const loaded = require.cache[file];
	if (loaded !== undefined) {
		return loaded;
	}

	if (isMainScript(file) || file.endsWith(']')) {
		return standIn(file);
	}

	try {
		require(file);
	} catch (error) {
		throw referenceError('ERR_REFERENCE_IMPORT', `The module ${file}, whose exports a function uses, could not be loaded: ${messageOf(error)}`, {side, cause: error});
	}

	return require.cache[file] ?? standIn(file);
}

function standIn(file: string): NodeJS.Module {
	const known = standIns.get(file);
	if (known !== undefined) {
		return known;
	}

	const made = new Module(file);
	made.filename = file;
	made.paths = createRequire(file).resolve.paths('any-package') ?? [];
	made.loaded = true;
	standIns.set(file, made);
	return made;
}
