/** The error classes of this package that arrive as themselves. RemoteError is none: it stands for the class it names. */
import {
	BrokenProcessPool, CancelledError, LokyRecursionError, SerializationError, ShutdownExecutorError, TaskTimeoutError,
	TerminatedWorkerError, TimeoutError,
} from '../errors.js';

export const ownErrorClasses: ReadonlyMap<string, {readonly prototype: Error}> = new Map(Object.entries({
	BrokenProcessPool, TerminatedWorkerError, TaskTimeoutError, ShutdownExecutorError, CancelledError, TimeoutError, SerializationError, LokyRecursionError,
}));
