/**
 * Functions of the runtime, by the path under which every process finds them.
 */

import {isBuiltin} from 'node:module';
import process from 'node:process';
import {globalState} from './pristine-globals.js';

/** A function of the runtime itself: of the module, or of the global object when there is none. */
export interface BuiltinReference {
	readonly kind: 'builtin';
	readonly module: string | null;
	readonly path: readonly string[];
}

type AnyObject = Readonly<Record<string, unknown>>;

const paths = new Map<unknown, BuiltinReference>();
const indexedModules = new Set<string>();
let loadedAtLastIndex = 0;

/** Where a fresh process has this function; undefined for one that it does not have. */
export function builtinReferenceOf(fn: unknown): BuiltinReference | undefined {
	const known = paths.get(fn);
	const loaded = loadedModules();
	if (known !== undefined || loaded.length === loadedAtLastIndex) {
		return known;
	}

	// More is there than at the last look: modules, and lazy globals that were read since.
	indexGlobals();
	if (!paths.has(fn)) {
		for (const entry of loaded) {
			indexModule(entry);
		}

		loadedAtLastIndex = loadedModules().length;
	}

	return paths.get(fn);
}

const nativeEnding = '{ [native code] }';

/** Whether a function has no text. No text of a program can end like this: it would not parse. */
export const isNative = (text: string): boolean => text.endsWith(nativeEnding);

/** The list is Node's own, undocumented and stable since its first versions: `NativeModule fs/promises`. */
const loadedModules = (): readonly string[] => (process as {moduleLoadList?: readonly string[]}).moduleLoadList ?? [];

// To ask for these is to be warned of their deprecation.
const isQuiet = (name: string): boolean => isBuiltin(name) && !/^(?:_|punycode|sys$)/v.test(name);

function indexModule(entry: string): void {
	// `fs.promises` is an accessor: its functions are found by the name that its module has outside.
	const name = entry.replace(/^NativeModule (?:internal\/(?=fs\/promises$))?/v, '');
	if (!isQuiet(name) || indexedModules.has(name)) {
		return;
	}

	indexedModules.add(name);

	const module = `node:${name}`;
	const exported: unknown = process.getBuiltinModule(module);
	index(exported, module, [], 2);
}

function indexGlobals(): void {
	for (const name of Object.getOwnPropertyNames(globalThis)) {
		const value: unknown = Object.getOwnPropertyDescriptor(globalThis, name)?.value;
		if (value !== globalThis && isObject(value) && globalState(name) === 'pristine') {
			index(value, null, [name], 1);
			const prototype: unknown = Object.getOwnPropertyDescriptor(value, 'prototype')?.value;
			if (isObject(prototype)) {
				index(prototype, null, [name, 'prototype'], 1);
			}
		}
	}
}

/** The exports of a module of Node, or a global object such as `Math`. */
export function builtinObjectReferenceOf(value: object): BuiltinReference | undefined {
	if (value === globalThis) {
		return {kind: 'builtin', module: null, path: []};
	}

	const reference = builtinReferenceOf(value);
	return reference && reference.path.length <= 1 ? reference : undefined;
}

/** Remembers a function and the functions that are its, or a plain object's, properties. Accessors are left alone. */
function index(value: unknown, module: string | null, path: readonly string[], depth: number): void {
	// Of objects only namespaces: what lies in them, such as the words of the command line, is this process's own.
	if ((typeof value === 'function' || path.length === (module === null ? 1 : 0)) && !paths.has(value)) {
		paths.set(value, {kind: 'builtin', module, path});
	}

	if (depth === 0 || !isObject(value)) {
		return;
	}

	for (const [key, {value: member}] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
		if (key !== 'prototype' && key !== 'constructor' && isObject(member)) {
			index(member, module, [...path, key], depth - 1);
		}
	}
}

const isObject = (value: unknown): value is AnyObject =>
	typeof value === 'function' || (typeof value === 'object' && value !== null);
