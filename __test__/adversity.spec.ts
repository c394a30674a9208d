/**
 * Places where little is allowed: every task works or rejects with the reason, in time, and what comes after the trouble works.
 */
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import process from 'node:process';
import {text} from 'node:stream/consumers';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {within} from './helpers/deadline.js';

const program = fileURLToPath(new URL('fixtures/adverse.js', import.meta.url));
const isRoot = process.getuid?.() === 0;

interface Report {
	readonly first: readonly string[];
	readonly time: number;
	readonly second: readonly string[];
}

/** Runs the program behind commands of the shell. */
async function report(t: ExecutionContext, {trouble = 'limits of the shell', before = '', wrapper = [], uid}: {
	readonly trouble?: string; readonly before?: string; readonly wrapper?: readonly string[]; readonly uid?: number;
}): Promise<Report | undefined> {
	const child = spawn('/usr/bin/env', [...wrapper, '/bin/sh', '-c', `${before}\nexec "$@"`, 'sh', process.execPath, program, trouble], {stdio: ['ignore', 'pipe', 'pipe'], ...uid === undefined ? {} : {uid, gid: uid}});
	const [output, errors] = await within(60_000, Promise.all([text(child.stdout), text(child.stderr), child.exitCode === null ? once(child, 'exit') : null]));
	if (output === '') {
		t.log(`The program itself cannot run so: ${errors.slice(0, 500)}`);
		return undefined;
	}

	return JSON.parse(output) as Report;
}

/** `reason`: what failed tasks may tell; without it, none may fail. */
function check(t: ExecutionContext, found: Report | undefined, reason?: RegExp): void {
	if (found === undefined) {
		t.pass();
		return;
	}

	t.true(found.time < 15_000, `${found.time} ms`);
	for (const outcome of found.first.filter(outcome => outcome !== 'right')) {
		t.regex(outcome, reason ?? /never/v);
		t.regex(outcome, /^BrokenProcessPool: /v);
	}

	t.deepEqual(found.second, ['right']);
}

test.serial('a program that may write no files is told so, and works when it may', async t => {
	const found = await report(t, {before: 'ulimit -S -f 0', trouble: 'no files'});
	t.is(found?.first.length, 1);
	check(t, found, /EFBIG.*ulimit -f/v);
	check(t, await report(t, {before: 'ulimit -f 512'}));
});

test.serial('a program that may open 96 descriptors works', async t => {
	check(t, await report(t, {before: 'ulimit -n 96'}));
});

test.serial('a program without descriptors is told so, and works when it has some again', async t => {
	const found = await report(t, {before: 'ulimit -n 128', trouble: 'no descriptors'});
	t.is(found?.first.length, 1);
	check(t, found, /EMFILE|Too many open files/v);
});

// Nobody else can become somebody without processes of his own, and root is not limited.
(isRoot ? test.serial : test.serial.skip)('a user without processes to spare is told so, or works', async t => {
	const uid = 54_321;
	for (const processes of [13, 16, 24]) {
		const found = await report(t, {before: `ulimit -u ${processes}`, uid});
		if (found !== undefined) {
			t.true(found.time < 15_000, `${found.time} ms`);
			for (const outcome of found.first) {
				t.regex(outcome, /^right$|^BrokenProcessPool: .*(?:EAGAIN|died before it was ready|cannot start)/sv);
			}
		}
	}

	t.pass();
});

test.serial('a program without a writable temporary folder works', async t => {
	check(t, await report(t, {before: 'export TMPDIR=/proc'}));
});

const withoutSharedMemory = ['unshare', '--mount', '/bin/sh', '-c', 'mount -t tmpfs -o ro none /dev/shm && exec "$@"', 'sh'];
const isAllowed = spawnSync(withoutSharedMemory[0]!, [...withoutSharedMemory.slice(1), 'true']).status === 0;

(isAllowed ? test.serial : test.serial.skip)('a program without /dev/shm works', async t => {
	check(t, await report(t, {wrapper: withoutSharedMemory}));
});

test.serial('a program whose folder was deleted is told so or works, and works in another folder', async t => {
	check(t, await report(t, {trouble: 'a deleted folder'}), /uv_cwd|cwd|ENOENT/v);
});

test.serial('a program without an environment works', async t => {
	check(t, await report(t, {trouble: 'no environment'}));
	check(t, await report(t, {wrapper: ['-i']}));
});

test.serial('a program that gives its workers options that Node refuses is told so, and works without them', async t => {
	const found = await report(t, {trouble: 'options that Node refuses'});
	t.is(found?.first.length, 1);
	check(t, found, /no-such-flag/v);
});
