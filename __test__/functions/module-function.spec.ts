import {createHash} from 'node:crypto';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import test from 'ava';
import {SerializationError} from '#dist/errors.js';
import type {ModuleFunctionReference} from '#dist/functions/code.js';
import {setMainScript} from '#dist/functions/main-script.js';
import {moduleFunction} from '#dist/functions/module-function.js';
import {decodeWithFunctions} from '#dist/serialize/codec.js';
import {decodeWhenImported, type WhenImported} from '#dist/serialize/reducers.js';
import {operation} from '#dist/serialize/wire.js';
import {payload, type Callable} from '../helpers/codes.js';

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');

let folder = '';
let files = 0;
test.before(() => {
	folder = mkdtempSync(path.join(tmpdir(), 'loky-module-'));
});
test.after.always(() => {
	rmSync(folder, {recursive: true});
});

/** A module of its own, and a reference to a function of it. */
const written = (source: string, functionText: string, keys: readonly string[], more: Partial<ModuleFunctionReference> = {}): ModuleFunctionReference & {readonly file: string} => {
	const file = path.join(folder, `module-${files++}.${more.isCommonJs ? 'cjs' : 'mjs'}`);
	writeFileSync(file, source);
	return {
		file,
		url: pathToFileURL(file).href,
		isCommonJs: false,
		fileHash: hash(source),
		textHash: hash(functionText),
		path: keys.map(key => ({kind: 'value', key})),
		...more,
	};
};

const resolve = async (reference: ModuleFunctionReference): Promise<Callable> => {
	const first = moduleFunction(reference);
	if (!(first instanceof Promise)) {
		return first as Callable;
	}

	await first;
	return moduleFunction(reference) as Callable;
};

test('an exported function is imported once, then there without a promise', async t => {
	const reference = written('export const twice = x => x * 2;', 'x => x * 2', ['twice']);
	const fn = await resolve(reference);
	t.is(fn(2), 4);
	t.is(moduleFunction(reference), fn);
	const namespace = await import(reference.url) as {readonly twice: unknown};
	t.is(namespace.twice, fn);
});

test('members of what is exported are found: methods, statics, getters and setters', async t => {
	const source = 'export class A { static make() { return 1; } method() { return 2; } get value() { return 3; } set value(v) {} }\nexport const tools = {deep: {er() { return 4; }}};';
	t.is((await resolve(written(source, 'make() { return 1; }', ['A', 'make'])))(), 1);
	t.is((await resolve(written(source, 'method() { return 2; }', ['A', 'prototype', 'method'])))(), 2);
	t.is((await resolve(written(source, 'er() { return 4; }', ['tools', 'deep', 'er'])))(), 4);
	const steps = (kind: 'get' | 'set'): ModuleFunctionReference['path'] => [{kind: 'value', key: 'A'}, {kind: 'value', key: 'prototype'}, {kind, key: 'value'}];
	t.is((await resolve(written(source, 'get value() { return 3; }', [], {path: steps('get')})))(), 3);
	const setter = await resolve(written(source, 'set value(v) {}', [], {path: steps('set')}));
	t.is(setter.length, 1);
});

test('functions of CommonJS modules are there at once', t => {
	const source = 'module.exports = Object.assign(x => x + 1, {inner: {deep: () => 2}}); Object.defineProperty(module.exports, "accessed", {get: () => module.exports.inner.deep});';
	t.is((moduleFunction(written(source, 'x => x + 1', [], {isCommonJs: true})) as Callable)(1), 2);
	t.is((moduleFunction(written(source, '() => 2', ['inner', 'deep'], {isCommonJs: true})) as Callable)(), 2);
	t.is((moduleFunction(written(source, '() => 2', ['accessed'], {isCommonJs: true})) as Callable)(), 2);
});

