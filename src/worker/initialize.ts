/**
 * What a worker does before its first task.
 */
import process from 'node:process';
import {whileImporting} from '../functions/imports-under-way.js';
import {setMainScript, type MainScript} from '../functions/main-script.js';
import {importNamespace} from '../functions/module-import.js';
import {usePickler} from '../pickler.js';
import {decodeWithFunctions} from '../serialize/codec.js';
import {loadPickler, type Pickler} from '../serialize/pickler.js';
import {
	decodeWhenImported, reducerTable, WhenImported, type Class, type Reducer, type ReducerTable,
} from '../serialize/reducers.js';
import {version} from '../version.js';

/** What travels in the `Init` frame. */
export interface Initialization {
	/** Of the package in the parent. */
	readonly version: string;
	/** Of the program: to be imported before anything else, or never. */
	readonly mainScript: MainScript;
	/** What carries arguments and results: see `loadPickler`; null for our own codec. */
	readonly pickler: string | null;
	/** Whether the text of each task is marked, so that the parent can tell whose it is. */
	readonly marksOutput: boolean;
	/** All that the user has given. A payload of its own: to read it may take the main script. */
	readonly settings: Uint8Array;
}

/** What travels within it. */
export interface InitialSettings {
	readonly initializer: ((...args: unknown[]) => unknown) | null;
	readonly initargs: readonly unknown[];
	/** Class and reducer of each. */
	readonly resultReducers: ReadonlyArray<readonly [of: Class, reducer: Reducer]>;
}

/** How values travel. */
export interface Carriers {
	readonly reducers: ReducerTable | null;
	readonly pickler: Pickler | null;
}

/** Called in the worker. What the initializer throws, this throws. */
export async function initialize({mainScript, pickler, settings, version: versionOfParent}: Initialization): Promise<Carriers> {
	if (versionOfParent !== version) {
		// No error of the initializer, so it is told as the end of a worker that cannot start.
		process.stderr.write(`A worker has loaded version ${version} of loky, while the program runs version ${versionOfParent}. The package was replaced after the program had started: start the program again.\n`);
		process.exit(1);
	}

	setMainScript(mainScript.paths, mainScript);
	const {url, isImported} = mainScript;
	if (isImported && url !== null) {
		await whileImporting(async () => importNamespace(null, url, null, 'worker'));
	}

	// Also for executors within this worker.
	const chosen = pickler === null ? null : loadPickler(pickler, 'worker');
	usePickler(chosen);
	const decoded = decodeWhenImported(() => decodeWithFunctions(settings, 'worker'));
	const {value} = decoded instanceof WhenImported ? await decoded.decoded : {value: decoded};
	const {initializer, initargs, resultReducers} = value as InitialSettings;
	await initializer?.(...initargs);
	return {reducers: reducerTable(new Map(resultReducers)), pickler: chosen};
}
