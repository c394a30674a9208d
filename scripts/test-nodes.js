/**
 * Runs the built tests on every version of Node that the package supports, one after another.
 *
 * npm run test:nodes [-- --versions 22,26] [-- arguments for AVA, such as a file]
 *
 * The binaries are those of the npm package `node`. They are installed once and kept in node_modules/.cache/loky-nodes, one folder per
 * major version; delete a folder to get the latest release of that version.
 */
import {execFile, spawn} from 'node:child_process';
import {
	access, mkdir, mkdtemp, rename, rm,
} from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const cache = path.join(root, 'node_modules', '.cache', 'loky-nodes');
const ava = path.join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
const supported = ['20', '22', '24', '26'];

/** `--versions` is ours, wherever it stands; everything else is for AVA. */
function readArguments(args) {
	const avaArguments = [];
	let versions = supported;
	for (let index = 0; index < args.length; index++) {
		const [name, value] = args[index].split('=', 2);
		if (name === '--versions') {
			versions = (value ?? args[++index] ?? '').split(',');
		} else {
			avaArguments.push(args[index]);
		}
	}

	const wrong = versions.find(version => !/^\d+$/v.test(version));
	if (wrong !== undefined) {
		throw new Error(`--versions takes major versions with commas between them, such as 22,26. Received '${wrong}'`);
	}

	return {versions, avaArguments};
}

async function exists(file) {
	try {
		await access(file);
		return true;
	} catch {
		return false;
	}
}

const binariesIn = folder => path.join(folder, 'node_modules', 'node', 'bin');

/** The folder of the binary, which is installed unless it is there. */
async function binaryFolder(version) {
	const folder = path.join(cache, version);
	if (!await exists(path.join(binariesIn(folder), 'node'))) {
		console.log(`Installing Node ${version} into ${path.relative(root, folder)}`);
		await install(version, folder);
	}

	return binariesIn(folder);
}

async function install(version, folder) {
	await mkdir(cache, {recursive: true});
	// Installed beside and moved: an interrupted installation must not look like a finished one.
	const unfinished = await mkdtemp(path.join(cache, `${version}-`));
	try {
		await run('npm', ['install', '--prefix', unfinished, '--no-save', '--no-audit', '--no-fund', '--loglevel', 'error', `node@${version}`], {cwd: unfinished});
		await access(path.join(binariesIn(unfinished), 'node'));
		await rm(folder, {recursive: true, force: true});
		await rename(unfinished, folder);
	} catch (error) {
		await rm(unfinished, {recursive: true, force: true});
		const said = error.stderr ?? error.message;
		throw new Error(`Node ${version} is not in ${folder}, and npm could not install its package node@${version}. Is the registry reachable, and is there such a version? npm said:\n${said}`, {cause: error});
	}
}

/** The failures in a report in the Test Anything Protocol: each from its `not ok` to the end of its details. */
const failuresIn = report => (report.match(/^not ok .*(?:\n(?: {2}.*)?)*/gmv) ?? []).map(failure => failure.trimEnd());

const countIn = (report, word) => Number(new RegExp(String.raw`^# ${word} (\d+)$`, 'mv').exec(report)?.[1] ?? 0);

/** Runs AVA to its end: what it reports, and how it ended. */
async function runAva(folder, avaArguments) {
	const child = spawn(path.join(folder, 'node'), [ava, '--tap', ...avaArguments], {
		cwd: root,
		// First in PATH, so that programs which tests start by name are of the same version.
		env: {...process.env, PATH: `${folder}${path.delimiter}${process.env.PATH}`},
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let report = '';
	child.stdout.setEncoding('utf8').on('data', text => {
		report += text;
	});
	// Tests write warnings that they want to see; only of interest when something went wrong.
	let warnings = '';
	child.stderr.setEncoding('utf8').on('data', text => {
		warnings += text;
	});
	return new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('close', (code, signal) => {
			resolve({
				report, warnings, code, signal,
			});
		});
	});
}

async function testOn(version, avaArguments) {
	const folder = await binaryFolder(version);
	const {stdout} = await run(path.join(folder, 'node'), ['--version']);
	const release = stdout.trim();
	console.log(`Testing on Node ${release}`);
	const start = performance.now();
	const {
		report, warnings, code, signal,
	} = await runAva(folder, avaArguments);
	const seconds = (performance.now() - start) / 1000;
	if (code !== 0) {
		const failures = failuresIn(report);
		console.error(warnings);
		console.log(failures.length > 0 ? failures.join('\n\n') : `AVA ended with ${signal ?? `exit code ${code}`} after this:\n${report.slice(-4000)}`);
	}

	return {
		release,
		result: code === 0 ? 'passed' : 'FAILED',
		passed: countIn(report, 'pass'),
		failed: countIn(report, 'fail'),
		skipped: countIn(report, 'skip'),
		seconds: Number(seconds.toFixed(1)),
	};
}

async function main() {
	const {versions, avaArguments} = readArguments(process.argv.slice(2));
	if (!await exists(path.join(root, '.test-build'))) {
		throw new Error('There are no built tests. Run npm run build && npm run build:test first.');
	}

	// All of them before the first test: what cannot be had shows at once.
	for (const version of versions) {
		await binaryFolder(version);
	}

	const results = [];
	for (const version of versions) {
		results.push(await testOn(version, avaArguments));
	}

	console.table(Object.fromEntries(results.map(({release, ...row}) => [release, row])));
	process.exitCode = results.every(({result}) => result === 'passed') ? 0 : 1;
}

try {
	await main();
} catch (error) {
	console.error(error.message);
	process.exitCode = 1;
}
