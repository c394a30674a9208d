import process from 'node:process';
import {cpuCount} from './cpu-count.js';
import type {Reducers} from './serialize/reducers.js';
import {argumentRangeError, argumentTypeError} from './errors.js';
import {mainModuleUrl} from './functions/main-module.js';
import type {OutputMode} from './worker-text.js';
import {
	copyOptions,
	emptyRecord,
	readBoolean,
	readChoice,
	readCount,
	readOptionalCount,
	readTimeout,
	type OptionCopy,
} from './option-reader.js';

/** What an executor can be told. A property that is `undefined` means its default. */
export interface ExecutorOptions {
	/** The most worker processes at a time, from 1 to 65,535. Default: {@link cpuCount}. */
	readonly maxWorkers?: number | undefined;
	/** Milliseconds after which an idle worker ends; `null` or `Infinity`: it never does. Default: `null`. */
	readonly timeout?: number | null | undefined;
	/**
	 * How worker processes are started: `'loky'`, a fresh process that does not run the main module; `'loky_init_main'`, one that imports the
	 * main module before anything else, so that what it exports is found there by name. Default: `'loky'`.
	 */
	readonly context?: 'loky' | 'loky_init_main' | undefined;
	/** Changes to the environment of the workers, which is a copy of `process.env`; `null` or `undefined` unsets a variable. */
	readonly env?: Readonly<Record<string, string | null | undefined>> | undefined;
	/** Called in every worker before its first task, with `initargs`. Default: none. */
	readonly initializer?: ((...initargs: never[]) => unknown) | undefined;
	/** The arguments of `initializer`. Default: none. */
	readonly initargs?: readonly unknown[] | undefined;
	/** How instances of classes travel as arguments: a `Map` from class to a function that returns `[rebuild, args]`. Default: none. */
	readonly jobReducers?: Reducers | undefined;
	/** The same for results. Its functions run in the workers, so a class must be a global or a member of a module handle. Default: none. */
	readonly resultReducers?: Reducers | undefined;
	/** `'isolate'`: the death of a worker fails the task it had started. `'break'`: it fails every task and ends the executor. Default: `'isolate'`. */
	readonly onWorkerDeath?: 'isolate' | 'break' | undefined;
	/**
	 * Whether everything that a worker's tasks have started is killed after the worker, also detached processes and daemons (on Linux).
	 * With `false`, what has left the process group of the worker is left alone. Default: true.
	 */
	readonly killDescendants?: boolean | undefined;
	/** The most milliseconds from the start of a worker until it is ready; `Infinity` is no limit. Default: 60,000. */
	readonly startTimeout?: number | undefined;
	/** Milliseconds between the steps that end a worker: ask it, SIGTERM, SIGKILL; `Infinity` never goes on. Default: 10,000. */
	readonly shutdownTimeout?: number | undefined;
	/** How often a task is queued again when its worker died before it started the task. Default: 1. */
	readonly maxPoisonRetries?: number | undefined;
	/**
	 * After how many tasks a worker is replaced, from 1 up; a chunk of a `map` is one. It works on until its replacement is ready, so this is no
	 * exact number. Default: never.
	 */
	readonly maxTasksPerWorker?: number | undefined;
	/**
	 * How many bytes of resident memory a worker may have, as the system counts them: beyond `soft` it is replaced between two tasks, beyond
	 * `hard` it is killed with its task. A number is `soft`. Default: as many as it likes.
	 */
	readonly maxMemory?: number | MemoryLimits | undefined;
	/**
	 * What becomes of what workers print: `'inherit'`, it is printed by this program; `'tagged'`, the same with worker and task before each
	 * line; `'pipe'`, each line is an event `output`; `'ignore'`, nothing. Default: `'inherit'`.
	 */
	readonly output?: OutputMode | undefined;
}

/** Bytes of resident memory. */
export interface MemoryLimits {
	/** Default: `hard`. */
	readonly soft?: number | undefined;
	/** From `soft` up. Default: none. */
	readonly hard?: number | undefined;
}

