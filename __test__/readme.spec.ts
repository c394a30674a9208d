/**
 * The code of the README and of docs/ runs as it stands there.
 */
import {execFile} from 'node:child_process';
import {
	mkdtemp, readdir, readFile, rm, writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

interface Block {
	/** From a first line like `// jobs.js`: a module that other blocks of the page import. */
	readonly file: string | null;
	readonly code: string;
}

function codeBlocks(markdown: string): Block[] {
	return [...markdown.matchAll(/^```js\n(?<code>.*?)^```$/gmsv)].map(match => {
		const code = match.groups!['code']!;
		return {file: /^\/\/ (?<file>[\w.\-]+\.js)\n/v.exec(code)?.groups?.['file'] ?? null, code};
	});
}

/** What the comments behind `console.log(…)` promise, line by line: `// 1, 2, 3` in a loop promises three lines. */
function promisedOutput(code: string): string[] {
	return [...code.matchAll(/console\.log\(.*\); \/\/ (?<promise>.+)$/gmv)].flatMap(match => match.groups!['promise']!.split(/, (?:then )?/v));
}

const docs = await readdir(path.join(root, 'docs'));
const pages = ['README.md', ...docs.filter(name => name.endsWith('.md')).map(name => `docs/${name}`)];

// All are read first: tests must be declared in one go.
const blocksOfPages = await Promise.all(pages.map(async page => codeBlocks(await readFile(path.join(root, page), 'utf8'))));

for (const [pageIndex, page] of pages.entries()) {
	const blocks = blocksOfPages[pageIndex]!;
	const programs = blocks.filter(block => block.file === null);
	for (const [index, {code}] of programs.entries()) {
		test.serial(`example ${index + 1} of ${page} runs and prints what its comments say`, async t => {
			// Inside the project, so that it finds the package by its name.
			const folder = await mkdtemp(path.join(root, '.test-build', 'page-'));
			try {
				for (const block of blocks) {
					if (block.file !== null) {
						await writeFile(path.join(folder, block.file), block.code);
					}
				}

				const program = path.join(folder, 'program.js');
				await writeFile(program, code);
				const {stdout, stderr} = await run(process.execPath, [program], {timeout: 30_000});
				t.is(stderr, '');
				for (const promise of promisedOutput(code).filter(text => /^[\d\-'\w ]+$/v.test(text) && !text.startsWith('runs '))) {
					t.true(stdout.split('\n').includes(promise), `“${promise}” is not among:\n${stdout}`);
				}
			} finally {
				await rm(folder, {recursive: true});
			}
		});
	}
}

test('the README has examples that this file finds', async t => {
	const blocks = codeBlocks(await readFile(path.join(root, 'README.md'), 'utf8'));
	t.true(blocks.filter(block => block.file === null).length >= 3);
	t.deepEqual(blocks.flatMap(block => block.file ?? []), ['jobs.js']);
	t.true(blocks.flatMap(block => promisedOutput(block.code)).length >= 5);
});
