/**
 * What becomes of workers when their parent dies, ends, or is busy. The parent is a program of its own here.
 */
import type {Buffer} from 'node:buffer';
import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import process from 'node:process';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {eventually, within} from './helpers/deadline.js';
import {processState} from './helpers/processes.js';

const parentProgram = fileURLToPath(new URL('fixtures/parent.js', import.meta.url));

/** Starts the parent program; resolves with the pids of its workers when it prints them. */
async function startParent(scenario: string): Promise<{readonly parent: ChildProcess; readonly pids: readonly number[]}> {
	const parent = spawn(process.execPath, [parentProgram, scenario], {stdio: ['ignore', 'pipe', 'inherit']});
	for await (const line of createInterface({input: parent.stdout})) {
		if (line.startsWith('workers ')) {
			return {parent, pids: line.slice('workers '.length).split(' ').map(Number)};
		}
	}

	throw new Error(`The parent program ended without telling its workers (${scenario})`);
}

const alive = (pids: readonly number[]): number[] => pids.filter(pid => {
	const state = processState(pid);
	// A zombie of the dead parent waits for its new parent: it runs nothing and holds nothing.
	return state !== null && state !== 'Z';
});

for (const scenario of ['idle', 'busy', 'stopped', 'awaiting']) {
	test.serial(`no worker that is ${scenario} outlives a parent that is killed with SIGKILL by more than 500 ms`, async t => {
		const {parent, pids} = await within(20_000, startParent(scenario));
		t.is(alive(pids).length, 2);
		parent.kill('SIGKILL');
		await t.notThrowsAsync(eventually(() => alive(pids), left => left.length === 0, 500));
	});
}

for (const [scenario, code] of [['exits', 7], ['ends', 0], ['throws', 1]] as const) {
	test.serial(`a parent that ${scenario} keeps its exit code and leaves no worker`, async t => {
		const {parent, pids} = await within(20_000, startParent(scenario));
		const [exitCode] = await within(20_000, once(parent, 'exit')) as [number];
		t.is(exitCode, code);
		await eventually(() => alive(pids), left => left.length === 0, 1000);
	});
}

test.serial('a program that awaits nothing runs all its tasks and ends by itself', async t => {
	const parent = spawn(process.execPath, [parentProgram, 'fire-and-forget'], {stdio: ['ignore', 'pipe', 'inherit']});
	let output = '';
	parent.stdout.on('data', (text: Buffer) => {
		output += String(text);
	});
	const [exitCode] = await within(20_000, once(parent, 'close')) as [number];
	t.is(exitCode, 0);
	t.deepEqual(output.trim().split('\n').toSorted(), ['task 0', 'task 1', 'task 2', 'task 3']);
});

test.serial('workers go on at full speed while the event loop of the parent is blocked for 5 s', async t => {
	const parent = spawn(process.execPath, [parentProgram, 'blocked'], {stdio: ['ignore', 'pipe', 'inherit']});
	let output = '';
	parent.stdout.on('data', (text: Buffer) => {
		output += String(text);
	});
	await within(60_000, once(parent, 'close'));
	const {blocked, unblocked} = JSON.parse(output) as {blocked: number; unblocked: number};
	// Both are tasks in 5 s that each take at least 10 ms of a worker that sleeps: their number depends on nothing else.
	t.true(blocked > 0.9 * unblocked, `${blocked} tasks while blocked, ${unblocked} otherwise`);
});

test.serial('an executor in a worker_thread that is terminated takes its workers with it', async t => {
	const {parent, pids} = await within(20_000, startParent('thread'));
	await eventually(() => alive(pids), left => left.length === 0, 2000);
	const [exitCode] = await within(10_000, once(parent, 'exit')) as [number];
	t.is(exitCode, 0);
});

test.serial('executors of three worker_threads and of the main thread work at once and all end by themselves', async t => {
	const parent = spawn(process.execPath, [parentProgram, 'threads'], {stdio: ['ignore', 'pipe', 'inherit']});
	let output = '';
	parent.stdout.on('data', (text: Buffer) => {
		output += String(text);
	});
	const [exitCode] = await within(40_000, once(parent, 'close')) as [number];
	t.is(exitCode, 0);
	const sum = (199 * 200 / 2) + 200;
	t.is(output, `${JSON.stringify([sum, sum, sum, sum])}\n`);
});

test.serial('an executor that is garbage collected finishes its tasks and then lets its workers go', async t => {
	const parent = spawn(process.execPath, ['--expose-gc', parentProgram, 'dropped'], {stdio: ['ignore', 'pipe', 'inherit']});
	let output = '';
	parent.stdout.on('data', (text: Buffer) => {
		output += String(text);
	});
	const [exitCode] = await within(20_000, once(parent, 'close')) as [number];
	t.is(exitCode, 0);
	t.deepEqual(output.trim().split('\n').slice(1), ['result 42', 'gone']);
});