/** {@link ExecutorOptions}, checked and complete. Times are in ms, `null` is none. */
export interface ExecutorSettings {
	readonly maxWorkers: number;
	readonly timeout: number | null;
	readonly context: 'loky' | 'loky_init_main';
	/** The whole environment of the workers. */
	readonly env: Readonly<Record<string, string>>;
	readonly initializer: ((...initargs: never[]) => unknown) | null;
	readonly initargs: readonly unknown[];
	readonly jobReducers: Reducers;
	readonly resultReducers: Reducers;
	readonly onWorkerDeath: 'isolate' | 'break';
	readonly killDescendants: boolean;
	readonly startTimeout: number | null;
	readonly shutdownTimeout: number | null;
	readonly maxPoisonRetries: number;
	readonly maxTasksPerWorker: number | null;
	readonly maxMemory: {readonly soft: number | null; readonly hard: number | null};
	readonly output: OutputMode;
}

/** What one `map` can be told. */
export interface MapOptions {
	/** The most milliseconds from the call to the last result; `null` or `Infinity` is no limit. Default: `null`. */
	readonly timeout?: number | null | undefined;
	/** How many items travel to a worker together, from 1 up. Default: 1. */
	readonly chunksize?: number | undefined;
}

/** {@link MapOptions}, checked and complete. */
export interface MapSettings {
	readonly timeout: number | null;
	readonly chunksize: number;
}

/** How an executor is shut down. */
export interface ShutdownOptions {
	/** Whether to wait until every worker has ended. Default: true. */
	readonly wait?: boolean | undefined;
	/** Whether to kill the workers at once, with the tasks that they run. Default: false. */
	readonly killWorkers?: boolean | undefined;
}

/** {@link ShutdownOptions}, checked and complete. */
export type ShutdownSettings = Readonly<Record<keyof ShutdownOptions, boolean>>;

// More processes than any system of today runs; and what the supervisor can count.
const mostWorkers = 65_535;
const mostRetries = 1_000_000;

const executorOptionNames = [
	'maxWorkers',
	'timeout',
	'context',
	'env',
	'initializer',
	'initargs',
	'jobReducers',
	'resultReducers',
	'onWorkerDeath',
	'killDescendants',
	'startTimeout',
	'shutdownTimeout',
	'maxPoisonRetries',
	'maxTasksPerWorker',
	'maxMemory',
	'output',
] as const satisfies ReadonlyArray<keyof ExecutorOptions>;

/**
 * Checks the options of the function called `functionName`.
 *
 * @throws {TypeError} A name is unknown, or a value has the wrong type.
 * @throws {RangeError} A value is out of range.
 */
export function readExecutorOptions(functionName: string, options: unknown): ExecutorSettings {
	const copy = copyOptions(functionName, options, executorOptionNames);
	return Object.freeze({
		maxWorkers: readCount(copy, 'maxWorkers', {minimum: 1, maximum: mostWorkers, byDefault: cpuCount}),
		timeout: readTimeout(copy, 'timeout', {nullable: true}),
		context: readContext(copy, 'context'),
		env: readEnvironment(copy, 'env'),
		initializer: readInitializer(copy, 'initializer'),
		initargs: readArguments(copy, 'initargs'),
		jobReducers: readReducers(copy, 'jobReducers'),
		resultReducers: readReducers(copy, 'resultReducers'),
		onWorkerDeath: readChoice(copy, 'onWorkerDeath', ['isolate', 'break'], 'isolate'),
		killDescendants: readBoolean(copy, 'killDescendants', true),
		startTimeout: readTimeout(copy, 'startTimeout', {byDefault: 60_000}),
		shutdownTimeout: readTimeout(copy, 'shutdownTimeout', {byDefault: 10_000}),
		maxPoisonRetries: readCount(copy, 'maxPoisonRetries', {minimum: 0, maximum: mostRetries, byDefault: () => 1}),
		maxTasksPerWorker: readOptionalCount(copy, 'maxTasksPerWorker', {minimum: 1}),
		maxMemory: readMemoryLimits(copy, 'maxMemory'),
		output: readChoice(copy, 'output', ['inherit', 'ignore', 'tagged', 'pipe'], 'inherit'),
	});
}

/** Checks the options of a `map`; throws as {@link readExecutorOptions} does. */
export function readMapOptions(options: unknown): MapSettings {
	const copy = copyOptions('map', options, ['timeout', 'chunksize']);
	return Object.freeze({
		timeout: readTimeout(copy, 'timeout', {nullable: true}),
		chunksize: readCount(copy, 'chunksize', {minimum: 1, byDefault: () => 1}),
	});
}

