/**
 * What the error of a task tells of the death of its worker.
 */
import {execFile} from 'node:child_process';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import {TerminatedWorkerError, type WorkerExitEvent} from 'loky';
import {terminatedWorkerError} from '#dist/outcome.js';
import {watches} from './helpers/watches.js';
import {withExecutor} from './helpers/with-executor.js';
import {within} from './helpers/deadline.js';

const run = promisify(execFile);
const fullHeap = fileURLToPath(new URL('fixtures/full-heap.js', import.meta.url));

test.serial('a full heap is told as such, with its size and what to try, and the next task runs', async t => {
	const {stdout} = await within(50_000, run(process.execPath, ['--max-old-space-size=40', fullHeap]));
	const told = JSON.parse(stdout) as Record<string, string>;
	t.is(told['reason'], 'heap');
	t.true(['SIGABRT', 'SIGTRAP'].includes(told['signal']!));
	t.regex(told['message']!, /JavaScript heap was full at \d+ MB.*--max-old-space-size/v);
	const size = Number(/at (?<size>\d+) MB/v.exec(told['message']!)!.groups!['size']);
	t.true(size > 20 && size < 150, `${size} MB`);
	t.regex(told['stderrTail']!, /heap out of memory/v);
	t.is(told['next'], 'next');
});

/** What a task writes to the pipe of its results. */
const violations = [
	['that is no frame', 'a line of text, from a task that writes to any descriptor\n', /no frame/v],
	// The length, the kind of a result, no flags, the letter of the magic and a version, a sequence, no function.
	['of a frame of another version', '\0\0\0\0\u0012\0K\t\u0001\0\0\0\0\0\0\0', /a frame of version 9 where version 1 was expected/v],
	['of a frame that nobody knows', '\0\0\0\0c\0K\u0001\u0001\0\0\0\0\0\0\0', /a frame of the unknown kind 99/v],
	['of a result that nobody asked for', '\0\0\0\0\u0012\0K\u0001\u0063\0\0\0\0\0\0\0', /a result for sequence 99, which it was not running/v],
] as const;

for (const [watch, env] of watches) {
	for (const [what, bytes, text] of violations) {
		test.serial(`a task that writes bytes ${what} is told so (${watch})`, withExecutor({maxWorkers: 1, env}, async (t, executor) => {
			const error = await within(10_000, executor.submit(async (text: string) => {
				const {writeSync} = await import('node:fs');
				writeSync(4, text);
				for (;;) {
					// The end comes from outside.
				}
			}, bytes).exception()) as TerminatedWorkerError;
			t.true(error instanceof TerminatedWorkerError);
			t.like(error, {reason: 'protocol', signal: 'SIGKILL', attempt: 1});
			t.regex(error.message, text);
			t.is(await within(10_000, executor.submit(() => 'next')), 'next');
		}));
	}

	test.serial(`a task that closes the pipe of its results is told so (${watch})`, withExecutor({maxWorkers: 1, env}, async (t, executor) => {
		const error = await within(10_000, executor.submit(async () => {
			const {closeSync} = await import('node:fs');
			closeSync(4);
			for (;;) {
				// The end comes from outside.
			}
		}).exception()) as TerminatedWorkerError;
		t.is(error.reason, 'protocol');
		t.regex(error.message, /closed one of the descriptors of its pipes/v);
		t.regex(error.violation!, /closed one of the descriptors/v);
	}));

	test.serial(`what an idle worker did to the pipe of its results is told by its exit (${watch})`, withExecutor({maxWorkers: 1, env}, async (t, executor) => {
		const exit = new Promise<WorkerExitEvent>(resolve => {
			executor.once('worker:exit', resolve);
		});
		await executor.submit(async () => {
			const {writeSync} = await import('node:fs');
			setTimeout(() => {
				writeSync(4, 'written by a timer of a task that has ended\n');
			}, 20);
		});
		const {reason, violation} = await within(10_000, exit);
		t.is(reason, 'protocol');
		t.regex(violation!, /no frame/v);
	}));

	test.serial(`the duration of a task is not the life of its worker (${watch})`, withExecutor({maxWorkers: 1, env}, async (t, executor) => {
		const exit = new Promise<WorkerExitEvent>(resolve => {
			executor.once('worker:exit', resolve);
		});
		const pause = 300;
		await executor.submit((time: number) => {
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);
		}, pause);
		const error = await within(10_000, executor.submit((time: number) => {
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);
			process.exit(3);
		}, 50).exception()) as TerminatedWorkerError;
		const {duration: life} = await within(10_000, exit);
		t.true(error.duration! >= 50, `${error.duration} ms`);
		t.true(life! >= error.duration! + pause, `${life} ms and ${error.duration} ms`);
	}));

	test.serial(`the duration of a task that was killed is known too (${watch})`, withExecutor({maxWorkers: 1, env}, async (t, executor) => {
		const exit = new Promise<WorkerExitEvent>(resolve => {
			executor.once('worker:exit', resolve);
		});
		await executor.submit((time: number) => {
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);
		}, 300);
		const error = await within(10_000, executor.with({timeout: 100}).submit(() => {
			for (;;) {
				// The end comes from outside.
			}
		}).exception()) as TerminatedWorkerError;
		const {duration: life} = await within(10_000, exit);
		t.true(error.duration! >= 100 && error.duration! + 300 <= life!, `${life} ms and ${error.duration} ms`);
	}));
}

test('a task that came back from a worker that died before its start has another attempt', t => {
	t.is(terminatedWorkerError({...death, attempt: 2}).attempt, 2);
});

const death: Parameters<typeof terminatedWorkerError>[0] = {
	exitCode: null, signal: null, spawnErrno: null, spawnOperation: null, coreDumped: false, workerIndex: 0, pid: 77, reason: 'crash', violation: null, attempt: 1, stderrTail: new Uint8Array(), lifetime: 12, taskTime: null, peakMemory: null, memoryLimit: null, memory: null, wasLoading: false,
};

const advice: ReadonlyArray<readonly [facts: Partial<typeof death>, text: RegExp]> = [
	[{signal: 11}, /SIGSEGV.*native addon/v],
	[{signal: 6}, /SIGABRT.*a check of Node\.js/v],
	[{signal: 4}, /SIGILL.*another CPU/v],
	[{signal: 31}, /SIGSYS.*sandbox/v],
	[{signal: 8}, /SIGFPE.*stderrTail/v],
	[{signal: 6, reason: 'heap'}, /SIGABRT.*heap was full\. Raise/v],
	[{signal: 9, reason: 'oom'}, /SIGKILL.*ran out.*fewer workers/v],
	[{
		signal: 9, reason: 'oom', memory: 300, memoryLimit: 200,
	}, /SIGKILL.*had 300 bytes.*maxMemory\.hard is 200\. Raise that/v],
	[{signal: 9, reason: 'killed'}, /SIGKILL.*fewer workers/v],
	[{exitCode: 7, reason: 'exit'}, /process\.exit\(7\)/v],
	[{reason: 'exit'}, /UNKNOWN.*something else has taken its exit status/v],
	[{signal: 9, reason: 'protocol', violation: 'it sent a riddle'}, /it sent a riddle\. Code in the task/v],
];

for (const [facts, text] of advice) {
	test(`the message of a death is ${String(text)}`, t => {
		t.regex(terminatedWorkerError({...death, ...facts}).message, text);
	});
}
