import {writeFile} from 'node:fs/promises';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';
import test from 'ava';
import {SerializationError} from '#dist/errors.js';
import {describeFunction, type FunctionReference, type SourceReference} from '#dist/functions/function-reference.js';
import {resolveFunction} from '#dist/functions/resolve-function.js';

const fixture = (name: string): string => new URL(`../fixtures/functions/${name}`, import.meta.url).href;
const exported = (url: string, name: string): FunctionReference => ({kind: 'export', url, name});
const source = (text: string, options: Partial<SourceReference> = {}): SourceReference => ({
	kind: 'source', text, name: 'fn', isStrict: true, hasImport: false, url: null, line: null, ...options,
});
const call = async (reference: FunctionReference, ...args: unknown[]): Promise<unknown> => {
	const {fn} = {fn: await resolveFunction(reference)};
	return fn(...args);
};

test('an export is imported and called', async t => {
	t.is(await call(exported(fixture('jobs.js'), 'price'), 2), 6);
	t.is(await call(exported(fixture('jobs.js'), 'asyncPrice'), 2), 6);
	t.is(await call(exported(fixture('jobs.js'), 'default'), 2, 3), 5);
});

test('an export that was imported once is there without a promise', async t => {
	const reference = exported(fixture('jobs.js'), 'inspect');
	const fn = await resolveFunction(reference);
	t.is(resolveFunction(reference), fn);
});

test('exports of a builtin module and of a data: URL are called', async t => {
	t.is(await call(exported('node:path', 'basename'), '/a/b'), 'b');
	t.is(await call(exported('data:text/javascript,export const twice = x => x * 2', 'twice'), 2), 4);
});

test('an export that only shows at run time in a CommonJS module is called', async t => {
	t.is(await call(exported(fixture('names-at-run-time.cjs'), 'two')), 'two');
});

test('a missing export names the module, the export and those that exist', async t => {
	const error = await t.throwsAsync(call(exported(fixture('jobs.js'), 'prize')), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
	t.is((error).side, 'worker');
	t.is(error.function?.name, 'prize');
	t.true(error?.message.includes(fixture('jobs.js')));
	t.regex(error?.message ?? '', /no export prize.*asyncPrice.*default.*price/v);
});

for (const [name, kind] of [['rate', 'of type number'], ['nothing', 'null']] as const) {
	test(`an export that is ${kind} is no function`, async t => {
		await t.throwsAsync(call(exported(fixture('jobs.js'), name)), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING', message: new RegExp(`${name} .*${kind}`, 'v')});
	});
}

test('a missing module is named, with the error of the import as cause', async t => {
	const url = fixture('not-there.js');
	const error = await t.throwsAsync(call(exported(url, 'price')), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
	t.true(error?.message.includes(url));
	t.is((error?.cause as NodeJS.ErrnoException).code, 'ERR_MODULE_NOT_FOUND');
});

test('a module that throws keeps its error as the cause', async t => {
	const error = await t.throwsAsync(call(exported(fixture('broken.js'), 'price')), {instanceOf: SerializationError, code: 'ERR_REFERENCE_IMPORT'});
	t.true(error?.cause instanceof RangeError);
	t.true(error?.message.includes('this module cannot be loaded'));
});

test('a module whose own import is missing is not reported as missing itself', async t => {
	const error = await t.throwsAsync(call(exported(fixture('lacks-dependency.js'), 'fn')), {instanceOf: SerializationError, code: 'ERR_REFERENCE_IMPORT'});
	t.true(error?.message.includes('does-not-exist'));
});

test('a module that appears later is found then', async t => {
	const directory = mkdtempSync(path.join(tmpdir(), 'loky-resolve-'));
	t.teardown(() => {
		rmSync(directory, {recursive: true});
	});
	const file = path.join(directory, 'late.mjs');
	const reference = exported(pathToFileURL(file).href, 'fn');
	await t.throwsAsync(call(reference), {code: 'ERR_REFERENCE_MISSING'});
	await writeFile(file, 'export const fn = () => "here"');
	t.is(await call(reference), 'here');
});

for (const [module, path] of [['node:path', ['posix', 'teleport']], ['node:not-a-module', []], [null, ['Nothing', 'at', 'all']]] as const) {
	test(`the builtin ${[module, ...path].join(' ')} that this version of Node does not have is named`, async t => {
		const error = await t.throwsAsync(call({kind: 'builtin', module, path}), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
		t.true(error?.message.includes([...module === null ? [] : [module], ...path].join('.')));
	});
}

test('a text is compiled once', t => {
	t.is(resolveFunction(source('x => x')), resolveFunction(source('x => x')));
});

test('equal texts of different names or modes are different functions', t => {
	t.not(resolveFunction(source('y => y')), resolveFunction(source('y => y', {name: 'other'})));
	t.not(resolveFunction(source('y => y')), resolveFunction(source('y => y', {isStrict: false})));
});

test('a text runs in the mode that it was made in', async t => {
	const text = 'function () { return this === undefined }';
	t.true(await call(source(text)));
	t.false(await call(source(text, {isStrict: false})));
});

test('a compiled function sees no variables of this package', async t => {
	t.is(await call(source('() => typeof SerializationError + typeof require + typeof module')), 'undefinedundefinedundefined');
});

test('the stack of an error names the function, the line and the column', async t => {
	const {stack} = await t.throwsAsync(call(source('() => { null.x }', {name: 'price'}))) ?? {};
	t.regex(stack ?? '', /at price \(\[source of price\]:1:14\)/v);
});

test('import() finds builtins and the packages of the working directory, without a warning', async t => {
	const warnings: Error[] = [];
	const remember = (warning: Error) => {
		warnings.push(warning);
	};

	process.on('warning', remember);
	const text = 'async name => typeof (await import(name))';
	t.is(await call(source(text, {hasImport: true}), 'node:path'), 'object');
	t.is(await call(source(text, {hasImport: true}), 'acorn'), 'object');
	await new Promise(resolve => {
		setImmediate(resolve);
	});
	process.off('warning', remember);
	t.deepEqual(warnings, []);
});

test('a resolved function can be described and resolved again', async t => {
	const once = await resolveFunction(describeFunction(function fact(n: number): number {
		return n < 2 ? 1 : n * fact(n - 1);
	}));
	t.is(await call(describeFunction(once), 4), 24);
	const doubling = {
		double(x: number) {
			return x * 2;
		},
	};
	const method = await resolveFunction(describeFunction(doubling.double));
	t.is(await call(describeFunction(method), 4), 8);
});
