/**
 * The executor that users hold. What it promises is written here; how it is kept, in `pool.ts` and in the supervisor.
 */
import {inspect} from 'node:util';
import {workerLaunch} from './context.js';
import {argumentTypeError} from './errors.js';
import type {AnyFunction, TaskEncoding} from './function-registry.js';
import {EventListeners, type ExecutorEventName, type ExecutorListener} from './executor-events.js';
import type {Future} from './future.js';
import {splitMapArguments, type InputsOf} from './map-arguments.js';
import type {NativeSettings} from './native.js';
import {
	readExecutorOptions, readMapOptions, readShutdownOptions, type ExecutorOptions, type ExecutorSettings, type MapOptions, type ShutdownOptions,
} from './options.js';
import {currentPickler} from './pickler.js';
import {Pool} from './pool.js';
import {MapChunk} from './map-chunk.js';
import {startMap, type ItemOutcome, type ResultStream} from './result-stream.js';
import {functionCapture} from './functions/capture.js';
import {entryPaths} from './functions/entry-script.js';
import {mainModuleUrl} from './functions/main-module.js';
import {inheritedMainScript} from './functions/main-script.js';
import {createModuleHandle, type ModuleHandle} from './functions/module-handle.js';
import {encode} from './serialize/codec.js';
import type {Pickler} from './serialize/pickler.js';
import {reducerTable} from './serialize/reducers.js';
import {describeWorker, type ExecutorStats, type WorkerInfo} from './stats.js';
import {
	readTaskOptions, unlimited, type TaskLimits, type TaskOptions,
} from './task-options.js';
import {checkFunction, TaskScope} from './task-scope.js';
import {untravelling} from './untravelling.js';
import {version} from './version.js';
import type {Initialization, InitialSettings} from './worker/initialize.js';
import {textReceiver, textUse} from './worker-text.js';

// The most bytes of one frame: what one Buffer surely holds on every version of Node.
const maxPayload = 0x7F_FF_FF_FF;

// How many workers in a row may fail to start before the executor gives up.
const maxFailedStarts = 3;

/** Ends the pool of an executor that nobody can reach any more, after what it still has to do. */
const abandoned = new FinalizationRegistry<Pool>(pool => {
	pool.startClosing('drain');
});

let executors = 0;

/**
 * Runs functions in worker processes.
 *
 * Workers are started when there is work for them and are supervised by a thread of their own, which goes on while
 * JavaScript is busy. The death of a worker fails the one task that it had started; the executor stays usable.
 *
 * @example
 * await using executor = new ProcessPoolExecutor({maxWorkers: 4});
 * await executor.submit((a, b) => a + b, 1, 2); // 3
 */
export class ProcessPoolExecutor {
	/** @internal */
	get [untravelling](): string {
		return 'a ProcessPoolExecutor';
	}

	/** Counts the executors of this process, from 0. */
	readonly executorId = executors++;
	readonly maxWorkers: number;
	readonly #events = new EventListeners(this.executorId);
	readonly #pool: Pool;

	/**
	 * Starts nothing yet.
	 *
	 * @throws {TypeError} An option is unknown, or has the wrong type.
	 * @throws {RangeError} An option is out of range.
	 * @throws {SerializationError} The initializer or its arguments cannot travel.
	 */
	constructor(options?: ExecutorOptions) {
		const settings = readExecutorOptions('ProcessPoolExecutor', options);
		this.maxWorkers = settings.maxWorkers;
		const encoding: TaskEncoding = {
			pickler: pickler(settings),
			reducers: reducerTable(settings.jobReducers),
			capture: functionCapture('worker', settings.context === 'loky_init_main'),
		};
		this.#pool = new Pool(nativeSettings(settings, encoding), encoding, this.#events, textReceiver(settings.output, this.#events));
		abandoned.register(this, this.#pool, this);
	}

	/**
	 * Runs `fn(...args)` in a worker. Arguments and result are copied as structured clone does.
	 *
	 * What depends on the state of the executor, or on whether the values can travel, comes through the future:
	 * `ShutdownExecutorError`, `BrokenProcessPool`, `SerializationError`.
	 *
	 * @throws {TypeError} `fn` is not a function.
	 */
	submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
		checkFunction(fn);
		return this.#pool.submit(fn, args) as Future<Awaited<R>>;
	}

