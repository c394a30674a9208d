/**
 * The classes a caller can tell apart. Each has a stable `code`, a `name` equal to its class, and its facts as
 * readonly fields that are always present (`null` for none): nobody has to parse a message.
 */

import {inspect, types} from 'node:util';

/** Why a worker's process ended. */
export type TerminationReason = 'crash' | 'killed' | 'exit' | 'timeout' | 'aborted' | 'protocol' | 'shutdown' | 'heap' | 'oom';

/** What is known about a worker that died. Times in ms, sizes in bytes. */
export interface WorkerTermination {
	readonly pid: number | null;
	readonly workerIndex: number | null;
	readonly exitCode: number | null;
	/** The name, such as `SIGKILL`. */
	readonly signal: string | null;
	readonly coreDumped: boolean;
	readonly reason: TerminationReason;
	/** The last lines the worker wrote to stderr. */
	readonly stderrTail: string;
	/** How long the task ran; the life of a worker that ran none. */
	readonly duration: number | null;
	/** Largest resident set. */
	readonly peakMemory: number | null;
	/** The `maxMemory.hard` that it was killed for; null in every other case. */
	readonly memoryLimit: number | null;
	/** 1 for the first run of the task; one more for each worker that died before it could start it. */
	readonly attempt: number | null;
	/** Node's diagnostic report, where one was written. */
	readonly reportPath: string | null;
	/** What the worker did, where the reason is `protocol`. */
	readonly violation: string | null;
}

/** Where a value could not be turned into bytes or back. */
export type SerializationSide = 'submit' | 'worker' | 'result' | 'parent';

/** One step from the root of a value to a part of it. */
export type PathStep = string | number;

/** Which function is meant, and where it stands. */
export interface FunctionPlace {
	/** Null for an anonymous one. */
	readonly name: string | null;
	/** Null where it is not known. */
	readonly url: string | null;
	/** Line and column count from 1. */
	readonly line: number | null;
	readonly column: number | null;
}

/** What `JSON.stringify` shows of an error: `message` and `cause` are not enumerable, so the default shows neither. */
function jsonOf(this: Error): Record<string, unknown> {
	const {name, message, cause} = this;
	const described = types.isNativeError(cause) ? {name: cause.name, message: cause.message} : cause;
	const json: Record<string, unknown> = {name, message};
	for (const [key, value] of Object.entries(this)) {
		json[key] = value;
	}

	return 'cause' in this ? {...json, cause: described} : json;
}

// On the prototype, so that V8 finds the name while it writes the first line of the stack.
function describeClass(errorClass: {readonly prototype: Error}, name: string): void {
	Object.defineProperties(errorClass.prototype, {
		name: {value: name, writable: true, configurable: true},
		toJSON: {value: jsonOf, writable: true, configurable: true},
	});
}

/** The pool cannot work any more: the cause says why. Start another executor once that is mended. */
export class BrokenProcessPool extends Error {
	static {
		describeClass(this, 'BrokenProcessPool');
	}

	declare readonly name: string;
	declare readonly cause: unknown;
	readonly code: string = 'ERR_BROKEN_PROCESS_POOL';

	constructor(message = 'The process pool is broken. Its cause says why; start another executor once that is mended.', {cause = null}: {readonly cause?: unknown} = {}) {
		super(message, {cause});
	}
}

/** The worker that ran the task died. Only that task is concerned. */
export class TerminatedWorkerError extends BrokenProcessPool implements WorkerTermination {
	static {
		describeClass(this, 'TerminatedWorkerError');
	}

	override readonly code: string = 'ERR_WORKER_TERMINATED';
	readonly pid: number | null;
	readonly workerIndex: number | null;
	readonly exitCode: number | null;
	readonly signal: string | null;
	readonly coreDumped: boolean;
	readonly reason: TerminationReason;
	readonly stderrTail: string;
	readonly duration: number | null;
	readonly peakMemory: number | null;
	readonly memoryLimit: number | null;
	readonly attempt: number | null;
	readonly reportPath: string | null;
	readonly violation: string | null;

	constructor(message: string, termination: WorkerTermination, options?: {readonly cause?: unknown}) {
		super(message, options);
		this.pid = termination.pid;
		this.workerIndex = termination.workerIndex;
		this.exitCode = termination.exitCode;
		this.signal = termination.signal;
		this.coreDumped = termination.coreDumped;
		this.reason = termination.reason;
		this.stderrTail = termination.stderrTail;
		this.duration = termination.duration;
		this.peakMemory = termination.peakMemory;
		this.memoryLimit = termination.memoryLimit;
		this.attempt = termination.attempt;
		this.reportPath = termination.reportPath;
		this.violation = termination.violation;
	}
}

/** The task ran longer than its `timeout` (ms), so its worker was killed. */
export class TaskTimeoutError extends TerminatedWorkerError {
	static {
		describeClass(this, 'TaskTimeoutError');
	}

	override readonly code = 'ERR_TASK_TIMEOUT';
	readonly timeout: number | null;

	constructor(message: string, termination: WorkerTermination, {timeout, cause = null}: {readonly timeout: number | null; readonly cause?: unknown}) {
		super(message, termination, {cause});
		this.timeout = timeout;
	}
}

/** The executor takes no more tasks. */
export class ShutdownExecutorError extends Error {
	static {
		describeClass(this, 'ShutdownExecutorError');
	}

