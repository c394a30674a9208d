/**
 * From the facts of a death to an error. Every task gets an object of its own, also when one death or one broken
 * pool concerns many: what a caller attaches to its error must not show up in somebody else's.
 */
import {getSystemErrorName} from 'node:util';
import {explanation, isNamed, signalName} from './death-explanation.js';
import {
	BrokenProcessPool, TaskTimeoutError, TerminatedWorkerError, type WorkerTermination,
} from './errors.js';
import type {WorkerExitEvent} from './executor-events.js';
import type {NativeBreak, NativeDeath, NativeExit} from './native.js';

/** What the parent knows of the task that the death concerns. */
export interface TaskFacts {
	/** 1 for the first run; null for what the pool has counted. */
	readonly attempt: number | null;
	/** The task's own limit, in ms. */
	readonly timeout: number | null;
	readonly reportPath: string | null;
	/** The error of the task that nobody handled; null, or left out, for none. */
	readonly cause?: unknown;
	/** What the task calls, for the message; empty for nothing to tell. */
	readonly name: string;
}

const noTask: TaskFacts = {
	attempt: null, timeout: null, reportPath: null, name: '',
};

/** @returns the exit as loky prints it: `SIGSEGV(-11)`, `EXIT(3)`, `UNKNOWN`. */
export function exitText({exitCode, signal}: Pick<NativeExit, 'exitCode' | 'signal'>): string {
	if (signal !== null) {
		return isNamed(signal) ? `${signalName(signal)}(-${signal})` : `UNKNOWN(-${signal})`;
	}

	return exitCode === null ? 'UNKNOWN' : `EXIT(${exitCode})`;
}

const terminationOf = (death: NativeDeath, task: TaskFacts): WorkerTermination => ({
	pid: death.pid,
	workerIndex: death.workerIndex,
	exitCode: death.exitCode,
	signal: death.signal === null ? null : signalName(death.signal),
	coreDumped: death.coreDumped,
	reason: death.reason,
	stderrTail: new TextDecoder().decode(death.stderrTail),
	duration: death.taskTime ?? death.lifetime,
	peakMemory: death.peakMemory,
	memoryLimit: death.memoryLimit,
	attempt: task.attempt ?? death.attempt,
	reportPath: task.reportPath,
	violation: death.violation,
});

/** What is told of a worker's end, whether it cost a task or not. */
export function workerExit(death: NativeDeath): WorkerExitEvent {
	const {attempt: _, ...exit} = terminationOf(death, noTask);
	return exit;
}

const workerName = (death: NativeDeath): string => `Worker ${death.workerIndex}${death.pid === null ? '' : ` (pid ${death.pid})`}`;

const stderrText = (stderrTail: string): string => stderrTail.trim() === '' ? '' : `\nLast lines of its stderr:\n${stderrTail.trimEnd()}`;

const strayExplanation = 'the task left an error that nobody handled: a promise that was rejected, or what a timer or a listener threw. It is the cause; await or catch it';

/** @returns the error of the one task that the dead worker had started. */
export function terminatedWorkerError(death: NativeDeath, task: TaskFacts = noTask): TerminatedWorkerError {
	const termination = terminationOf(death, task);
	if (death.reason === 'timeout' && task.timeout !== null) {
		return new TaskTimeoutError(
			`The task ran longer than its timeout of ${task.timeout} ms, so its worker was killed: ${exitText(death)}. Raise the timeout, or split the task.`,
			termination,
			{timeout: task.timeout},
		);
	}

	const core = death.coreDumped ? ' (core dumped)' : '';
	const why = (task.cause ?? null) === null || death.reason !== 'exit' ? explanation(death, termination.stderrTail) : strayExplanation;
	return new TerminatedWorkerError(
		`${workerName(death)} died while it ${death.wasLoading ? 'loaded' : 'ran'} the task${task.name === '' ? '' : ` ${task.name}`}: ${exitText(death)}${core}; ${why}.${stderrText(termination.stderrTail)}`,
		termination,
		{cause: task.cause ?? null},
	);
}

const startAdvice = (errno: string, program: string): string => {
	switch (errno) {
		case 'ENOENT': {
			return `${program} does not exist, or the directory to start it in does not. Check the path`;
		}

		case 'EACCES': {
			return `${program} may not be executed. Check its permissions`;
		}

		case 'EMFILE':
		case 'ENFILE': {
			return 'too many files are open. Raise the limit, or use fewer workers';
		}

		case 'EFBIG': {
			return 'this process may write no files of that size, and memory that processes share counts as one. Raise the limit (ulimit -f)';
		}

		case 'EAGAIN':
		case 'ENOMEM': {
			return 'the system has no room for another process. Use fewer workers';
		}

		default: {
			return `starting ${program} failed`;
		}
	}
};

/** @returns what went wrong when `program` was to be started, in the shape of Node's own spawn errors. */
function spawnFailure(errno: number, operation: string, program: string): NodeJS.ErrnoException {
	const code = errno === 0 ? 'UNKNOWN' : getSystemErrorName(-errno);
	return Object.assign(new Error(`${operation} ${program}: ${code}; ${startAdvice(code, program)}.`), {
		errno: -errno, code, syscall: operation, path: program,
	});
}

/** How a worker came to be no worker at all: it never started, or died before it was ready. */
function startFailure(death: NativeDeath, program: string): Error {
	if (death.spawnErrno !== null) {
		return spawnFailure(death.spawnErrno, death.spawnOperation ?? 'spawn', program);
	}

	const termination = terminationOf(death, noTask);
	const {stderrTail} = termination;
	return new TerminatedWorkerError(
		`${workerName(death)} died before it was ready: ${exitText(death)}; ${explanation(death, stderrTail)}.${stderrText(stderrTail)}`,
		termination,
	);
}

/**
The error of one of the futures that a broken pool leaves behind.

@param broken what the pool says
@param program what was to be started as a worker
@param initializerError what the initializer threw, decoded, if that broke the pool
*/
export function brokenPoolError(broken: NativeBreak, program: string, initializerError: unknown = null): BrokenProcessPool {
	switch (broken.cause) {
		case 'worker-died': {
			// One death is everybody's: the rule of loky, asked for with onWorkerDeath: 'break'.
			return broken.death === null ? new BrokenProcessPool() : terminatedWorkerError(broken.death);
		}

		case 'workers-never-ready': {
			const cause = broken.death === null ? null : startFailure(broken.death, program);
			return new BrokenProcessPool(`The process pool is broken: no worker becomes ready. ${cause?.message ?? ''}`.trimEnd(), {cause});
		}

		case 'initializer-threw': {
			return new BrokenProcessPool('The initializer threw in a worker, so the tasks that waited for one cannot run. Its error is the cause.', {cause: initializerError});
		}

		case 'cannot-spawn': {
			const cause = spawnFailure(broken.errno, broken.text, program);
			return new BrokenProcessPool(`The process pool is broken: no worker can be started. ${cause.message}`, {cause});
		}

		case 'supervisor-failed': {
			return new BrokenProcessPool(`The process pool is broken: its supervisor failed (${broken.text}). Please report this.`, {cause: new Error(broken.text)});
		}
	}
}