	/**
	 * Runs `fn` once per item; several iterables are taken in step, until the shortest ends. Results come in the order
	 * of the items, by `for await` or, all of them, by `await`.
	 *
	 * Iterables may be asynchronous and are read as the work goes on. The last argument may be options:
	 * `timeout` in ms for the whole iteration, and `chunksize`, the items that travel together.
	 *
	 * @throws {TypeError} `fn` is not a function, an input is not iterable, or an option is wrong.
	 */
	map<A extends unknown[], R>(fn: (...args: A) => R, ...inputs: InputsOf<A>): ResultStream<Awaited<R>>;
	map<A extends unknown[], R>(fn: (...args: A) => R, ...inputsAndOptions: [...InputsOf<A>, MapOptions]): ResultStream<Awaited<R>>;
	map<R>(fn: AnyFunction, ...inputsAndOptions: unknown[]): ResultStream<Awaited<R>> {
		checkFunction(fn);
		return this.#map<Awaited<R>>(fn, inputsAndOptions, unlimited);
	}

	/**
	 * The exported functions of a module, each callable here and run in a worker, which imports the module itself.
	 *
	 * @example
	 * const jobs = executor.module<typeof import('./jobs.js')>(new URL('./jobs.js', import.meta.url));
	 * await jobs.price(42);
	 * @throws {TypeError} The URL is not absolute.
	 */
	module<M>(url: URL | string): ModuleHandle<M> {
		return createModuleHandle<M>(url, (fn, args) => this.#pool.submit(fn, args));
	}

	/**
	 * This executor with limits for each task: a `timeout` in ms from the start of the task, `retries` after deaths of workers, a `signal` that
	 * takes tasks back and kills what runs, a `priority` over tasks that wait.
	 *
	 * @example
	 * await executor.with({timeout: 1000}).submit(() => { for (;;); }); // rejects with TaskTimeoutError
	 * @throws {TypeError} An option is unknown, or has the wrong type.
	 * @throws {RangeError} An option is out of range.
	 */
	with(options: TaskOptions): TaskScope {
		const limits = readTaskOptions(options);
		return new TaskScope({
			submit: (fn, args) => this.#pool.submit(fn, args, limits),
			mapOver: (fn, inputsAndOptions) => this.#map(fn, inputsAndOptions, limits),
		});
	}

	/**
	 * Takes no more tasks, finishes those it has, and lets the workers go. With `killWorkers` the workers are killed and
	 * everything unfinished rejects with `ShutdownExecutorError`. May be called again, also to go over to killing.
	 *
	 * @returns when every process is gone; at once with `wait: false`.
	 * @throws {TypeError} An option is unknown, or has the wrong type.
	 */
	// Not async: wrong options throw at once, as everywhere.
	// eslint-disable-next-line @typescript-eslint/promise-function-async
	shutdown(options?: ShutdownOptions): Promise<void> {
		const {wait, killWorkers} = readShutdownOptions(options);
		abandoned.unregister(this);
		const how = killWorkers ? 'kill' : 'drain';
		if (wait) {
			return this.#pool.close(how);
		}

		this.#pool.startClosing(how);
		return Promise.resolve();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.shutdown();
	}

	/** The processes that live at this moment, in the order of their starts. */
	get workers(): readonly WorkerInfo[] {
		return this.#pool.workers().map(worker => describeWorker(worker));
	}

	/** How many workers and tasks there are and were. */
	stats(): ExecutorStats {
		return this.#pool.stats();
	}

	/**
	 * Calls `listener` at every such event, in the asynchronous context of now. What it throws becomes a process warning.
	 *
	 * @throws {RangeError} There is no such event.
	 * @throws {TypeError} `listener` is not a function.
	 */
	on<Name extends ExecutorEventName>(event: Name, listener: ExecutorListener<Name>): this {
		this.#events.add(event, listener, false);
		return this;
	}

	/** As `on`, for the next event only. */
	once<Name extends ExecutorEventName>(event: Name, listener: ExecutorListener<Name>): this {
		this.#events.add(event, listener, true);
		return this;
	}

	/** Takes back one `on` or `once` of that listener, the last one. */
	off<Name extends ExecutorEventName>(event: Name, listener: ExecutorListener<Name>): this {
		this.#events.remove(event, listener);
		return this;
	}

	[inspect.custom](): string {
		return `ProcessPoolExecutor { maxWorkers: ${this.maxWorkers}, workers: ${this.workers.length} }`;
	}

	#map<R>(fn: AnyFunction, inputsAndOptions: readonly unknown[], limits: TaskLimits): ResultStream<R> {
		const {iterables, options} = splitMapArguments(inputsAndOptions);
		const settings = readMapOptions(options);
		const chunkFunction = this.#pool.chunkFunction(fn, limits);
		return startMap<R>({
			submitChunk: list => chunkFunction.submit(new MapChunk(), list) as Future<readonly ItemOutcome[]>,
			release() {
				chunkFunction.release();
			},
			// Enough to keep every worker supplied while the consumer takes results, and no more of a lazy input than that.
			window: Math.max(64, this.maxWorkers * 8),
		}, iterables, {...settings, signal: limits.signal});
	}
}

