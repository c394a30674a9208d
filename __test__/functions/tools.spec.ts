/**
 * Functions of programs that a tool has transformed, loaded or watches.
 */
import {readdir, readFile} from 'node:fs/promises';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {build} from 'esbuild';
import {createInstrumenter} from 'istanbul-lib-instrument';
import {count, scale} from '../fixtures/tools/arithmetic.js';
import {outcome} from '../fixtures/tools/outcome.js';
import {ToolProject, type ProgramRun} from '../helpers/tool-project.js';
import {withExecutor} from '../helpers/with-executor.js';

const project = await ToolProject.create();

test.after.always(async () => {
	await project.remove();
});

const tsx = fileURLToPath(import.meta.resolve('tsx/cli'));
const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));
const jest = fileURLToPath(import.meta.resolve('jest/bin/jest'));

/** What the programs tell when everything is as it is without any tool. */
const shipped = {
	closed: 5,
	// 4 times a constant 3, plus a variable that was 1 and is 2.
	lambda: 14,
	imports: 'b40',
	// The module in the worker counts on: the function went by reference.
	exported: [1, 2],
	refused: 'ERR_CAPTURE_UNSUPPORTED',
};

/** Where a tool has made another text of the module, a worker that imports the file would have something else: the function goes by value. */
const shippedByValue = {...shipped, exported: [1, 1]};

function checkRun(t: ExecutionContext, {code, results, stdout, stderr}: ProgramRun, expected: unknown = shipped): void {
	t.deepEqual(results, expected, `${stdout}\n${stderr}`);
	t.is(code, 0, stderr);
}

const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
const hasFlag = (flag: string): boolean => process.allowedNodeEnvironmentFlags.has(flag);

/** A test that some versions of Node skip, in sight. */
const testWhere = (isPossible: boolean) => isPossible ? test.serial : test.serial.skip;

test.serial('a compiled program ships its functions', async t => {
	checkRun(t, await project.node([project.javascript('entry.js')]));
});

test.serial('tsx ships the functions of a program in TypeScript', async t => {
	checkRun(t, await project.node([tsx, project.typescript('entry.ts')]));
});

test.serial('a program ships its functions under node --import tsx', async t => {
	checkRun(t, await project.node(['--import', 'tsx', project.typescript('entry.ts')]));
});

test.serial('what a function throws under tsx has the places of the TypeScript in its stack', async t => {
	const {stdout, stderr} = await project.node([tsx, project.typescript('thrown.ts')]);
	t.regex(stdout, /^FRAME \s+at fail .*thrown\.ts:11:\d+\)$/mv, `${stdout}\n${stderr}`);
});

const stripsTypes = (major === 22 && minor >= 18) || major >= 24;

testWhere(stripsTypes)('Node itself ships the functions of a program in TypeScript', async t => {
	checkRun(t, await project.node([project.typescript('entry.ts')]));
});

test.serial('a thread ships its functions', async t => {
	checkRun(t, await project.node([project.javascript('thread.js')]));
});

const factor = 3;
let offset = 1;
offset += 1;
const unclonable = new WeakMap();

test.serial('AVA ships the functions of a test file', withExecutor({maxWorkers: 1}, async (t, executor) => {
	t.deepEqual({
		closed: await outcome(executor.submit((number: number) => number + 1, 4)),
		lambda: await outcome(executor.submit((number: number) => (number * factor) + offset, 4)),
		imports: await outcome(executor.submit((file: string) => path.basename(file) + String(scale(4)), '/a/b')),
		exported: [await outcome(executor.submit(count)), await outcome(executor.submit(count))],
		refused: await outcome(executor.submit(() => unclonable)),
	}, shipped);
}));

for (const pool of ['forks', 'threads', 'vmThreads']) {
	test.serial(`vitest ships the functions of a test file in its pool ${pool}`, async t => {
		checkRun(t, await project.node([vitest, 'run', '--globals', '--pool', pool, 'suite.test.js']), shippedByValue);
	});
}

for (const file of ['suite.test.js', 'suite-commonjs.test.cjs']) {
	test.serial(`jest ships the functions of ${file}`, async t => {
		const configuration = JSON.stringify({transform: {}, testMatch: [`**/${file}`], watchman: false});
		checkRun(t, await project.node(['--experimental-vm-modules', jest, '--runInBand', '--no-cache', '--config', configuration, '--rootDir', path.dirname(project.javascript(file))]));
	});
}

/** A program in one text, for the ways to give one without a file. */
const program = (head: string, basename: string, arithmetic: string): string => `
${head}
const factor = 3;
let offset = 1;
offset += 1;
const unclonable = new WeakMap();
const results = {};
const executor = new ProcessPoolExecutor({maxWorkers: 1});
results.closed = await outcome(executor.submit(number => number + 1, 4));
results.lambda = await outcome(executor.submit(number => (number * factor) + offset, 4));
results.imports = await outcome(executor.submit(file => ${basename}(file) + String(${arithmetic}scale(4)), '/a/b'));
results.exported = [await outcome(executor.submit(${arithmetic}count)), await outcome(executor.submit(${arithmetic}count))];
results.refused = await outcome(executor.submit(() => unclonable));
`;

const telling = 'await executor.shutdown();\nconsole.log(\'RESULT \' + JSON.stringify(results));\n';