test('a module at a data: URL is imported, without a file', async t => {
	const fn = await resolve({
		url: 'data:text/javascript,export default () => 7', isCommonJs: false, fileHash: null, textHash: hash('() => 7'), path: [{kind: 'value', key: 'default'}],
	});
	t.is(fn(), 7);
});

test('a file that changed before it was loaded here is refused by name, and not run', async t => {
	const reference = written('export const fn = () => 1;', '() => 1', ['fn']);
	writeFileSync(reference.file, 'globalThis.changedModuleRan = true; export const fn = () => 1;');
	const error = await t.throwsAsync(async () => resolve(reference), {instanceOf: SerializationError, code: 'ERR_REFERENCE_CHANGED'});
	t.true(error?.message.includes(reference.file));
	t.regex(error?.message ?? '', /[Rr]estart/v);
	t.deepEqual([error?.function?.name, error?.function?.url], ['fn', reference.url]);
	t.false('changedModuleRan' in globalThis);
});

test('a file that changes after it was loaded concerns nobody', async t => {
	const reference = written('export const fn = () => 1; export const other = () => 2;', '() => 1', ['fn']);
	await resolve(reference);
	writeFileSync(reference.file, 'export const fn = () => 3;');
	t.is((await resolve(reference))(), 1);
	t.is((await resolve({...reference, path: [{kind: 'value', key: 'other'}], textHash: hash('() => 2')}))(), 2);
});

test('another function under the same name is refused', async t => {
	await t.throwsAsync(async () => resolve(written('export const fn = () => 1;', '() => 2', ['fn'])), {code: 'ERR_REFERENCE_CHANGED', message: /text differs/v});
});

test('without a hash of the text none is compared', async t => {
	t.is((await resolve(written('export const fn = () => 1;', '', ['fn'], {textHash: null})))(), 1);
});

test('a missing file, export or function is told by name', async t => {
	const reference = written('export const fn = 5;', '', ['fn']);
	await t.throwsAsync(async () => resolve(reference), {code: 'ERR_REFERENCE_MISSING', message: /function fn of the module .* no function .* number/v});
	await t.throwsAsync(async () => resolve({...reference, path: [{kind: 'value', key: 'none'}]}), {code: 'ERR_REFERENCE_MISSING', message: /none/v});
	const gone = written('', '', ['fn']);
	rmSync(gone.file);
	await t.throwsAsync(async () => resolve(gone), {code: 'ERR_REFERENCE_MISSING', message: /is not there/v});
	await t.throwsAsync(async () => resolve({...gone, fileHash: null}), {code: 'ERR_REFERENCE_MISSING'});
	await t.throwsAsync(async () => resolve({...gone, fileHash: null, isCommonJs: true}), {code: 'ERR_REFERENCE_MISSING'});
});

test('a module that throws is told with its error as the cause', async t => {
	for (const isCommonJs of [false, true]) {
		const error = await t.throwsAsync(async () => resolve(written('throw new RangeError("broken");', '', ['fn'], {isCommonJs})), {code: 'ERR_REFERENCE_IMPORT', message: /broken/v});
		t.true(error?.cause instanceof RangeError);
	}
});

test('the main script is never loaded', async t => {
	const reference = written('globalThis.mainRan = true; export const fn = () => 1;', '() => 1', ['fn']);
	setMainScript([fileURLToPath(reference.url)]);
	await t.throwsAsync(async () => resolve(reference), {code: 'ERR_REFERENCE_IMPORT', message: /main script/v});
	setMainScript([]);
	t.false('mainRan' in globalThis);
});

test('a payload names such a function', async t => {
	const reference = written('export const fn = () => 1;', '() => 1', ['fn']);
	const bytes = payload([], [null, operation.exported, reference.url, false, reference.fileHash, reference.textHash, 1, 'value', 'fn']);
	const {value} = await (decodeWhenImported(() => decodeWithFunctions(bytes, 'worker')) as WhenImported).decoded;
	t.is((value as Callable)(), 1);
	t.is(decodeWithFunctions(bytes, 'worker'), value);
});
