import {execFile} from 'node:child_process';
import {symlink, mkdtemp, rm} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const loky = import.meta.resolve('loky');

async function output(...args: readonly string[]): Promise<unknown> {
	const {stdout, stderr} = await run(process.execPath, args, {timeout: 50_000});
	return stderr === '' ? JSON.parse(stdout) as unknown : stderr;
}

const expected = {
	byName: [1, 2],
	byValue: [1, 1],
	isLoaded: [true, false],
	wasLoadedBefore: true,
	accounts: [[true, 5], [true, 6], [true, 5]],
	mapped: [true, true],
	nested: [1, 2, 3, 3],
};

test('workers of loky_init_main import the main script, and find there what it exports; workers beside them do not', async t => {
	t.deepEqual(await output(fixture('init-main.js')), expected);
});

test('a main script that is named without its ending or through a link is found', async t => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'loky-main-'));
	try {
		await symlink(fixture('init-main-commonjs.cjs'), path.join(folder, 'link.cjs'));
		const common = {byName: [1, 2], account: [true, 5]};
		t.deepEqual(await output(path.join(folder, 'link.cjs')), common);
		t.deepEqual(await output(fixture('init-main-commonjs.cjs')), common);
	} finally {
		await rm(folder, {recursive: true});
	}
});

test('a main script without a guard is told to have one, instead of starting workers without end', async t => {
	const error = await t.throwsAsync<Error & {stdout: string}>(async () => run(process.execPath, [fixture('init-main-unguarded.js')], {timeout: 50_000}));
	t.regex(error.stdout, /^SerializationError: .*init-main-unguarded.*still importing a module.*import\.meta\.main/mv);
});

for (const args of [['--input-type=module', '--eval'], ['--input-type=module', '-e'], ['-p']]) {
	test(`a program of ${args.at(-1)} has no main script to import`, async t => {
		const make = (name: string): string => `try { new ${name}.ProcessPoolExecutor({context: 'loky_init_main'}); console.log('{}') } catch (error) { console.log(JSON.stringify([error.name, error.code, error.message])) }`;
		const code = args[0] === '-p' ? `import('${loky}').then(loky => { ${make('loky')} }), 0` : `import * as loky from '${loky}'; ${make('loky')}`;
		const {stdout} = await run(process.execPath, [...args, code, fixture('init-main.js')], {timeout: 30_000});
		t.regex(stdout, /\["RangeError","ERR_OUT_OF_RANGE","context must be 'loky' in a program without a main file/v);
	});
}