const imports = `
import {basename} from 'node:path';
import {ProcessPoolExecutor} from 'loky';
import {count, scale} from './arithmetic.js';
import {outcome} from './outcome.js';
`;

test.serial('node --input-type=module --eval ships its functions', async t => {
	checkRun(t, await project.node(['--input-type=module', '--eval', program(imports, 'basename', '') + telling]));
});

const requires = `
const path = require('node:path');
const arithmetic = require('./arithmetic-commonjs.cjs');
`;

const importsOfCommonJs = `
const {ProcessPoolExecutor} = await import('loky');
const {outcome} = await import('./outcome.js');
`;

test.serial('node --eval of a CommonJS program ships its functions', async t => {
	const text = `${requires}(async () => {${program(importsOfCommonJs, 'path.basename', 'arithmetic.')}${telling}})();`;
	checkRun(t, await project.node(['--input-type=commonjs', '--eval', text]));
});

test.serial('the REPL ships its functions, but not one that uses its require', async t => {
	const input = `${requires}${program(importsOfCommonJs, 'path.basename', 'arithmetic.')}
results.required = await outcome(executor.submit(() => require('node:path').basename('/a/b')));
${telling}`;
	checkRun(t, await project.node(['--interactive'], {lines: input.trim().split('\n'), env: {NODE_REPL_HISTORY: ''}}), {...shipped, required: 'ERR_INTERNAL_FUNCTION'});
});

for (const format of ['cjs', 'esm'] as const) {
	for (const [how, options] of [
		['plain', {}],
		['minified', {minify: true}],
		['minified with names kept', {minify: true, keepNames: true}],
	] as const) {
		test.serial(`a ${how} ${format} bundle of esbuild ships its functions`, async t => {
			const outfile = project.javascript(`bundle-${how.replaceAll(' ', '-')}.${format === 'cjs' ? 'cjs' : 'mjs'}`);
			await build({
				entryPoints: [project.typescript('entry.ts')], outfile, bundle: true, platform: 'node', external: ['loky'], format, ...options,
			});
			checkRun(t, await project.node([outfile]), shippedByValue);
		});
	}
}

test.serial('code that istanbul has instrumented ships its functions', async t => {
	const folder = path.join(project.folder, 'instrumented');
	mkdirSync(folder);
	for (const name of ['entry.js', 'arithmetic.js', 'outcome.js']) {
		const instrumenter = createInstrumenter({esModules: true, compact: false});
		writeFileSync(path.join(folder, name), instrumenter.instrumentSync(readFileSync(project.javascript(name), 'utf8'), path.join(folder, name)));
	}

	checkRun(t, await project.node([path.join(folder, 'entry.js')]));
});

test.serial('a program ships its functions under an attached debugger that wants to stop at each exception, and is not stopped', async t => {
	const run = await project.node(['--inspect=127.0.0.1:0', project.javascript('debugged.js')]);
	checkRun(t, run);
	t.regex(run.stdout, /^PAUSES 0$/mv);
});

// The workers are started natively, so not even --allow-child-process is needed.
const permissions = ['--permission', '--allow-fs-read=*', '--allow-addons'];

testWhere(hasFlag('--allow-inspector'))('a program with permissions ships its functions when --allow-inspector is among them', async t => {
	checkRun(t, await project.node([...permissions, '--allow-inspector', project.javascript('entry.js')]));
});

testWhere(hasFlag('--permission'))('without --allow-inspector captures are refused with advice, and functions that need none are shipped', async t => {
	const run = await project.node([...permissions, project.javascript('entry.js')]);
	checkRun(t, run, {...shipped, lambda: 'ERR_INSPECTOR_UNAVAILABLE', refused: 'ERR_INSPECTOR_UNAVAILABLE'});
	t.regex(run.stderr, /--allow-inspector/v);
});

interface ScriptCoverage {
	readonly url: string;
	readonly functions: ReadonlyArray<{readonly functionName: string; readonly ranges: readonly unknown[]}>;
}

/** What all processes together tell of the file of the fixture `covered`. */
async function coverageOf(t: ExecutionContext, args: readonly string[]): Promise<ScriptCoverage[]> {
	const folder = path.join(project.folder, `coverage${args.join('')}`);
	const run = await project.node([project.javascript('coverage.js'), ...args], {env: {NODE_V8_COVERAGE: folder}});
	t.is(run.code, 0, run.stderr);
	if (args.length > 0) {
		t.deepEqual(run.results, {own: [6, 13, 22], shipped: [6, 13, 22, 1]}, run.stderr);
	}

	const files = await readdir(folder);
	const reports = await Promise.all(files.map(async name =>
		JSON.parse(await readFile(path.join(folder, name), 'utf8')) as {result: ScriptCoverage[]}));
	// The worker tells, too, unless there was none.
	t.is(reports.length, 1 + args.length);
	return reports.flatMap(({result}) => result.filter(({url}) => url.startsWith('file:') && url.endsWith('/covered.js')));
}

test.serial('what coverage reports of a module is the same with and without its functions being shipped by value', async t => {
	const undisturbed = await coverageOf(t, []);
	const submitting = await coverageOf(t, ['submit']);
	t.is(undisturbed.length, 1);
	t.deepEqual(submitting.map(({functions}) => functions), undisturbed.map(({functions}) => functions));
});
