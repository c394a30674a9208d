import {execFile} from 'node:child_process';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';

const program = fileURLToPath(new URL('../../__test__/fixtures/many-closures.js', import.meta.url));
const run = promisify(execFile);

type Growth = {readonly here: number; readonly worker: number; readonly collected: number};

/** Of a program that has submitted 20,000 closures: bytes of heap here, bytes of memory in the worker, and how many were collected. */
async function growthOf(way: string): Promise<Growth> {
	const {stdout} = await run(process.execPath, ['--expose-gc', program, way]);
	return JSON.parse(stdout) as Growth;
}

const megabyte = 2 ** 20;

test('20,000 closures of one place are collected when their tasks are done', async t => {
	t.timeout(120_000);
	const {here, worker, collected} = await growthOf('one-place');
	t.true(collected > 19_900, `${collected} of 20,000 were collected`);
	t.true(here < 2 * megabyte, `the heap grew by ${here} bytes`);
	t.true(worker < 32 * megabyte, `the worker grew by ${worker} bytes`);
});

test('20,000 functions of different texts are collected, and their texts in the worker too', async t => {
	t.timeout(120_000);
	const {here, worker, collected} = await growthOf('many-texts');
	t.true(collected > 19_900, `${collected} of 20,000 were collected`);
	t.true(here < 4 * megabyte, `the heap grew by ${here} bytes`);
	t.true(worker < 64 * megabyte, `the worker grew by ${worker} bytes`);
});
