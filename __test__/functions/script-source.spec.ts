import {mkdtempSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath, pathToFileURL} from 'node:url';
import vm from 'node:vm';
import test from 'ava';
import {isEntryScript} from '#dist/functions/entry-script.js';
import {scriptSource} from '#dist/functions/script-source.js';

const folder = mkdtempSync(path.join(tmpdir(), 'loky-script-'));
const load = async (name: string, text: string, query = ''): Promise<Record<string, () => unknown>> => {
	const file = path.join(folder, name);
	writeFileSync(file, text);
	return await import(pathToFileURL(file).href + query) as Record<string, () => unknown>;
};

test('a module that was written a moment ago has its text and hash, and its query', async t => {
	const text = '\uFEFFexport const young = () => 1;\n';
	const {young} = await load('young.mjs', text, '?v=1#x');
	const script = scriptSource(young!);
	t.is(script?.source, text.slice(1));
	t.is(script?.kind, 'module');
	t.true(script?.url?.endsWith('young.mjs?v=1#x'));
	t.is(script?.fileHash?.length, 43);
	t.false(script?.isTransformed);
});

test('a module whose file has changed keeps the text that was loaded, and has no hash', async t => {
	const text = 'export const before = () => 1;\n';
	const {before} = await load('changed.mjs', text);
	writeFileSync(path.join(folder, 'changed.mjs'), 'export const before = () => 2;\n');
	const script = scriptSource(before!);
	t.is(script?.source, text);
	t.is(script?.fileHash, null);
});

test('a CommonJS module is told from a script', t => {
	const file = path.join(folder, 'common.cjs');
	writeFileSync(file, 'module.exports = () => 1;\n');
	t.is(scriptSource(createRequire(import.meta.url)(file) as object)?.kind, 'commonJs');
	t.is(scriptSource(vm.runInThisContext('(() => 1)', {filename: '/nowhere.js'}) as object)?.kind, 'script');
});

test('an old file is read, not asked for', t => {
	const script = scriptSource(() => 1);
	t.is(script?.url, import.meta.url);
	t.true(script?.source?.includes('an old file is read'));
});

test('scripts without a name, Node\'s own and native functions cost nothing', t => {
	t.like(scriptSource(vm.runInThisContext('(() => 1)') as object), {source: null, kind: 'script'});
	t.like(scriptSource(new Function('return 1')), {url: null, source: null}); // eslint-disable-line no-new-func
	t.like(scriptSource(process.nextTick), {isInternal: true, source: null});
	t.is(scriptSource(Math.max), undefined);
});

test('the main script is known by its path and by what has no file', t => {
	const main = process.argv[1]!;
	t.true(isEntryScript(main));
	t.true(isEntryScript(`${pathToFileURL(main).href}?again`));
	for (const name of ['[eval]', '[worker eval]', '[stdin]', 'REPL1', pathToFileURL('/a/[eval1]').href]) {
		t.true(isEntryScript(name), `${name} has no file`);
	}

	t.false(isEntryScript(fileURLToPath(import.meta.url)));
});
