/**
 * Functions that modules export, from a reference to them.
 */
import {createHash} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
import process from 'node:process';
import type {SerializationSide} from '../errors.js';
import type {ExportStep, ModuleFunctionReference} from './code.js';
import type {AnyFunction} from './factory.js';
import {filePath, isMainScript} from './main-script.js';
import {importedNamespace, importNamespace, requireModule} from './module-import.js';
import {ownMainFunction} from './own-main.js';
import {referenceError, type ReferenceProblem} from './reference-error.js';

/** By URL and path; a function whose text was compared stays what it is. */
const functions = new Map<string, {readonly fn: AnyFunction; readonly textHash: string | null}>();

/** Of the file as it was when this process loaded it: what it says later concerns nobody here. */
const loadedHashes = new Map<string, string | null>();

const hash = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('base64url');

// Kept: a program may replace it.
const textOf = Function.prototype.call.bind(Function.prototype.toString) as (fn: AnyFunction) => string;

/**
 * The function; a promise while its module is being imported, after which it is there.
 *
 * @param side where this happens, for the error
 * @throws {SerializationError} also out of the promise: `ERR_REFERENCE_CHANGED` when the file is not the one that the sender has loaded,
 * `ERR_REFERENCE_MISSING` when there is no such module or function, `ERR_REFERENCE_IMPORT` when the module throws
 */
export function moduleFunction(reference: ModuleFunctionReference, side: SerializationSide = 'worker'): AnyFunction | Promise<void> {
	const {url, isCommonJs, textHash} = reference;
	const own = ownMainFunction(reference);
	if (own !== undefined) {
		return own as AnyFunction;
	}

	const key = JSON.stringify([url, reference.path]);
	const known = functions.get(key);
	if (isMainScript(url)) {
		throw problem('ERR_REFERENCE_IMPORT', reference, side, 'lies in the main script of the program, which a worker never loads, as that would run the program again. Move it to a module of its own');
	}

	compareFile(reference, side);
	if (known?.textHash === textHash) {
		return known.fn;
	}

	if (!isCommonJs && importedNamespace(null, url, null) === undefined) {
		return importIt(reference, side);
	}

	const fn = walk(isCommonJs ? requireIt(reference, side) : importedNamespace(null, url, null), reference, side);
	if (textHash !== null && textHash !== hash(textOf(fn))) {
		throw problem('ERR_REFERENCE_CHANGED', reference, side, `is not the function that was sent: its text differs. Restart the program, or the executor, so that all processes load the same ${filePath(url) ?? url}`);
	}

	functions.set(key, {fn, textHash});
	return fn;
}

async function importIt({url}: ModuleFunctionReference, side: SerializationSide): Promise<void> {
	try {
		await importNamespace(null, url, null, side);
	} catch (error) {
		loadedHashes.delete(url);
		throw error;
	}
}

function requireIt({url}: ModuleFunctionReference, side: SerializationSide): unknown {
	try {
		return requireModule(url, filePath(url) ?? url, side);
	} catch (error) {
		loadedHashes.delete(url);
		throw error;
	}
}

function compareFile(reference: ModuleFunctionReference, side: SerializationSide): void {
	const {url, fileHash} = reference;
	const file = filePath(url);
	if (fileHash === null || file === null) {
		return;
	}

	let loaded = loadedHashes.get(url);
	if (loaded === undefined) {
		if (!existsSync(file)) {
			throw problem('ERR_REFERENCE_MISSING', reference, side, 'is to be called, but its file is not there. A worker loads it from the same place as the parent');
		}

		loaded = hash(readFileSync(file));
	}

	if (loaded !== fileHash) {
		// Not remembered: unless it was loaded, the next look may find the file as it was.
		throw problem('ERR_REFERENCE_CHANGED', reference, side, `cannot be called: the file ${file} was changed after the program had loaded it. Restart the program, so that all processes load the same file`);
	}

	loadedHashes.set(url, loaded);
}

function walk(root: unknown, reference: ModuleFunctionReference, side: SerializationSide): AnyFunction {
	let value = root;
	for (const step of reference.path) {
		value = next(value, step);
	}

	if (typeof value !== 'function') {
		throw problem('ERR_REFERENCE_MISSING', reference, side, `is no function in process ${process.pid} but ${value === null ? 'null' : typeof value}. Let the module export it whenever it is loaded`);
	}

	return value as AnyFunction;
}

function next(value: unknown, {kind, key}: ExportStep): unknown {
	if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
		return undefined;
	}

	const descriptor = Object.getOwnPropertyDescriptor(value, key);
	if (kind !== 'value') {
		return descriptor?.[kind];
	}

	// The exports of a bundled CommonJS module are accessors.
	return descriptor?.get === undefined ? descriptor?.value as unknown : Reflect.get(value, key) as unknown;
}

function problem(code: ReferenceProblem, {url, path}: ModuleFunctionReference, side: SerializationSide, words: string): Error {
	const name = path.map(({key}) => key).join('.');
	return referenceError(code, `The function ${name || 'exported'} of the module ${url} ${words}.`, {side, name: name || null, url});
}

