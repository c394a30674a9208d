/**
 * What workers print, where the descriptors of the program matter.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type {Readable} from 'node:stream';
import {text} from 'node:stream/consumers';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {within} from './helpers/deadline.js';
import {runFixture} from './helpers/run-script.js';

const fixturePath = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.js`, import.meta.url));

/** Runs a fixture in a pipeline of the shell, in which it is `"$@"`. */
function runInShell(pipeline: string, name: string, ...fixtureArguments: string[]): ChildProcess & {readonly stdout: Readable; readonly stderr: Readable} {
	return spawn('sh', ['-c', pipeline, 'sh', process.execPath, fixturePath(name), ...fixtureArguments], {stdio: ['ignore', 'pipe', 'pipe'], timeout: 55_000});
}

for (const [name, descriptor] of [['stdout', '1'], ['stderr', '2']] as const) {
	test.serial(`lines that workers write to ${name} in parts do not mix`, async t => {
		const {[name]: written} = await runFixture('write-in-parts', {fixtureArguments: [descriptor]});
		const lines = written.split('\n').filter(Boolean);
		t.is(lines.length, 300);
		t.deepEqual(lines.filter(line => !/^(?<mark>[abc])\k<mark>{999}$/v.test(line)), []);
	});

	test.serial(`what a worker writes to ${name} without an end of line comes when it dies, and when the program ends`, async t => {
		const {[name]: written} = await runFixture('write-unfinished', {fixtureArguments: [descriptor]});
		t.is(written, 'last words of the dead;last words of the living');
	});

	for (const [what, end] of [['in lines', '\n'], ['without an end of line', '']] as const) {
		test.serial(`a gigabyte on ${name} ${what} arrives whole and does not grow the memory of the program`, async t => {
			const pipeline = name === 'stdout' ? '"$@" | wc -c' : '{ "$@" 2>&1 >&3 3>&- | wc -c >&2; } 3>&1';
			const child = runInShell(pipeline, 'write-endlessly', descriptor, end);
			const other = name === 'stdout' ? child.stderr : child.stdout;
			const counter = name === 'stdout' ? child.stdout : child.stderr;
			const [grown, counted] = await within(55_000, Promise.all([text(other), text(counter)]));
			t.is(Number(counted), 2 ** 30);
			t.regex(grown, /^-?\d+$/v);
			t.true(Number(grown) < 150, `grew by ${grown} MB`);
		});
	}
}

test.serial('what was printed before the program exits arrives, however slow the reader is', async t => {
	const child = runInShell('"$@" | { sleep 0.5; wc -c; }', 'print-and-exit', '300000');
	const counted = await within(20_000, text(child.stdout));
	t.is(Number(counted), 300_000);
});

test.serial('a program that exits does not wait for a reader that reads nothing', async t => {
	const child = spawn(process.execPath, [fixturePath('print-and-exit'), '600000'], {stdio: ['ignore', 'pipe', 'inherit']});
	const [code] = await within(20_000, once(child, 'exit')) as [number];
	t.is(code, 0);
	child.stdout.destroy();
});

for (const reader of ['that reads nothing', 'that is gone'] as const) {
	for (const watch of ['', 'thread'] as const) {
		test.serial(`of a program with a reader ${reader} only the task waits that prints much${watch && ' (watched by a thread)'}`, async t => {
			const child = spawn(process.execPath, [fixturePath('print-to-nobody')], {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, LOKY_TEST_DEATH_WATCH: watch}});
			if (reader === 'that is gone') {
				child.stdout.destroy();
			}

			const report = text(child.stderr);
			const [code] = await within(30_000, once(child, 'exit')) as [number];
			child.stdout.destroy();
			const reported = await report;
			const lines = reported.trim().split('\n');
			t.is(code, 0);
			t.deepEqual(lines, ['others finish', 'deaths are told', reader === 'that is gone' ? lines[2]! : 'the chatty task waits', 'killed']);
		});
	}
}

for (const when of ['never', 'early', 'late'] as const) {
	const title = when === 'never'
		? 'a program without descriptors 0, 1 and 2 has workers that print'
		: `nothing is printed into files that have taken the numbers of closed descriptors ${when === 'early' ? 'before' : 'after'} the first task`;
	test.serial(title, async t => {
		const folder = await mkdtemp(path.join(tmpdir(), 'loky-output-'));
		try {
			const child = runInShell(when === 'never' ? '"$@" <&- >&- 2>&-' : '"$@"', 'reused-descriptors', folder, when);
			const [code] = await within(20_000, once(child, 'exit')) as [number];
			t.is(code, 0);
			t.deepEqual(JSON.parse(await readFile(path.join(folder, 'report'), 'utf8')), {values: [1, 1, 1], died: 'TerminatedWorkerError', lengths: [0, 0, 0]});
		} finally {
			await rm(folder, {recursive: true});
		}
	});
}
