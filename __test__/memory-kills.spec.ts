/**
 * Kills by the kernel where memory runs out. They need a memory control group of our own, which takes root and the controller; where that
 * cannot be had, these tests say so.
 */
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import type {TerminatedWorkerError} from 'loky';
import {MemoryGroup} from './helpers/memory-group.js';

const fixture = fileURLToPath(new URL('fixtures/out-of-memory.js', import.meta.url));

type Line = Partial<TerminatedWorkerError> & {readonly next?: string};

async function linesOf(t: ExecutionContext, megabytes: number, env: readonly string[], args: readonly number[]): Promise<Line[] | null> {
	const group = MemoryGroup.make(megabytes * 1_000_000);
	if (group === null) {
		t.log('Not tested: no memory control group can be made here.');
		t.pass();
		return null;
	}

	try {
		const {stdout} = await group.run('/usr/bin/env', [...env, process.execPath, fixture, ...args.map(String)]);
		return stdout.trim().split('\n').map(line => JSON.parse(line) as Line);
	} finally {
		await group.remove();
	}
}

for (const [watch, env] of [['pidfd', []], ['thread', ['LOKY_TEST_DEATH_WATCH=thread']]] as const) {
	test.serial(`a worker that the kernel kills for lack of memory is told from one that somebody kills (watched by a ${watch})`, async t => {
		const lines = await linesOf(t, 300, env, [1, 3, 1]);
		if (lines === null) {
			return;
		}

		t.deepEqual(lines.map(({reason, next}) => reason ?? next), ['oom', 'oom', 'oom', 'killed', 'next']);
		t.is(lines[0]!.signal, 'SIGKILL');
		t.regex(lines[0]!.message!, /memory ran out.*raise the memory limit/v);
		t.true(lines[0]!.peakMemory === null || lines[0]!.peakMemory! > 50_000_000);
	});
}

test.serial('where memory runs out, a worker dies and never the program that holds far more than it, 20 of 20', async t => {
	// When the limit is met the program has about 350 MB and the worker about 150.
	const lines = await linesOf(t, 500, [], [300, 20, 1]);
	if (lines === null) {
		return;
	}

	t.deepEqual(lines.map(({reason, next}) => reason ?? next), [...Array.from({length: 20}, () => 'oom'), 'killed', 'next']);
});
