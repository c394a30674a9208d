/**
 * Modules, imported and required as the module that a function was written in would do it.
 */
import {createRequire, isBuiltin} from 'node:module';
import path from 'node:path';
import process from 'node:process';
import {pathToFileURL, URL} from 'node:url';
import vm from 'node:vm';
import type {SerializationSide} from '../errors.js';
import {takeImportWarning} from './import-warning.js';
import {whileImporting, whileRequiring} from './imports-under-way.js';
import {filePath, isMainScript} from './main-script.js';
import {plainUrl} from './mapped-stack.js';
import {messageOf, referenceError} from './reference-error.js';
import {uncoveredName} from './uncovered-name.js';

type Attributes = Readonly<Record<string, string>>;
type Importer = (specifier: string, options: {readonly with: Attributes} | undefined) => Promise<object>;

const importers = new Map<string | null, Importer>();

/** Loaded modules stay loaded: the loader itself keeps them. */
const namespaces = new Map<string, object>();
const urls = new WeakMap<object, string>();

/** The URL of a module that was imported through here, of which this is the namespace. */
export const importedUrlOf = (namespace: object): string | undefined => urls.get(namespace);

/**
 * The URL from which the imports of a script resolve; null when only builtin modules and absolute specifiers can be found.
 *
 * @param name as a stack trace names it
 */
export function importBase(name: string | null): string | null {
	if (name === null) {
		return null;
	}

	const script = plainUrl(name);

	if (path.isAbsolute(script)) {
		return pathToFileURL(script).href;
	}

	// What has no file resolves from the current directory: `[eval]`, `[stdin]`, `REPL1`.
	if (/^(?:\[.+\]|REPL\d+)$/v.test(script)) {
		return pathToFileURL(path.resolve(script)).href;
	}

	return /^(?:file|data|https?):/v.test(script) && URL.canParse(script) ? script : null;
}

/** A module that was imported before through `importNamespace`; undefined otherwise. */
export const importedNamespace = (base: string | null, specifier: string, attributes: Attributes | null): object | undefined =>
	namespaces.get(importKey(base, specifier, attributes));

/**
 * Imports a module. When the promise is fulfilled, `importedNamespace` has it: the value of a promise is no place for a module, which may
 * export a function `then`.
 *
 * @throws {SerializationError} `ERR_REFERENCE_MISSING`, `ERR_REFERENCE_IMPORT`
 */
export async function importNamespace(base: string | null, specifier: string, attributes: Attributes | null, side: SerializationSide): Promise<void> {
	refuseMainScript(base, absoluteUrl(base, specifier), side);
	if (base === null && absoluteUrl(base, specifier) === null && !isBuiltin(specifier)) {
		throw referenceError('ERR_REFERENCE_MISSING', `The module ${specifier} cannot be imported: the function that needs it comes from a text without a file, so nobody knows from where to resolve it. Import it inside the function by its URL.`, {side});
	}

	try {
		await (side === 'worker' ? whileImporting(async () => load(base, specifier, attributes)) : load(base, specifier, attributes));
	} catch (error) {
		throw loadError(base, specifier, error, side);
	}
}

async function load(base: string | null, specifier: string, attributes: Attributes | null): Promise<void> {
	const namespace = await importer(base)(specifier, attributes === null ? undefined : {with: attributes});
	namespaces.set(importKey(base, specifier, attributes), namespace);
	const url = isBuiltin(specifier) ? `node:${specifier.replace(/^node:/v, '')}` : absoluteUrl(base, specifier);
	if (url !== null) {
		urls.set(namespace, url);
	}
}

/**
 * What `require(specifier)` gives in a script.
 *
 * @throws {SerializationError} `ERR_REFERENCE_MISSING`, `ERR_REFERENCE_IMPORT`
 */
export function requireModule(base: string | null, specifier: string, side: SerializationSide): unknown {
	try {
		const require = createRequire(requireBase(base));
		const resolved = require.resolve(specifier);
		refuseMainScript(base, resolved, side);
		return side === 'worker' ? whileRequiring(() => require(specifier) as unknown) : require(specifier) as unknown;
	} catch (error) {
		throw loadError(base, specifier, error, side);
	}
}

/** From where to require: a file that exists or not, and what has none is required from here. */
export const requireBase = (base: string | null): string => base !== null && filePath(base) !== null ? base : import.meta.url;

function importer(base: string | null): Importer {
	const known = importers.get(base);
	if (known) {
		return known;
	}

	takeImportWarning();
	const compiled = vm.compileFunction('return import(specifier, options)', ['specifier', 'options'], {
		filename: uncoveredName(base ?? import.meta.url, true),
		importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
	}) as Importer;
	importers.set(base, compiled);
	return compiled;
}

const importKey = (base: string | null, specifier: string, attributes: Attributes | null): string =>
	JSON.stringify([base, specifier, attributes]);

/** Where a specifier leads that needs no search; null for the name of a package. */
function absoluteUrl(base: string | null, specifier: string): string | null {
	if (/^\.{0,2}\//v.test(specifier)) {
		return base !== null && URL.canParse(specifier, base) ? new URL(specifier, base).href : null;
	}

	return URL.canParse(specifier) ? new URL(specifier).href : null;
}

function refuseMainScript(base: string | null, module: string | null, side: SerializationSide): void {
	if (module !== null && isMainScript(module)) {
		throw referenceError('ERR_REFERENCE_IMPORT', `The module ${module} is the main script of the program${wanted(base)}. A worker never loads it, as that would run the program again. Move what is imported from it to a module of its own.`, {side});
	}
}

const wanted = (base: string | null): string => base === null ? '' : `, which ${base} imports`;

const notFound: ReadonlySet<unknown> = new Set([
	'ERR_MODULE_NOT_FOUND',
	'MODULE_NOT_FOUND',
	'ERR_UNKNOWN_BUILTIN_MODULE',
	'ERR_UNSUPPORTED_DIR_IMPORT',
	'ERR_PACKAGE_PATH_NOT_EXPORTED',
	'ERR_PACKAGE_IMPORT_NOT_DEFINED',
	'ERR_INVALID_MODULE_SPECIFIER',
	'ERR_UNSUPPORTED_RESOLVE_REQUEST',
]);

function loadError(base: string | null, specifier: string, error: unknown, side: SerializationSide): Error {
	const {code, requireStack} = (error ?? {}) as {readonly code?: unknown; readonly requireStack?: unknown};
	if (error instanceof Error && error.name === 'SerializationError') {
		return error;
	}

	const parent = base === null ? null : filePath(base) ?? base;
	const from = parent === null ? '' : ` from ${parent}`;
	// A module that is there may itself ask for one that is missing: then the message names the other as the one that asks.
	const asks = parent === null || (Array.isArray(requireStack) ? requireStack[0] === parent : messageOf(error).includes(parent));
	if (notFound.has(code) && asks) {
		return referenceError('ERR_REFERENCE_MISSING', `The module ${specifier}, imported${from}, is not there for ${processName(side)}: ${messageOf(error)}`, {side, url: base, cause: error});
	}

	return referenceError('ERR_REFERENCE_IMPORT', `The module ${specifier}, imported${from}, could not be loaded in ${processName(side)}: ${messageOf(error)}`, {side, url: base, cause: error});
}

const processName = (side: SerializationSide): string => side === 'worker' ? `the worker ${process.pid}` : `the process ${process.pid}`;
