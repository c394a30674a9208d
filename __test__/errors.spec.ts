import os from 'node:os';
import {inspect} from 'node:util';
import test from 'ava';
import * as errors from '#dist/errors.js';
import {brokenPoolError, exitText, terminatedWorkerError} from '#dist/outcome.js';

const termination: errors.WorkerTermination = {
	pid: 1, workerIndex: 0, exitCode: null, signal: 'SIGKILL', coreDumped: false, reason: 'killed', stderrTail: '', duration: null, peakMemory: null, memoryLimit: null, attempt: null, reportPath: null, violation: null,
};
const terminationFields = Object.keys(termination);

const classes: ReadonlyArray<readonly [Error, string, new (...parameters: never[]) => Error, readonly string[]]> = [
	[new errors.BrokenProcessPool(), 'ERR_BROKEN_PROCESS_POOL', Error, []],
	[new errors.TerminatedWorkerError('x', termination), 'ERR_WORKER_TERMINATED', errors.BrokenProcessPool, terminationFields],
	[new errors.TaskTimeoutError('x', termination, {timeout: 5}), 'ERR_TASK_TIMEOUT', errors.TerminatedWorkerError, [...terminationFields, 'timeout']],
	[new errors.ShutdownExecutorError(), 'ERR_EXECUTOR_SHUTDOWN', Error, []],
	[new errors.CancelledError(), 'ERR_TASK_CANCELLED', Error, []],
	[new errors.TimeoutError(), 'ERR_TIMEOUT', Error, ['timeout']],
	[new errors.SerializationError('x', {side: 'submit'}), 'ERR_SERIALIZATION', Error, ['side', 'path', 'function']],
	[new errors.LokyRecursionError(3), 'ERR_RECURSION', Error, ['depth']],
];
for (const [error, code, parent, fields] of classes) {
	test(`${error.name} has its class's name, its code and all of its fields`, t => {
		t.is(error.name, error.constructor.name);
		t.true(error instanceof parent);
		t.deepEqual(Object.keys(error).sort(), ['code', ...fields].sort()); // eslint-disable-line unicorn/no-array-sort
		t.is((error as Error & {code: string}).code, code);
		t.false(Object.values(error).includes(undefined));
		t.true(error.stack?.startsWith(`${error.name}: ${error.message}`));
	});

	test(`${error.name} can be shown, stringified and cloned`, t => {
		t.true(inspect(error).includes(error.message));
		const text = JSON.stringify(error);
		const json = JSON.parse(text) as Record<string, unknown>;
		t.is(json['name'], error.name);
		t.is(json['message'], error.message);
		t.is(json['code'], code);
		t.is(structuredClone(error).message, error.message);
	});
}

test('RemoteError is named like the class that it stands for', t => {
	const error = new errors.RemoteError('x', {remoteName: 'DatabaseError'});
	t.is(error.name, 'DatabaseError');
	t.is(error.remoteStack, null);
	t.deepEqual(error.droppedFields, []);
	t.deepEqual(Object.keys(error), ['remoteName']);
});

test('an error whose cause is itself can be stringified', t => {
	const error = new errors.BrokenProcessPool('x');
	Object.defineProperty(error, 'cause', {value: error});
	t.notThrows(() => JSON.stringify(error));
	t.notThrows(() => inspect(error));
});

test('argument errors carry code, option and value, and show the value shortly', t => {
	const type = errors.argumentTypeError('maxWorkers', 'a number', 'x'.repeat(1000));
	t.true(type instanceof TypeError);
	t.is(type.code, 'ERR_INVALID_ARG_TYPE');
	t.is(type.option, 'maxWorkers');
	t.true(type.message.startsWith('maxWorkers must be a number. Received '));
	t.true(type.message.length < 200);
	t.is(errors.argumentRangeError('timeout', 'at least 0', -1).message, 'timeout must be at least 0. Received -1');
	t.true(errors.argumentRangeError('timeout', 'at least 0', -1) instanceof RangeError);
	t.is(errors.unknownOptionError('maxWorker', ['maxWorkers', 'timeout'], 1).message, 'maxWorker is not an option here. Known: maxWorkers, timeout');
});

type Death = Parameters<typeof terminatedWorkerError>[0];

const death: Death = {
	exitCode: null, signal: null, spawnErrno: null, spawnOperation: null, coreDumped: false, workerIndex: 2, pid: 77, reason: 'crash', violation: null, attempt: null, stderrTail: new TextEncoder().encode('last words\n'), lifetime: 12, taskTime: 5, peakMemory: 1000, memoryLimit: null, memory: null, wasLoading: false,
};

const exits: ReadonlyArray<readonly [Partial<Death>, string]> = [
	[{signal: 11}, 'SIGSEGV(-11)'], [{signal: 9}, 'SIGKILL(-9)'], [{exitCode: 3}, 'EXIT(3)'], [{exitCode: 0}, 'EXIT(0)'], [{}, 'UNKNOWN'],
];
for (const [exit, text] of exits) {
	test(`an exit is printed as ${text}`, t => {
		t.is(exitText({...death, ...exit}), text);
		t.true(terminatedWorkerError({...death, ...exit}).message.includes(text));
	});
}

test('a death becomes an error with its facts, a fresh one each time', t => {
	const error = terminatedWorkerError({...death, signal: 11, coreDumped: true}, {
		attempt: 1, timeout: null, reportPath: null, name: '',
	});
	t.is(error.constructor, errors.TerminatedWorkerError);
	t.deepEqual({...error}, {
		code: 'ERR_WORKER_TERMINATED', pid: 77, workerIndex: 2, exitCode: null, signal: 'SIGSEGV', coreDumped: true, reason: 'crash', stderrTail: 'last words\n', duration: 5, peakMemory: 1000, memoryLimit: null, attempt: 1, reportPath: null, violation: null,
	});
	t.not(terminatedWorkerError(death), terminatedWorkerError(death));
});

test('a death by its own timeout is a TaskTimeoutError', t => {
	const error = terminatedWorkerError({...death, signal: 9, reason: 'timeout'}, {
		attempt: 1, timeout: 100, reportPath: null, name: '',
	});
	t.true(error instanceof errors.TaskTimeoutError);
	t.is((error as errors.TaskTimeoutError).timeout, 100);
});

for (const [name, errno] of Object.entries({ENOENT: os.constants.errno.ENOENT, EACCES: os.constants.errno.EACCES})) {
	test(`${name} at the start of a worker names the program`, t => {
		for (const broken of [
			{cause: 'workers-never-ready', death: {...death, spawnErrno: errno, spawnOperation: 'spawn'}} as const,
			{cause: 'cannot-spawn', errno, text: 'spawn'} as const,
		]) {
			const error = brokenPoolError(broken, '/opt/node');
			t.is(error.constructor, errors.BrokenProcessPool);
			t.true(error.message.includes(`/opt/node: ${name}`));
			t.is((error.cause as NodeJS.ErrnoException).code, name);
			t.not(brokenPoolError(broken, '/opt/node').cause, error.cause);
		}
	});
}

test('an initializer that threw is the cause, as it is', t => {
	const cause = new TypeError('in the initializer');
	t.is(brokenPoolError({cause: 'initializer-threw', bytes: new Uint8Array()}, 'node', cause).cause, cause);
});

test('in break mode a death is that of every task', t => {
	t.is((brokenPoolError({cause: 'worker-died', death: {...death, exitCode: 3}}, 'node') as errors.TerminatedWorkerError).exitCode, 3);
});