/** Checks the options of a `shutdown`; throws as {@link readExecutorOptions} does. */
export function readShutdownOptions(options: unknown): ShutdownSettings {
	const copy = copyOptions('shutdown', options, ['wait', 'killWorkers']);
	return Object.freeze({wait: readBoolean(copy, 'wait', true), killWorkers: readBoolean(copy, 'killWorkers', false)});
}

function readMemoryLimits(options: OptionCopy, name: string): ExecutorSettings['maxMemory'] {
	const value = options[name];
	if (typeof value === 'number') {
		return Object.freeze({soft: readOptionalCount(options, name, {minimum: 1}), hard: null});
	}

	if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) {
		throw argumentTypeError(name, 'a number of bytes, or an object with soft and hard', value);
	}

	const copy = copyOptions(name, value, ['soft', 'hard']);
	const names = {soft: `${name}.soft`, hard: `${name}.hard`};
	const limits = {[names.soft]: copy['soft'], [names.hard]: copy['hard']};
	const soft = readOptionalCount(limits, names.soft, {minimum: 1});
	const hard = readOptionalCount(limits, names.hard, {minimum: 1});
	if (soft !== null && hard !== null && hard < soft) {
		throw argumentRangeError(names.hard, `at least ${names.soft}, which is ${soft}`, hard);
	}

	return Object.freeze({soft, hard});
}

function readContext(options: OptionCopy, name: string): ExecutorSettings['context'] {
	const context = readChoice(options, name, ['loky', 'loky_init_main'], 'loky');
	if (context === 'loky_init_main' && mainModuleUrl() === null) {
		throw argumentRangeError(name, '\'loky\' in a program without a main file, as one of --eval, of standard input or of the REPL', context);
	}

	return context;
}

function readInitializer(options: OptionCopy, name: string): ExecutorSettings['initializer'] {
	const value = options[name];
	if (value === undefined) {
		return null;
	}

	if (!isFunction(value)) {
		throw argumentTypeError(name, 'a function', value);
	}

	return value;
}

const isFunction = (value: unknown): value is (...initargs: never[]) => unknown => typeof value === 'function';

function readArguments(options: OptionCopy, name: string): readonly unknown[] {
	const value = options[name];
	if (value === undefined) {
		return Object.freeze([]);
	}

	if (!Array.isArray(value)) {
		throw argumentTypeError(name, 'an array', value);
	}

	return Object.freeze([...value as unknown[]]);
}

/** A copy: what the caller adds later is not for this executor. */
function readReducers(options: OptionCopy, name: string): Reducers {
	const value = options[name];
	if (value === undefined) {
		return new Map();
	}

	if (!(value instanceof Map)) {
		throw argumentTypeError(name, 'a Map from class to function', value);
	}

	for (const [of, reducer] of value as ReadonlyMap<unknown, unknown>) {
		if (typeof of !== 'function' || typeof reducer !== 'function') {
			throw argumentTypeError(name, 'a Map whose keys are classes and whose values are functions', typeof of === 'function' ? reducer : of);
		}
	}

	return new Map(value as Reducers);
}

/** A copy of `process.env` with the changes applied; without a prototype, so that a variable may have any name. */
function readEnvironment(options: OptionCopy, name: string): Readonly<Record<string, string>> {
	const environment = Object.assign(emptyRecord<string>(), process.env);
	const changes = options[name];
	if (changes === undefined) {
		return Object.freeze(environment);
	}

	if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
		throw argumentTypeError(name, 'an object', changes);
	}

	for (const variable of Object.keys(changes)) {
		// The system ends a name at the first of these: a variable nobody asked for would arrive.
		if (variable === '' || /[=\0]/v.test(variable)) {
			throw argumentTypeError(name, 'an object whose names are not empty and have neither "=" nor NUL', variable);
		}

		const value: unknown = Reflect.get(changes, variable);
		if (value === null || value === undefined) {
			Reflect.deleteProperty(environment, variable);
		} else if (typeof value !== 'string') {
			throw argumentTypeError(`${name}.${variable}`, 'a string, null or undefined', value);
		} else if (value.includes('\0')) {
			throw argumentTypeError(`${name}.${variable}`, 'a string without NUL', value);
		} else {
			environment[variable] = value;
		}
	}

	return Object.freeze(environment);
}
