/**
 * What a worker does before its first task.
 */
import {decodeReduced, encode} from '../serialize/codec.js';
import type {FunctionReference} from '../functions/function-reference.js';
import {
	decodeWhenImported, reducerTable, WhenImported, type Class, type Reducer, type ReducerTable,
} from '../serialize/reducers.js';
import {resolveFunction} from '../functions/resolve-function.js';

/** What travels in the `Init` frame. */
export interface Initialization {
	readonly initializer: FunctionReference | null;
	readonly initargs: readonly unknown[];
	/** Whether arguments may hold what job reducers made in the parent. */
	readonly argumentsAreReduced: boolean;
	/** Class and reducer of each. */
	readonly resultReducers: ReadonlyArray<readonly [of: FunctionReference, reducer: FunctionReference]>;
}

/** How this worker decodes and encodes, once it is initialised. */
export interface Transport {
	readonly argumentsAreReduced: boolean;
	readonly resultReducers: ReducerTable | null;
}

/** Called in the parent, once per executor. */
export function encodeInitialization(initialization: Initialization, jobReducers: ReducerTable | null): Uint8Array {
	return encode(initialization, 'submit', [], {reducers: jobReducers});
}

/** Called in the worker. What the initializer throws, this throws. */
export async function initialize(payload: Uint8Array): Promise<Transport> {
	const decoded = decodeWhenImported(() => decodeReduced(payload, 'worker'));
	const {value} = decoded instanceof WhenImported ? await decoded.decoded : {value: decoded};
	const {
		initializer, initargs, argumentsAreReduced, resultReducers,
	} = value as Initialization;
	const transport = {argumentsAreReduced, resultReducers: await resolveReducers(resultReducers)};
	if (initializer !== null) {
		const {fn} = {fn: await resolveFunction(initializer)};
		await fn(...initargs);
	}

	return transport;
}

async function resolveReducers(references: Initialization['resultReducers']): Promise<ReducerTable | null> {
	if (references.length === 0) {
		return null;
	}

	// Loaded only here: it brings a parser along, which most workers never need.
	const {describeFunction} = await import('../functions/function-reference.js');
	const reducers = new Map<Class, Reducer>();
	const exported = new Map<unknown, FunctionReference>();
	for (const [of, reducer] of references) {
		const [resolvedClass, resolvedReducer] = [{fn: await resolveFunction(of)}, {fn: await resolveFunction(reducer)}];
		reducers.set(resolvedClass.fn as unknown as Class, resolvedReducer.fn as unknown as Reducer);
		for (const reference of [of, reducer]) {
			await collectExports(reference, exported);
		}
	}

	// What rebuilds a result stands in the module of its class or of its reducer, as a rule: there it is found by identity.
	return reducerTable(reducers, fn => exported.get(fn) ?? describeFunction(fn));
}

async function collectExports(reference: FunctionReference, exported: Map<unknown, FunctionReference>): Promise<void> {
	if (reference.kind !== 'export') {
		return;
	}

	const {url} = reference;
	const namespace = await import(url) as Readonly<Record<string, unknown>>;
	for (const [name, value] of Object.entries(namespace)) {
		exported.set(value, {kind: 'export', url, name});
	}
}