function pickler({jobReducers, resultReducers}: ExecutorSettings): Pickler | null {
	const chosen = currentPickler();
	for (const [option, reducers] of Object.entries({jobReducers, resultReducers})) {
		if (chosen !== null && reducers.size > 0) {
			throw argumentTypeError(option, `left out while setLokyPickler has chosen ${chosen.name}: only the default pickler knows reducers`, reducers);
		}
	}

	return chosen;
}

function initialization({context, initializer, initargs, resultReducers, output}: ExecutorSettings, {pickler, ...encoding}: TaskEncoding): Initialization {
	const settings: InitialSettings = {
		initializer: initializer as InitialSettings['initializer'],
		initargs,
		resultReducers: [...resultReducers] as unknown as InitialSettings['resultReducers'],
	};
	return {
		version,
		pickler: pickler?.name ?? null,
		marksOutput: textUse[output] === 'marked',
		mainScript: {
			paths: [...inheritedMainScript().paths, ...entryPaths()],
			url: mainModuleUrl(),
			isImported: context === 'loky_init_main',
		},
		settings: new Uint8Array(encode(settings, 'submit', [], encoding)),
	};
}

function nativeSettings(settings: ExecutorSettings, encoding: TaskEncoding): NativeSettings {
	return {
		...workerLaunch(settings.env),
		maxWorkers: settings.maxWorkers,
		maxTasksPerWorker: settings.maxTasksPerWorker,
		maxMemorySoft: settings.maxMemory.soft,
		maxMemoryHard: settings.maxMemory.hard,
		idleTimeout: settings.timeout,
		startTimeout: settings.startTimeout,
		shutdownGrace: settings.shutdownTimeout,
		breakOnWorkerDeath: settings.onWorkerDeath === 'break',
		maxFailedStarts,
		maxUnstartedDeaths: settings.maxPoisonRetries + 1,
		// Copied: the encoder reuses its memory, and workers are started until the end.
		init: new Uint8Array(encode(initialization(settings, encoding))),
		// For tests of the way that kernels without pidfds take.
		killDescendants: settings.killDescendants,
		watchByThread: settings.env['LOKY_TEST_DEATH_WATCH'] === 'thread',
		maxPayload,
		textUse: textUse[settings.output],
	};
}
