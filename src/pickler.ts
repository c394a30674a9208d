/** Which pickler executors are made with. */
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {argumentTypeError} from './errors.js';
import {loadPickler, type Pickler} from './serialize/pickler.js';

let current: Pickler | null = null;

/** Null for our own codec. */
export const currentPickler = (): Pickler | null => current;

/** Called in a worker: executors made there follow the one that it belongs to. */
export function usePickler(pickler: Pickler | null): void {
	current = pickler;
}

/**
 * Says what carries the arguments and results of tasks, for executors made afterwards.
 *
 * @param pickler `'msgpack'`, the default; `'v8'`, structured clone by `node:v8`; or the URL or absolute path of a module that exports
 * `encode(value)`, which returns a Uint8Array, and `decode(bytes)`. `null` is the default.
 * @throws {TypeError} It is none of these.
 * @throws {SerializationError} The module cannot be loaded, or lacks an export.
 */
export function setLokyPickler(pickler?: URL | 'msgpack' | 'v8' | (string & Record<never, never>) | null): void {
	const name = picklerName(pickler);
	current = name === null ? null : loadPickler(name, 'submit');
}

function picklerName(pickler: unknown): string | null {
	if (pickler === null || pickler === undefined || pickler === 'msgpack') {
		return null;
	}

	if (pickler === 'v8') {
		return pickler;
	}

	if (typeof pickler === 'string' && path.isAbsolute(pickler)) {
		return pathToFileURL(pickler).href;
	}

	const url = pickler instanceof URL ? pickler.href : pickler;
	if (typeof url !== 'string' || !isFile(url)) {
		throw argumentTypeError('pickler', '\'msgpack\', \'v8\', null, or the file: URL or absolute path of a module', pickler);
	}

	return new URL(url).href;
}

function isFile(url: string): boolean {
	try {
		return fileURLToPath(url) !== '';
	} catch {
		return false;
	}
}
