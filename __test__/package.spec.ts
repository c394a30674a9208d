/**
 * The package as its users get it: packed, installed in an empty folder, used where there is no cargo.
 */
import {execFile} from 'node:child_process';
import {
	copyFile, cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const platform = 'linux-x64-gnu';

interface Manifest {
	readonly name: string;
	readonly version: string;
	readonly license: string;
	readonly engines: Readonly<Record<string, string>>;
	readonly optionalDependencies?: Readonly<Record<string, string>>;
	readonly main?: string;
}

async function manifestOf(folder: string): Promise<Manifest> {
	return JSON.parse(await readFile(path.join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

test('each platform package has the version, licence and engines of the main one, which names it', async t => {
	const main = await manifestOf('.');
	const folders = await readdir(path.join(root, 'npm'));
	const manifests = await Promise.all(folders.map(async folder => manifestOf(`npm/${folder}`)));
	for (const [index, manifest] of manifests.entries()) {
		t.is(manifest.name, `@loky-js/binding-${folders[index]}`);
		t.is(manifest.version, main.version);
		t.is(manifest.license, main.license);
		t.deepEqual(manifest.engines, main.engines);
		t.is(manifest.main, `loky.${folders[index]}.node`);
	}

	t.deepEqual(main.optionalDependencies, Object.fromEntries(manifests.map(({name, version}) => [name, version])));
	const workspace = await readFile(path.join(root, 'Cargo.toml'), 'utf8');
	t.true(workspace.includes(`version = "${main.version}"`));
});

test.serial('the packed package and its platform package, installed in an empty folder, work without cargo', async t => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'loky package '));
	try {
		const platformFolder = path.join(folder, platform);
		await cp(path.join(root, 'npm', platform), platformFolder, {recursive: true});
		await copyFile(path.join(root, `loky.${platform}.node`), path.join(platformFolder, `loky.${platform}.node`));
		const tarballs: string[] = [];
		for (const source of [root, platformFolder]) {
			const {stdout} = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, source], {cwd: folder});
			tarballs.push((JSON.parse(stdout) as Array<{filename: string}>)[0]!.filename);
		}

		const user = path.join(folder, 'user');
		await mkdir(user);
		await writeFile(path.join(user, 'package.json'), JSON.stringify({type: 'module'}));
		await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs.map(name => path.join('..', name))], {cwd: user});
		await writeFile(path.join(user, 'jobs.js'), 'export const triple = x => x * 3;\n');
		await writeFile(path.join(user, 'main.js'), [
			'import {ProcessPoolExecutor} from \'loky\';',
			'const executor = new ProcessPoolExecutor({maxWorkers: 2});',
			'const {triple} = executor.module(new URL(\'./jobs.js\', import.meta.url));',
			'console.log(await executor.map(triple, [1, 2, 3]));',
			'await executor.shutdown();',
		].join('\n'));
		const {stdout, stderr} = await run(process.execPath, ['main.js'], {cwd: user, env: {PATH: path.dirname(process.execPath)}, timeout: 30_000});
		t.is(stdout, '[ 3, 6, 9 ]\n');
		t.is(stderr, '');
	} finally {
		await rm(folder, {recursive: true});
	}
});

test.serial('the package holds what users need and nothing else', async t => {
	const {stdout} = await run('npm', ['pack', '--json', '--dry-run', '--ignore-scripts'], {cwd: root});
	const [{files, unpackedSize}] = JSON.parse(stdout) as [{files: Array<{path: string}>; unpackedSize: number}];
	const others = files.map(file => file.path).filter(file => !/^(?:dist\/.+\.(?:js|d\.ts)|binding\.js|binding\.d\.ts|package\.json|README\.md|LICENSE)$/v.test(file));
	t.deepEqual(others, []);
	t.true(unpackedSize <= 900_000, `${unpackedSize} bytes`);
});
