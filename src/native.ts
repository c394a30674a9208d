/**
 * The only importer of the addon. What crosses is data: numbers, bytes, plain objects with every property present and
 * `null` for none. Times in ms, sizes in bytes.
 */
import {
	calibrateOrigin as calibrateNativeOrigin,
	contextDepth as nativeContextDepth,
	declaringHops as nativeDeclaringHops,
	NativeExecutor as Executor,
	NativeWorker as Worker,
	scopeNumber as nativeScopeNumber,
	scriptName as nativeScriptName,
	sharesContext as nativeSharesContext,
} from '../binding.js';

/** How a worker's process ended. At most one of the three is not null; all are null where nobody can tell. */
export interface NativeExit {
	readonly exitCode: number | null;
	/** Its number. */
	readonly signal: number | null;
	/** The errno of a start that failed, and the operation. */
	readonly spawnErrno: number | null;
	readonly spawnOperation: string | null;
	readonly coreDumped: boolean;
}

/** The facts of a worker's death. */
export interface NativeDeath extends NativeExit {
	readonly workerIndex: number;
	readonly pid: number | null;
	readonly reason: 'crash' | 'heap' | 'oom' | 'killed' | 'exit' | 'timeout' | 'aborted' | 'protocol' | 'shutdown';
	/** What it did, where the reason is `protocol`. */
	readonly violation: string | null;
	/** Counted from 1; null where no single task is concerned. */
	readonly attempt: number | null;
	readonly stderrTail: Uint8Array;
	/** From spawn to end. */
	readonly lifetime: number;
	/** For how long the task had been the next one of the worker, or ran; null where no single task is concerned. */
	readonly taskTime: number | null;
	/** Largest resident set. */
	readonly peakMemory: number | null;
	/** The hard limit that it was killed for, and what it had. */
	readonly memoryLimit: number | null;
	readonly memory: number | null;
	/** Whether it had claimed a task and not called it yet: it read it, or imported what it needs. */
	readonly wasLoading: boolean;
}

/** Why a pool broke. */
export type NativeBreak
	= | {readonly cause: 'workers-never-ready' | 'worker-died'; readonly death: NativeDeath | null}
		| {readonly cause: 'initializer-threw'; readonly bytes: Uint8Array}
		| {readonly cause: 'cannot-spawn'; readonly errno: number; readonly text: string}
		| {readonly cause: 'supervisor-failed'; readonly text: string};

/** Where a task begins. */
export interface NativeTaskStart {
	readonly workerIndex: number;
	readonly pid: number;
	/** Counted from 1 for each time the task crosses. */
	readonly attempt: number;
}

/** Something that has happened and is rarer than a result. */
export type NativeFact
	= | {readonly kind: 'worker-terminated' | 'timed-out' | 'aborted' | 'worker-exited'; readonly death: NativeDeath}
		| ({readonly kind: 'pool-broken' | 'broken'} & NativeBreak)
		| {readonly kind: 'worker-started'; readonly workerIndex: number; readonly pid: number}
		| {
			readonly kind: 'worker-recycled';
			readonly workerIndex: number;
			readonly pid: number;
			readonly cause: 'maxTasks' | 'maxMemory';
			readonly memory: number | null;
			/** How many tasks it has finished. */
			readonly finished: number;
		}
		| ({readonly kind: 'task-started'} & NativeTaskStart)
		| {readonly kind: 'stray-error'; readonly workerIndex: number; readonly pid: number; readonly bytes: Uint8Array}
		| {readonly kind: 'stdout' | 'stderr'; readonly workerIndex: number; readonly pid: number; readonly bytes: Uint8Array}
		| {readonly kind: 'closed' | 'text-dropped'}
		| {readonly kind: 'failed'; readonly text: string};

/** The first number of a row in a batch of notices. */
export const noticeKind = {
	returned: 0,
	threw: 1,
	undecodable: 2,
	cancelled: 3,
	poolClosed: 4,
	fact: 5,
	poolBroken: 6,
} as const;

/** Numbers in a row of a batch of notices: kind, task, start, length. */
export const noticeRow = 4;

/** What has happened, in order. A negative start is `-1 - index` into `large`; for facts it is an index into `facts`. */
export interface NativeBatch {
	readonly table: Float64Array;
	readonly payloads: Uint8Array;
	readonly large: readonly Uint8Array[];
	readonly facts: readonly NativeFact[];
}

/** Everything that a supervisor is told once. */
export interface NativeSettings {
	readonly maxWorkers: number;
	readonly maxTasksPerWorker: number | null;
	readonly maxMemorySoft: number | null;
	readonly maxMemoryHard: number | null;
	readonly idleTimeout: number | null;
	readonly startTimeout: number | null;
	readonly shutdownGrace: number | null;
	readonly breakOnWorkerDeath: boolean;
	readonly maxFailedStarts: number;
	readonly maxUnstartedDeaths: number;
	readonly init: Uint8Array;
	readonly program: string;
	readonly args: readonly string[];
	/** As `NAME=value`. */
	readonly env: readonly string[];
	readonly watchByThread: boolean;
	/** Whether processes die with their worker also where they have left its group. */
	readonly killDescendants: boolean;
	readonly maxPayload: number;
	readonly textUse: 'passed-on' | 'marked' | 'discarded';
}

