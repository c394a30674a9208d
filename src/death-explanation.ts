/**
 * What to say of a worker's death, and what its reader can try.
 */
import os from 'node:os';
import type {NativeDeath} from './native.js';

// Some numbers have two names; the first is the usual one, and what comes last stays in a map.
const signalNames = new Map(Object.entries(os.constants.signals).toReversed().map(([name, number]) => [number, name]));

/** Whether this system has a name for a signal. */
export const isNamed = (signal: number): boolean => signalNames.has(signal);

/** @returns `SIGKILL` for 9; a number without a name keeps its number. */
export const signalName = (signal: number): string => signalNames.get(signal) ?? `SIG${signal}`;

function crashExplanation(signal: string): string {
	switch (signal) {
		case 'SIGSEGV':
		case 'SIGBUS': {
			return 'it touched memory that is not its own. Look for a native addon, or for very deep recursion in native code';
		}

		case 'SIGABRT':
		case 'SIGTRAP': {
			return 'it ended itself where a check of Node.js or of a native addon failed. Such a check says why in stderrTail';
		}

		case 'SIGILL': {
			return 'it came to an instruction that its CPU does not have. A native addon may be built for another CPU';
		}

		case 'SIGSYS': {
			return 'a sandbox such as seccomp forbids a system call that it made. Allow the call, or avoid it';
		}

		default: {
			return 'it crashed. A native addon is the usual cause; the last lines of its stderr are in stderrTail';
		}
	}
}

/** V8 writes of each of its last collections: `Mark-Compact 39.1 (41.4) -> 38.8 (42.4) MB`. */
function heapSize(stderrTail: string): string {
	const size = [...stderrTail.matchAll(/ -> (?<size>\d+)(?:\.\d+)? \(\d+(?:\.\d+)?\) MB/gv)].at(-1)?.groups?.['size'];
	return size === undefined ? '' : ` at ${size} MB`;
}

function exitExplanation({exitCode}: NativeDeath): string {
	if (exitCode === null) {
		return 'how cannot be told, because something else has taken its exit status: SIGCHLD is ignored, or an addon waits for every child process. Leave the workers to the executor';
	}

	return `its process ended before it had answered: by process.exit(${exitCode}), by an error that nobody caught (in a timer, say), or because it could not start. Let tasks return or throw; the last lines of its stderr are in stderrTail`;
}

/**
What a death means and what to try: the middle of a sentence, without a full stop.

@param stderrTail the last lines of the worker's stderr, decoded
*/
export function explanation(death: NativeDeath, stderrTail: string): string {
	switch (death.reason) {
		case 'crash': {
			return crashExplanation(death.signal === null ? '' : signalName(death.signal));
		}

		case 'heap': {
			return `its JavaScript heap was full${heapSize(stderrTail)}. Raise V8's limit with --max-old-space-size (in MB), as a flag of your program or in NODE_OPTIONS, or let a task hold less at a time`;
		}

		case 'oom': {
			if (death.memoryLimit !== null) {
				return `it was killed because it had ${death.memory} bytes of resident memory, and maxMemory.hard is ${death.memoryLimit}. Raise that, or let a task hold less; a lower maxMemory.soft replaces workers before what earlier tasks have left is too much`;
			}

			return 'the system killed it because memory ran out in its control group. Use fewer workers or smaller tasks, or raise the memory limit of the group or container';
		}

		case 'killed': {
			return 'something killed it: somebody with kill, a daemon that watches memory, or the system for lack of memory where its count of such kills cannot be seen. Try fewer workers or a larger memory limit';
		}

		case 'exit': {
			return exitExplanation(death);
		}

		case 'timeout': {
			return death.wasLoading
				? 'it was killed because it had not loaded what the task needs within startTimeout. Look for a module that never finishes loading, such as one whose top-level await nothing ends, or raise startTimeout'
				: 'it was killed because it did not answer in time. If it was starting, raise startTimeout; if it ran a task, give that more time';
		}

		case 'aborted': {
			return 'it was killed because the signal of a task aborted';
		}

		case 'protocol': {
			return `${death.violation ?? 'it sent what no worker sends'}. Code in the task may have written to, or closed, descriptors that it did not open, or the worker loads another version of this package`;
		}

		case 'shutdown': {
			return 'the executor was shut down with killWorkers. Leave that out to let running tasks end';
		}
	}
}
