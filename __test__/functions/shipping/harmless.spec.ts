/**
 * What shipping functions must not do to the program: keep memory, slow it down, change its coverage, run its main script again.
 */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {
	mkdtemp, readdir, readFile, rm, symlink,
} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {within} from '../../helpers/deadline.js';
import {runShippingProgram, shippingFixture} from '../../helpers/shipping-cases.js';

async function temporaryFolder(t: ExecutionContext): Promise<string> {
	const folder = await mkdtemp(path.join(tmpdir(), 'loky-shipping-'));
	t.teardown(async () => rm(folder, {recursive: true}));
	return folder;
}

test.serial('20,000 closures that were submitted are collected, and the heap does not grow', async t => {
	const {stdout} = await runShippingProgram('collected-closures.js', {nodeArguments: ['--expose-gc']});
	const {collected, growth} = JSON.parse(stdout) as {readonly collected: number; readonly growth: number};
	t.true(collected > 19_500, `${collected} of 20,000 were collected`);
	t.true(growth < 2 * 1024 * 1024, `the heap grew by ${growth} bytes`);
});

test.serial('awaits are as fast after a hundred submits by value as before', async t => {
	// Other programs on the machine make single runs uneven; an inspector that stays enabled makes all of them several times slower.
	const ratios: number[] = [];
	while (ratios.length < 3 && !ratios.some(ratio => ratio < 1.3)) {
		const {stdout} = await runShippingProgram('speed-of-awaits.js');
		const {before, after} = JSON.parse(stdout) as {readonly before: number; readonly after: number};
		ratios.push(after / before);
	}

	t.true(Math.min(...ratios) < 1.3, `${ratios.join(', ')} times as slow`);
});

interface CoverageReport {
	readonly result: ReadonlyArray<{readonly url: string; readonly functions: unknown}>;
}

/** The coverage of the program, of its own process and of its worker. */
async function coverageOf(t: ExecutionContext, programArguments: readonly string[]): Promise<{own: CoverageReport; others: CoverageReport[]}> {
	const folder = await temporaryFolder(t);
	const {stdout} = await runShippingProgram('coverage-program.js', {programArguments, env: {NODE_V8_COVERAGE: folder}});
	const names = await readdir(folder);
	const reports = await Promise.all(names.map(async name => ({name, report: JSON.parse(await readFile(path.join(folder, name), 'utf8')) as CoverageReport})));
	const isOwn = (name: string): boolean => name.startsWith(`coverage-${stdout.trim()}-`);
	return {own: reports.find(({name}) => isOwn(name))!.report, others: reports.filter(({name}) => !isOwn(name)).map(({report}) => report)};
}

test.serial('submits change nothing in the coverage that is counted in this process', async t => {
	const {href: url} = pathToFileURL(shippingFixture('covered.js'));
	const without = await coverageOf(t, []);
	const submitting = await coverageOf(t, ['submits']);
	const counts = ({result}: CoverageReport): unknown => result.find(script => script.url === url)?.functions;
	t.truthy(counts(without.own));
	t.deepEqual(counts(submitting.own), counts(without.own));
});

test.serial('code that goes by value is under no file in the coverage of a worker', async t => {
	const {others} = await coverageOf(t, ['submits']);
	const program = pathToFileURL(shippingFixture('coverage-program.js')).href;
	t.false(others.some(({result}) => result.some(({url}) => url === program)));
});

const esModuleResults = [11, 11, 12, 21, true, 12, ['string', false]];
const commonJsResults = [11, 11, 12, 21, true, 12, ['object', 'object', 'function', false, '/']];

async function outputOf(nodeArguments: readonly string[], {input, cwd}: {readonly input?: string; readonly cwd?: string} = {}): Promise<string> {
	const program = spawn(process.execPath, nodeArguments, {stdio: ['pipe', 'pipe', 'inherit'], ...(cwd === undefined ? {} : {cwd})});
	let output = '';
	program.stdout.setEncoding('utf8').on('data', (text: string) => {
		output += text;
	});
	program.stdin.end(input);
	await within(20_000, once(program, 'close'));
	return output;
}

for (const [name, results] of [['main-program.js', esModuleResults], ['main-program.cjs', commonJsResults]] as const) {
	const expected = `top level once\n${JSON.stringify(results)}\n`;

	test.serial(`${name}: the exports of a main script go by value, and no worker runs it again`, async t => {
		t.is(await outputOf([shippingFixture(name)]), expected);
	});

	for (const flag of [[], ['--preserve-symlinks-main'], ['--preserve-symlinks', '--preserve-symlinks-main']]) {
		test.serial(`${name}: nor when it is started by a symbolic link with ${flag.length === 0 ? 'no flag' : flag.join(' ')}`, async t => {
			// Beside the program, so that the package is found also where the link itself counts.
			const link = shippingFixture(`link-${process.pid}-${flag.length}-${name}`);
			await symlink(shippingFixture(name), link);
			t.teardown(async () => rm(link));
			t.is(await outputOf([...flag, link]), expected);
		});
	}
}

test.serial('main-program.js: nor when it is started by a relative path', async t => {
	t.is(await outputOf(['./main-program.js'], {cwd: path.dirname(shippingFixture('main-program.js'))}), `top level once\n${JSON.stringify(esModuleResults)}\n`);
});

const inlineProgram = (importing: string): string => `${importing}
const factor = 10; let counter = 0;
const count = x => x * factor + ++counter;
const executor = new ProcessPoolExecutor({maxWorkers: 1});
console.log('top level once');
(async () => {
	console.log(JSON.stringify([await executor.submit(count, 1), await executor.submit(count, 1), await executor.submit(fn => fn(2), count)]));
	await executor.shutdown();
})();
`;

const cwd = path.dirname(shippingFixture('main-program.js'));
const inlineOutput = 'top level once\n[11,11,21]\n';

test.serial('closures of a program that is given by --eval travel', async t => {
	t.is(await outputOf(['--eval', inlineProgram('const {ProcessPoolExecutor} = require(\'loky\');')], {cwd}), inlineOutput);
});

test.serial('closures of an ES module that is given by --eval travel', async t => {
	t.is(await outputOf(['--input-type=module', '--eval', inlineProgram('import {ProcessPoolExecutor} from \'loky\';')], {cwd}), inlineOutput);
});

test.serial('closures of a program that is read from stdin travel', async t => {
	t.is(await outputOf(['-'], {cwd, input: inlineProgram('const {ProcessPoolExecutor} = require(\'loky\');')}), inlineOutput);
});

test.serial('closures of an ES module that is read from stdin travel', async t => {
	t.is(await outputOf(['--input-type=module', '-'], {cwd, input: inlineProgram('import {ProcessPoolExecutor} from \'loky\';')}), inlineOutput);
});