/** What a living worker does. */
export interface NativeWorkerState {
	readonly index: number;
	readonly pid: number | null;
	readonly state: 'starting' | 'idle' | 'busy' | 'exiting';
	/** The time since its process was started. */
	readonly age: number | null;
	/** The task that it has started and not finished. */
	readonly running: number | null;
	readonly runningFor: number | null;
	/** How many tasks it has finished. */
	readonly finished: number;
}

/** Numbers in a row of a submission: task, function, length of the payload, timeout in ms or -1, 1 if its start is to be told or 0, priority. */
export const submissionRow = 6;

/** A supervisor with its thread. */
export interface NativeExecutor {
	/**
	 * A function that later submissions name, by a number that was not used before.
	 *
	 * @throws {Error} The payload is longer than `maxPayload`. Nothing has changed then.
	 */
	registerFunction(id: number, payload: Uint8Array): void;
	/** Frees a function here and in the workers once its tasks are settled. Tasks that name it must have crossed before. */
	releaseFunction(id: number): void;
	/** Starts a worker if there is none, so that it starts while the first task is prepared. */
	expectWork(): void;
	/** The first `count` rows of the table; their payloads stand one behind the other. */
	submit(table: Float64Array, count: number, payloads: Uint8Array): void;
	cancel(task: number): boolean;
	/** Ends tasks: takes back what has not started, kills the workers of what runs. */
	abort(tasks: Float64Array): void;
	isRunning(task: number): boolean;
	shutdown(how: 'drain' | 'cancel-pending' | 'kill'): void;
	/** Kills the workers with everything that their tasks have started, and waits for their ends: milliseconds. */
	killAndWait(): void;
	take(): NativeBatch;
	/** Has all text that workers have written among what is taken next, also lines without an end. */
	flushOutput(): void;
	/** The text of one fact of so many bytes is written or used; workers wait where too much is not. */
	textTaken(length: number): void;
	/** Frees everything, without waiting for a garbage collection. */
	dispose(): void;
	workers(): NativeWorkerState[];
	/** Keeps the event loop alive; `release` lets it end. */
	hold(): void;
	release(): void;
}

/** The kinds of frames, as `frame.rs` numbers them. */
export const frameKind = {
	init: 1,
	function: 2,
	task: 3,
	exit: 4,
	forget: 5,
	observedTask: 6,
	ready: 16,
	startFailed: 17,
	returned: 18,
	threw: 19,
	undecodable: 20,
	started: 21,
	strayError: 22,
} as const;

/** Numbers in a row of a batch of frames: kind, sequence, function, length of the payload. */
export const frameRow = 4;

/** Frames that have arrived, in order; their payloads stand one behind the other. */
export interface FrameBatch {
	readonly count: number;
	readonly table: Uint32Array;
	readonly payloads: Uint8Array;
}

/** The worker's end of the pipes. */
export interface NativeWorker {
	/** Calls back from the event loop whenever frames can be read, and keeps the loop alive. */
	watch(callback: () => void): void;
	/** One slot per sequence: claimed by compare-and-swap from the sequence to the negated sequence. */
	claims(): Int32Array;
	/** Two numbers that the parent reads: the sequence of the task that is loaded, and the port of this process's debugger. */
	remarks(): Int32Array;
	/** Ends the process, with all that its tasks have started, when the parent is gone. */
	read(): FrameBatch;
	/**
	 * Sends one frame; may wait for the parent. `isLast`: nothing more follows before the next `read`, so it is told at once; otherwise, of many
	 * that follow each other quickly, some wait up to a millisecond.
	 */
	write(kind: number, sequence: number, payload: Uint8Array, isLast: boolean): void;
}

/** Starts a supervisor's thread; `wake` is called once whenever there is something to take. */
export function startExecutor(settings: NativeSettings, wake: () => void): NativeExecutor {
	// The generated types know no readonly arrays and no unions of facts.
	return new Executor(settings as never, wake) as unknown as NativeExecutor;
}

/** Takes over the descriptors that a supervisor gave to this process. */
export function openWorker(): NativeWorker {
	return new Worker();
}

/**
 * Finds out how this V8 tells the script of a function, from one of a script whose offsets are known. False where it does not.
 * Once per process would do.
 */
export const calibrateOrigin: (fn: object, lineOffset: number, columnOffset: number) => boolean = calibrateNativeOrigin;

/**
 * The name of a function's script: a string, or undefined for a script without one. Null for a function without a script, and until
 * `calibrateOrigin` was right. `place` takes the number of the script, line and column from 0, and V8's flags.
 */
export const scriptName: (fn: object, place: Int32Array) => unknown = nativeScriptName;

/** V8's flag for a function of an ECMAScript module. */
export const moduleFlag = 8;

/**
 * Whether the variables so many scopes out from each function are the same ones. The words say where a function holds its context, and
 * a context the one around it; a wrong one within the bounds gives a wrong answer and nothing worse.
 */
export const sharesContext: typeof nativeSharesContext = nativeSharesContext;

/** The hops from a function's own context to that of its realm. Null for what is no closure. */
export const contextDepth: typeof nativeContextDepth = nativeContextDepth;

/** A number of the description that V8 has of a function's context. */
export const scopeNumber: typeof nativeScopeNumber = nativeScopeNumber;

/** The hops to the first context, from `from` on, that has a variable of a name, which must be a key of an object. */
export const declaringHops: typeof nativeDeclaringHops = nativeDeclaringHops;
