/**
 * What a worker does before its first task.
 */
import {setMainScript} from '../functions/main-script.js';
import {decodeWithFunctions} from '../serialize/codec.js';
import {
	decodeWhenImported, reducerTable, WhenImported, type Class, type Reducer, type ReducerTable,
} from '../serialize/reducers.js';

/** What travels in the `Init` frame. */
export interface Initialization {
	/** The paths of the parent's main script, which workers must not run. */
	readonly mainScript: readonly string[];
	/** A module to import before anything else; null for none. */
	readonly preload: string | null;
	/** All that the user has given. A payload of its own: to read it may take the module above. */
	readonly settings: Uint8Array;
}

/** What travels within it. */
export interface InitialSettings {
	readonly initializer: ((...args: unknown[]) => unknown) | null;
	readonly initargs: readonly unknown[];
	/** Class and reducer of each. */
	readonly resultReducers: ReadonlyArray<readonly [of: Class, reducer: Reducer]>;
}

/** Called in the worker. What the initializer throws, this throws. */
export async function initialize({mainScript, preload, settings}: Initialization): Promise<ReducerTable | null> {
	setMainScript(mainScript);
	if (preload !== null) {
		await import(preload);
	}

	const decoded = decodeWhenImported(() => decodeWithFunctions(settings, 'worker'));
	const {value} = decoded instanceof WhenImported ? await decoded.decoded : {value: decoded};
	const {initializer, initargs, resultReducers} = value as InitialSettings;
	await initializer?.(...initargs);
	return reducerTable(new Map(resultReducers));
}
