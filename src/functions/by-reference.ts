/**
 * Finds out under which name other processes have a function: the module that exports it, and the way from there.
 *
 * By its place in the script where that is certain, otherwise by identity with what the module exports at this moment.
 */
import {createHash} from 'node:crypto';
import {createRequire} from 'node:module';
import process from 'node:process';
import {fileURLToPath, URL} from 'node:url';
import {types} from 'node:util';
import type {ExportStep, ModuleFunctionReference} from './code.js';
import {inspectFunction} from './function-inspection.js';
import type {FunctionPlan} from './function-plan.js';
import {isEntryScript} from './entry-script.js';
import {provideMainExports} from './own-main.js';
import {referenceRules} from './reference-rules.js';
import type {ScriptSource} from './script-source.js';

/**
 * Undefined for a function that no importer of its script can find.
 *
 * @param importsMain whether the receiver has imported the main script too
 */
export function moduleReferenceOf(fn: object, text: string, plan: FunctionPlan, importsMain: boolean): ModuleFunctionReference | undefined {
	const {script} = plan;
	if (script?.url === null || script?.url === undefined || !canBeImported(script) || !referenceRules.allows(script.url, importsMain)) {
		return undefined;
	}

	const isCommonJs = script.kind === 'commonJs';
	const path = isCommonJs ? commonJsPath(fn, script.url) : plan.plan.exportPath ?? modulePath(fn, plan);
	if (path && !isCommonJs && importsMain && isEntryScript(script.url)) {
		provideMainExports(script.url, ({path: [first, ...rest]}) => exportedValue(fn, plan, first!.key, rest));
	}

	return path && {
		url: urlOf(script.url), isCommonJs, path, fileHash: fileHashOf(script), textHash: hash(text),
	};
}

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');

/**
 * That of the file as it was loaded. Of a file that says something else by now, what was loaded tells: no file has that hash, and the worker
 * finds out. Where a loader may have made the text of that file, it tells nothing.
 */
function fileHashOf({fileHash, isTransformed, source, url}: ScriptSource): string | null {
	const isPlain = isTransformed && source !== null && /\.[cm]?js(?:[?#]|$)/v.test(url!) && !hasLoaders();
	return fileHash ?? (isPlain ? hash(source) : null);
}

const hasLoaders = (): boolean => /--(?:import|require|loader|experimental-loader)\b|(?:^| )-r /v.test([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' '));

const canBeImported = ({url, kind}: ScriptSource): boolean => kind !== 'script' && (url!.startsWith('file:') || url!.startsWith('data:') || url!.startsWith('/'));

const urlOf = (url: string): string => url.startsWith('/') ? String(new URL(`file://${encodeURI(url)}`)) : url;

/** Members of members, such as the methods of an exported class. */
const deepest = 2;

/** Searches the variables of the module that it exports under names that never change. */
function modulePath(fn: object, plan: FunctionPlan): readonly ExportStep[] | undefined {
	const facts = plan.facts ?? plan.outline;
	if (facts === null || facts.exportsByLocal.size === 0) {
		return undefined;
	}

	const module = inspectFunction(fn)?.scopes.find(({description}) => description === 'Module');
	for (const [local, [name]] of module === undefined ? [] : facts.exportsByLocal) {
		const value: unknown = Object.getOwnPropertyDescriptor(module!.variables, local)?.value;
		const path = pathWithin(value, fn, deepest);
		if (path) {
			return [{kind: 'value', key: name!}, ...path];
		}
	}

	return undefined;
}

/** What the module exports at this moment, seen through one of its functions. */
function exportedValue(fn: object, {facts}: FunctionPlan, name: string, path: readonly ExportStep[]): object | undefined {
	const module = inspectFunction(fn)?.scopes.find(({description}) => description === 'Module');
	const local = [...facts?.exportsByLocal ?? []].find(([, names]) => names.includes(name))?.[0];
	let value: unknown = module === undefined || local === undefined ? undefined : Object.getOwnPropertyDescriptor(module.variables, local)?.value;
	for (const {kind, key} of path) {
		value = typeof value === 'object' || typeof value === 'function' ? Object.getOwnPropertyDescriptor(value ?? {}, key)?.[kind] : undefined;
	}

	return typeof value === 'function' ? value : undefined;
}

function commonJsPath(fn: object, url: string): readonly ExportStep[] | undefined {
	const file = url.startsWith('file:') ? fileURLToPath(url) : url;
	const loaded = createRequire(import.meta.url).cache[file];
	return loaded?.loaded === true ? pathWithin(loaded.exports, fn, deepest) : undefined;
}

function pathWithin(value: unknown, fn: object, depth: number): readonly ExportStep[] | undefined {
	if (value === fn) {
		return [];
	}

	if (depth === 0 || !isSearchable(value)) {
		return undefined;
	}

	for (const key of Object.getOwnPropertyNames(value)) {
		const descriptor = Object.getOwnPropertyDescriptor(value, key);
		for (const kind of ['get', 'set', 'value'] as const) {
			const member: unknown = descriptor?.[kind];
			// `constructor` would lead back from a prototype to its class.
			const path = key === 'constructor' ? undefined : pathWithin(member, fn, kind === 'value' ? (key === 'prototype' ? depth : depth - 1) : 0);
			if (path) {
				return [{kind, key}, ...path];
			}
		}
	}

	return undefined;
}

/** Only what is made to hold functions: a large table of data is not worth the search. */
function isSearchable(value: unknown): value is object {
	if (typeof value === 'function') {
		return !types.isProxy(value);
	}

	return typeof value === 'object' && value !== null && !types.isProxy(value) && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
