import type {Future} from '../future.js';
import {moduleUrl} from './module-url.js';

/** Any function that a task can be. */
type TaskFunction = (...args: unknown[]) => unknown;

/** An export of a module, by the module's URL and the export's name. */
export interface ExportReference {
	readonly kind: 'export';
	readonly url: string;
	readonly name: string;
}

/** What a handle has in place of an exported function: the same parameters, and the future of its result. */
type RemoteFunction<F> = F extends (...args: infer A) => infer R ? (...args: A) => Future<Awaited<R>> : never;

/** Names that a module may export and that a handle does not have: see `hiddenNames`. */
type HiddenName = 'then' | 'toJSON' | '$$typeof' | 'asymmetricMatch' | '__proto__' | keyof InstanceType<ObjectConstructor>;

type FunctionName<M> = {
	[K in keyof M]: K extends HiddenName ? never : M[K] extends (...args: never[]) => unknown ? K : never;
}[keyof M];

type ClassName<M> = {
	[K in keyof M]: K extends HiddenName ? never : M[K] extends abstract new (...args: never[]) => unknown ? K : never;
}[keyof M];

/** Stands for a class that a module exports, as a key of `resultReducers`. It can be neither called nor constructed here. */
export interface ModuleClass {
	readonly name: string;
	readonly length: number;
}

/**
 * The functions that a module exports, as functions that run in a worker, and its classes, as keys of reducers.
 *
 * Of an overloaded function the last overload is taken. Constants are left out.
 */
export type ModuleHandle<M> = {readonly [K in FunctionName<M>]: RemoteFunction<M[K]>} & Readonly<Record<ClassName<M>, ModuleClass>>;

/** Runs a function in a worker. */
export type Submit = (fn: TaskFunction, args: unknown[]) => Future<unknown>;

// Kept outside the functions: a program cannot read it, and so cannot make a function that passes for one of a handle.
const references = new WeakMap<object, ExportReference>();

/** The export that a function of a handle stands for; undefined for every other function. */
export function exportReferenceOf(fn: object): ExportReference | undefined {
	return references.get(fn);
}

/**
 * Names that look-alike checks of the language and of common tools read: a function under them would run a task because somebody
 * awaited, printed or compared a handle.
 */
const hiddenNames: ReadonlySet<string> = new Set(['then', 'toJSON', '$$typeof', 'asymmetricMatch', ...Object.getOwnPropertyNames(Object.prototype)]);

/**
 * The exported functions of a module as functions that run in a worker.
 *
 * @param module an absolute URL or an absolute path
 * @throws {TypeError} ERR_INVALID_ARG_TYPE when it is neither
 */
export function createModuleHandle<M>(module: URL | string, submit: Submit): ModuleHandle<M> {
	const url = moduleUrl(module);
	const functions = new Map<string, TaskFunction>();
	const functionOf = (name: string): TaskFunction => {
		let fn = functions.get(name);
		if (!fn) {
			fn = remoteFunction(url, name, submit);
			functions.set(name, fn);
		}

		return fn;
	};

	const refuseChange = (_target: unknown, name: string | symbol): never => {
		throw new TypeError(`A module handle is read-only: ${String(name)} of ${url} cannot be changed.`);
	};

	const target = Object.freeze(Object.create(null) as object);
	return new Proxy(target, {
		get: (_target, name) => typeof name === 'symbol' || hiddenNames.has(name) ? undefined : functionOf(name),
		set: refuseChange,
		defineProperty: refuseChange,
		deleteProperty: refuseChange,
	}) as ModuleHandle<M>;
}

function remoteFunction(url: string, name: string, submit: Submit): TaskFunction {
	const fn: TaskFunction = (...args) => submit(fn, args);
	Object.defineProperty(fn, 'name', {value: name, configurable: true});
	references.set(fn, {kind: 'export', url, name});
	return Object.freeze(fn);
}
