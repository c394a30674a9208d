/**
 * The page docs/reliability.md: its promises have tests, its table is that of the published results, and ours does what it says.
 */
import {execFile} from 'node:child_process';
import {
	mkdtemp, readFile, rm,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const faults = path.join(root, 'bench/peers/faults');
const page = await readFile(path.join(root, 'docs/reliability.md'), 'utf8');

interface Results {
	readonly cells: Readonly<Record<string, Readonly<Record<string, {readonly text: string; readonly seen: readonly string[]}>>>>;
}

async function resultsIn(file: string): Promise<Results> {
	return JSON.parse(await readFile(file, 'utf8')) as Results;
}

/** The lines of the table of promises, without its head. */
const promises = page.slice(page.indexOf('## What we promise')).split('\n').filter(line => line.startsWith('| ')).slice(1);

/** Whether a file has a test of this name: a Rust function, or a title in quotes, which may go on with what the title is made for. */
function hasTest(source: string, file: string, title: string): boolean {
	return file.endsWith('.rs')
		? source.includes(`\nfn ${title}()`)
		: ['\'', '`', ' ($'].some(end => ['\'', '`'].some(start => source.includes(`${start}${title}${end}`)));
}

test('each promise of the page names tests, and each of them exists', async t => {
	t.true(promises.length > 10);
	for (const promise of promises) {
		const tests = [...promise.matchAll(/\]\(\.\.\/(?<file>[^\)]+)\) `(?<title>[^`]+)`/gv)].map(({groups}) => groups as {file: string; title: string});
		t.true(tests.length > 0, `no test in ${promise}`);
		for (const {file, title} of tests) {
			const source = await readFile(path.join(root, file), 'utf8');
			t.true(hasTest(source, file, title), `${title} in ${file}`);
		}
	}
});

test('the table of the page is the one of the published results', async t => {
	const {markdown} = await import(path.join(faults, 'table.js')) as {markdown: (results: Results) => string};
	t.true(page.includes(`<!-- table -->\n\n${markdown(await resultsIn(path.join(faults, 'results.json')))}\n\n<!-- end of table -->`));
});

test('the page explains each row in which ours is not ok, and no other', async t => {
	const {cells} = await resultsIn(path.join(faults, 'results.json'));
	const rows = Object.entries(cells['loky/process']!).filter(([, {text}]) => text !== 'ok').map(([row]) => row);
	const section = page.slice(page.indexOf('### Where ours is not ok'), page.indexOf('### How it is made'));
	t.deepEqual([...section.matchAll(/^- Row (?<row>\d+):/gmv)].map(({groups}) => groups!['row']), rows);
});

test('what the page calls ok of ours is ok', async t => {
	t.timeout(300_000);
	const published = await resultsIn(path.join(faults, 'results.json'));
	const output = await mkdtemp(path.join(os.tmpdir(), 'loky-reliability-'));
	try {
		await run(process.execPath, [path.join(faults, 'run.js'), '--peer', 'loky', '--rounds', '1', '--parallel', '2', '--patience', '20000', '--output', output]);
		const seen = await resultsIn(path.join(output, 'faults.json'));
		const worse = Object.entries(published.cells['loky/process']!)
			.filter(([row, cell]) => cell.text === 'ok' && seen.cells['loky/process']![row]!.text !== 'ok')
			.map(([row]) => `row ${row}: ${seen.cells['loky/process']![row]!.text}`);
		t.deepEqual(worse, []);
	} finally {
		await rm(output, {recursive: true});
	}
});
