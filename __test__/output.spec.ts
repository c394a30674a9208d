import {spawn} from 'node:child_process';
import {text} from 'node:stream/consumers';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {within} from './helpers/deadline.js';
import {runFixture} from './helpers/run-script.js';

test.serial('lines that workers write in parts do not mix', async t => {
	const {stderr} = await runFixture('write-in-parts');
	const lines = stderr.split('\n').filter(Boolean);
	t.is(lines.length, 300);
	t.deepEqual(lines.filter(line => !/^(?<mark>[abc])\k<mark>{999}$/v.test(line)), []);
});

test.serial('what a worker writes without an end of line comes when it dies, and when the program ends', async t => {
	const {stdout, stderr} = await runFixture('write-unfinished');
	t.is(stderr, 'last words of the dead;last words of the living');
	t.is(stdout, 'died\n');
});

test.serial('a gigabyte without an end of line does not grow the memory of the program', async t => {
	const fixture = fileURLToPath(new URL('fixtures/write-endlessly.js', import.meta.url));
	const child = spawn(process.execPath, [fixture], {stdio: ['ignore', 'pipe', 'ignore'], timeout: 50_000});
	const grown = await within(55_000, text(child.stdout));
	t.regex(grown, /^-?\d+$/v);
	t.true(Number(grown) < 150, `grew by ${grown} MB`);
});
