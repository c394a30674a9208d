/**
 * Errors in a worker that nobody handles: rejections without a handler, and what timers and the like throw.
 *
 * Which task has left one is known from the asynchronous context in which it turns up: each task runs in one of its own,
 * and whatever the task starts keeps it.
 */
import {AsyncLocalStorage} from 'node:async_hooks';
import process from 'node:process';
import {inspect} from 'node:util';

const contexts = new AsyncLocalStorage<number>();

/** Runs a task so that what it leaves behind can be told from what others leave. */
export const runAsTask: <R>(sequence: number, run: () => R) => R = (sequence, run) => contexts.run(sequence, run);

/**
 * Calls `receive` with every error that would end a program, and with the sequence of the task that has left it, or 0 where
 * that is not known. The process goes on.
 *
 * A program with a listener of its own for `uncaughtException` handles its errors itself.
 */
export function watchStrayErrors(receive: (error: unknown, sequence: number) => void): void {
	process.on('uncaughtException', error => {
		if (process.listenerCount('uncaughtException') === 1) {
			receive(error, contexts.getStore() ?? 0);
		}
	});
}

/** Writes it to stderr as Node does before it ends a program. */
export function printStrayError(error: unknown): void {
	try {
		process.stderr.write(`Uncaught ${inspect(error)}\n\nNode.js ${process.version}\n`);
	} catch {
		// A task has replaced the stream, or an inspect method throws: the parent is told in any case.
	}
}