	declare readonly name: string;
	readonly code = 'ERR_EXECUTOR_SHUTDOWN';

	constructor(message = 'The executor was shut down, so it takes no more tasks, and what it has not finished will not be. Start another executor.') {
		super(message);
	}
}

/** The task was cancelled before it had a result. */
export class CancelledError extends Error {
	static {
		describeClass(this, 'CancelledError');
	}

	declare readonly name: string;
	readonly code = 'ERR_TASK_CANCELLED';

	constructor(message = 'The task was cancelled before it started. Its future will never have a result; submit the task again to run it.') {
		super(message);
	}
}

/** The wait for a result ended at its `timeout` (ms). The task goes on. */
export class TimeoutError extends Error {
	static {
		describeClass(this, 'TimeoutError');
	}

	declare readonly name: string;
	readonly code = 'ERR_TIMEOUT';
	readonly timeout: number | null;

	constructor(message = 'There was no result in time. The task goes on; wait again, or wait longer.', {timeout = null}: {readonly timeout?: number | null} = {}) {
		super(message);
		this.timeout = timeout;
	}
}

/** What a SerializationError tells besides its message. */
export interface SerializationFacts {
	readonly side: SerializationSide;
	/** From the root to the part that cannot travel: `['args', 0, 'socket']`. */
	readonly path?: readonly PathStep[];
	/** The function that holds what cannot travel, or that cannot travel itself. */
	readonly function?: FunctionPlace | null;
	/** `ERR_SERIALIZATION` unless a more precise one is known. */
	readonly code?: string;
	readonly cause?: unknown;
}

/** A value or a function cannot travel between the processes. */
export class SerializationError extends Error {
	static {
		describeClass(this, 'SerializationError');
	}

	declare readonly name: string;
	declare readonly cause: unknown;
	readonly code: string;
	readonly side: SerializationSide;
	readonly path: readonly PathStep[];
	/** The function that holds what cannot travel, or that cannot travel itself; null where no function is concerned. */
	readonly function: FunctionPlace | null;

	constructor(message: string, {side, path = [], function: place = null, code = 'ERR_SERIALIZATION', cause = null}: SerializationFacts) {
		super(message, {cause});
		this.code = code;
		this.side = side;
		this.path = path;
		this.function = place;
	}
}

/** Executors inside workers inside workers, deeper than allowed. */
export class LokyRecursionError extends Error {
	static {
		describeClass(this, 'LokyRecursionError');
	}

	declare readonly name: string;
	readonly code = 'ERR_RECURSION';
	readonly depth: number;

	constructor(depth: number, message = `Executors are nested ${depth} levels deep, which is over the limit. Run the inner tasks in the worker itself, or raise LOKY_MAX_DEPTH.`) {
		super(message);
		this.depth = depth;
	}
}

/** What a RemoteError tells besides its message. */
export interface RemoteFacts {
	readonly remoteName: string;
	readonly remoteStack?: string | null;
	readonly droppedFields?: readonly string[];
	readonly cause?: unknown;
}

/** An error of a class that the parent does not have. `name` is that of the class in the worker. */
export class RemoteError extends Error {
	static {
		describeClass(this, 'RemoteError');
	}

	readonly remoteName: string;
	/** The stack as the worker saw it. */
	declare readonly remoteStack: string | null;
	/** Paths of what could not travel with the error. */
	declare readonly droppedFields: readonly string[];

	constructor(message: string, {remoteName, remoteStack = null, droppedFields = [], ...options}: RemoteFacts) {
		super(message, options);
		this.remoteName = remoteName;
		// Hidden, as `stack` is: a log of the error's own properties stays readable.
		for (const [key, value] of Object.entries({name: remoteName, remoteStack, droppedFields})) {
			Object.defineProperty(this, key, {value, writable: true, configurable: true});
		}
	}
}

/** What an argument error carries besides its message. */
export interface ArgumentFacts {
	readonly code: string;
	readonly option: string;
	readonly value: unknown;
}

const shown = (value: unknown): string => {
	const text = inspect(value, {
		depth: 0, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 60, maxArrayLength: 5, customInspect: false,
	});
	return text.length > 120 ? `${text.slice(0, 117)}...` : text;
};

/** @returns a TypeError `ERR_INVALID_ARG_TYPE`; `expected` ends the sentence "… must be". */
export const argumentTypeError = (option: string, expected: string, value: unknown): ArgumentFacts & TypeError =>
	Object.assign(new TypeError(`${option} must be ${expected}. Received ${shown(value)}`), {code: 'ERR_INVALID_ARG_TYPE', option, value});

/** @returns a RangeError `ERR_OUT_OF_RANGE`; `expected` ends the sentence "… must be". */
export const argumentRangeError = (option: string, expected: string, value: unknown): ArgumentFacts & RangeError =>
	Object.assign(new RangeError(`${option} must be ${expected}. Received ${shown(value)}`), {code: 'ERR_OUT_OF_RANGE', option, value});

/** @returns a TypeError `ERR_UNKNOWN_OPTION` that lists the known names. */
export const unknownOptionError = (option: string, known: readonly string[], value: unknown): ArgumentFacts & TypeError =>
	Object.assign(new TypeError(`${option} is not an option here. Known: ${known.join(', ')}`), {code: 'ERR_UNKNOWN_OPTION', option, value});
