import {execFile} from 'node:child_process';
import {
	mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import {SerializationError} from '#dist/errors.js';
import type {Code} from '#dist/functions/code.js';
import {setMainScript} from '#dist/functions/main-script.js';
import {prepareCode, PreparedCode} from '#dist/functions/prepared-code.js';
import {provenanceOf} from '#dist/functions/provenance.js';
import {
	codeOf, createFunction, createNow, type Callable,
} from '../helpers/codes.js';

const url = (name: string): string => new URL(`../fixtures/functions/${name}`, import.meta.url).href;
const ready = (code: Code): PreparedCode => {
	const prepared = prepareCode(code);
	if (prepared instanceof PreparedCode) {
		return prepared;
	}

	throw new TypeError('it waits for an import');
};

const withFolder = async (use: (folder: string) => Promise<void>): Promise<void> => {
	const folder = mkdtempSync(path.join(tmpdir(), 'loky-factory-'));
	try {
		await use(folder);
	} finally {
		rmSync(folder, {recursive: true});
	}
};

test('a function has the values that it is given, and another of the same code its own', t => {
	const prepared = ready(codeOf('(x) => x * factor + offset', ['factor', 'offset']));
	const first = createNow(prepared, 2, 1);
	const second = createNow(prepared, 3, 0);
	t.deepEqual([first(10), second(10)], [21, 30]);
	t.not(first, second);
});

test('a stack trace shows file, line and column where the text stood, on its first line and on later ones', t => {
	const place = {url: 'file:///somewhere/program.js', line: 9, column: 20};
	const stackOf = (text: string, captured: string[] = []): string => {
		try {
			createNow(ready(codeOf(text, captured, place)), ...captured.map(() => 1))();
			return '';
		} catch (error) {
			return (error as Error).stack ?? '';
		}
	};

	// The column of `new`, counted from 1.
	t.regex(stackOf('() => { throw new Error("first line"); }'), /at fn \(file:\/\/\/somewhere\/program\.js:10:35\)/v);
	t.regex(stackOf('(a = aLongName, b = another) => { throw new Error("parameters"); }', ['aLongName', 'another']), /program\.js:10:61\)/v);
	t.regex(stackOf('() => {\n  throw new Error("second line"); }'), /program\.js:11:9\)/v);
});

test('a late function has its positions too', t => {
	const {fn, fill} = ready(codeOf('() => { throw new Error(text); }', ['text'], {url: 'file:///late.js', line: 2, column: 4})).createLate([]);
	fill(['late']);
	const error = t.throws(fn as Callable, {message: 'late'});
	t.regex(error?.stack ?? '', /at fn \(file:\/\/\/late\.js:3:19\)/v);
});

for (const [text, name] of [
	['() => 1', 'arrow'],
	['function () {}', 'get value'],
	['function inner() {}', 'outer'],
	['({method() {}}).method', 'other'],
	['() => 1', ''],
	['() => 1', '__proto__'],
	['() => 1', 'with "quotes"\n and \u2028 lines'],
	['() => 1', '[Symbol.iterator]'],
] as const) {
	test(`${text} is called ${JSON.stringify(name)}, though its text does not say so`, t => {
		const fn = createNow(ready(codeOf(text, [], {name})));
		t.deepEqual(Object.getOwnPropertyDescriptor(fn, 'name'), {
			value: name, writable: false, enumerable: false, configurable: true,
		});
		t.is(Object.getPrototypeOf(fn), Function.prototype);
	});
}

test('a class with a static method called name keeps it', t => {
	const {fn} = ready({...codeOf('class { static name() { return 1; } }'), kind: 'class', name: 'Named'}).createLate([]);
	t.is(typeof fn.name, 'function');
});

test('sloppy code stays sloppy, and strict code strict', t => {
	const text = 'function () { return this; }';
	t.is(createNow(ready(codeOf(text)))(), undefined);
	t.is(createNow(ready(codeOf(text, [], {isStrict: false})))(), globalThis);
	t.is(createNow(ready(codeOf('() => 010', [], {isStrict: false})))(), 8);
	t.throws(() => createNow(ready(codeOf('() => 010'))), {instanceOf: SerializationError, message: /does not compile/v});
});

for (const name of ['yield', 'let', 'static', 'await', 'async', 'of', 'eval', 'undefined', 'loky$0', 'loky$v', 'näme', '$']) {
	test(`a variable may be called ${name}`, t => {
		const prepared = ready(codeOf(`() => ${name}`, [name], {isStrict: false}));
		t.is(createNow(prepared, 5)(), 5);
		const {fn, fill} = prepared.createLate([]);
		fill([6]);
		t.is((fn as Callable)(), 6);
		const itself = prepared.create([undefined], [0]) as Callable;
		t.is(itself(), itself);
	});
}

test('a function reaches itself under several names', t => {
	const fn = ready(codeOf('(n) => n < 2 ? 1 : n * (n % 2 ? odd : even)(n - 1)', ['odd', 'even'])).create([undefined, undefined], [0, 1]) as Callable;
	t.is(fn(5), 120);
	t.deepEqual(provenanceOf(fn)?.values, [fn, fn]);
});

test('to assign to a constant throws a TypeError, however its value came', t => {
	const prepared = ready(codeOf('() => { fixed = 1; }', [{kind: 'constant', parameter: 'fixed'}, 'other']));
	const refusal = {instanceOf: TypeError, message: /constant/v};
	t.throws(createNow(prepared, 5, 6), refusal);
	t.throws(prepared.create([undefined, 6], [0]) as Callable, refusal);
	const {fn, fill} = prepared.createLate([]);
	fill([5, 6]);
	t.throws(fn as Callable, refusal);
});

test('functions share a cell', t => {
	const cell = {v: 1};
	const parameter = {kind: 'cell', parameter: '$count'} as const;
	const increment = createNow(ready(codeOf('() => ++$count.v', [parameter])), cell);
	const get = createNow(ready(codeOf('() => $count.v', [parameter])), cell);
	increment();
	t.is(get(), 2);
});

test('a function remembers its code and its current values, and shows nothing of it', t => {
	const code = codeOf('() => a + b', ['a', 'b']);
	const prepared = ready(code);
	const fn = createNow(prepared, 1, 2);
	t.deepEqual(provenanceOf(fn)?.values, [1, 2]);
	t.deepEqual(provenanceOf(fn)?.code, code);
	t.deepEqual(Reflect.ownKeys(fn), ['length', 'name']);
	t.is(provenanceOf(() => undefined), undefined);
	const late = prepared.createLate([]);
	late.fill([3, 4]);
	t.deepEqual(provenanceOf(late.fn)?.values, [3, 4]);
});

test('equal codes are prepared once', t => {
	t.is(prepareCode(codeOf('() => 1')), prepareCode(codeOf('() => 1')));
	t.not(prepareCode(codeOf('() => 1')), prepareCode(codeOf('() => 1', [], {line: 1})));
});

test('what does not compile is told with its place', t => {
	const error = t.throws(() => createNow(ready(codeOf('() => {', [], {url: 'file:///a.js', line: 4}))), {instanceOf: SerializationError});
	t.regex(error?.message ?? '', /fn from file:\/\/\/a\.js:5:1 does not compile/v);
	t.is(error?.function?.line, 5);
});

test('an imported binding is that of the module, and live', async t => {
	const fn = await createFunction(codeOf('() => { $m.increment(); return $m.count; }', [], {
		url: url('jobs.js'),
		fixed: [{
			kind: 'namespace', parameter: '$m', specifier: './live-binding.js', attributes: null,
		}],
	}));
	const own = await import(url('live-binding.js')) as {readonly count: number};
	t.is(fn(), 1);
	t.is(own.count, 1);
	t.is(fn(), 2);
});

test('packages, builtin modules and JSON are imported as the original module would', async t => {
	const fn = await createFunction(codeOf('() => [typeof $a.default, $b.sep, $c.default.name]', [], {
		url: url('jobs.js'),
		fixed: [
			{
				kind: 'namespace', parameter: '$a', specifier: 'ava', attributes: null,
			},
			{
				kind: 'namespace', parameter: '$b', specifier: 'path', attributes: null,
			},
			{
				kind: 'namespace', parameter: '$c', specifier: '../../../package.json', attributes: {type: 'json'},
			},
		],
	}));
	t.deepEqual(fn(), ['function', path.sep, 'loky']);
});

const importing = (specifier: string, parent: string | null): Code => codeOf('() => $m', [], {
	url: parent,
	fixed: [{
		kind: 'namespace', parameter: '$m', specifier, attributes: null,
	}],
});

for (const [specifier, parent, code] of [
	['./not-there.js', url('jobs.js'), 'ERR_REFERENCE_MISSING'],
	['no-such-package', url('jobs.js'), 'ERR_REFERENCE_MISSING'],
	['./broken.js', url('jobs.js'), 'ERR_REFERENCE_IMPORT'],
	['./lacks-dependency.js', url('jobs.js'), 'ERR_REFERENCE_IMPORT'],
	['some-package', null, 'ERR_REFERENCE_MISSING'],
] as const) {
	test(`the import of ${specifier}${parent === null ? ' from nowhere' : ''} fails with ${code}`, async t => {
		const error = await t.throwsAsync(async () => prepareCode(importing(specifier, parent)), {instanceOf: SerializationError, code});
		t.true(error?.message.includes(specifier));
		t.true(parent === null || error?.message.includes(fileURLToPath(parent)));
	});
}

test('without a file, builtin modules and absolute specifiers are imported', async t => {
	const fn = await createFunction(importing('node:path', null));
	t.is((fn() as typeof path).sep, path.sep);
	t.truthy((await createFunction(importing(url('live-binding.js'), null)))());
});

test('a module that was missing is looked for again', async t => {
	await withFolder(async folder => {
		const code = importing('./late.mjs', pathToFileURL(path.join(folder, 'parent.mjs')).href);
		await t.throwsAsync(async () => prepareCode(code), {code: 'ERR_REFERENCE_MISSING'});
		writeFileSync(path.join(folder, 'late.mjs'), 'export const x = 1;');
		// The loader itself remembers for a while what it did not find, under the same specifier.
		const again = importing('./late.mjs?again', pathToFileURL(path.join(folder, 'parent.mjs')).href);
		t.deepEqual({...(await createFunction(again))() as object}, {x: 1});
	});
});

test('the main script is never imported', async t => {
	await withFolder(async folder => {
		const main = path.join(folder, 'main.mjs');
		writeFileSync(main, 'throw new Error("the program ran again");');
		setMainScript([main, realpathSync(main)]);
		await t.throwsAsync(async () => prepareCode(importing('./main.mjs?x', pathToFileURL(path.join(folder, 'job.mjs')).href)), {code: 'ERR_REFERENCE_IMPORT', message: /main script/v});
		setMainScript([]);
	});
});

test('what is required is the member of the module', t => {
	const fn = createNow(ready(codeOf('() => [twice(2), thrice(2), join("a", "b")]', [], {
		url: url('jobs.js'),
		fixed: [
			{
				kind: 'required', parameter: 'twice', specifier: './common-members.cjs', path: ['twice'],
			},
			{
				kind: 'required', parameter: 'thrice', specifier: './common-members.cjs', path: ['deep', 'er', 'thrice'],
			},
			{
				kind: 'required', parameter: 'join', specifier: 'path', path: ['join'],
			},
		],
	})));
	t.deepEqual(fn(), [4, 6, path.join('a', 'b')]);
});

const commonJsNames = ['require', 'module', 'exports', '__filename', '__dirname'] as const;
const commonJs = (script: string): Code => codeOf(`() => [${commonJsNames.join(',')}]`, [], {
	url: script,
	fixed: commonJsNames.map(name => ({kind: 'commonJs', parameter: name, name})),
});

test('the variables of a CommonJS module are those of the loaded module', t => {
	const file = fileURLToPath(url('common-members.cjs'));
	const [require, module, exports, filename, folder] = createNow(ready(commonJs(file)))() as [NodeJS.Require, NodeJS.Module, unknown, string, string];
	t.is(module.exports, exports);
	t.is(require('./common-members.cjs'), exports);
	t.deepEqual([filename, folder], [file, path.dirname(file)]);
});

test('of the main script there are empty exports, and it does not run', async t => {
	await withFolder(async folder => {
		const main = path.join(folder, 'main.cjs');
		writeFileSync(main, 'throw new Error("the program ran again");');
		writeFileSync(path.join(folder, 'beside.cjs'), 'module.exports = 7;');
		setMainScript([main, realpathSync(main)]);
		const [require, module, exports] = createNow(ready(commonJs(main)))() as [NodeJS.Require, NodeJS.Module, unknown];
		t.deepEqual(exports, {});
		t.is(module.exports, exports);
		t.is(require('./beside.cjs'), 7);
		t.not(require.main, module);
		setMainScript([]);
	});
});

test('import.meta has the URLs of the original module and resolves from there', t => {
	const fn = createNow(ready(codeOf('() => $meta', [], {url: url('jobs.js'), fixed: [{kind: 'importMeta', parameter: '$meta'}]})));
	const meta = fn() as ImportMeta;
	t.is(meta.url, url('jobs.js'));
	t.is(meta.filename, fileURLToPath(url('jobs.js')));
	t.is(meta.dirname, path.dirname(fileURLToPath(url('jobs.js'))));
	t.is(meta.resolve('./broken.js'), url('broken.js'));
	t.is(meta.resolve('fs'), 'node:fs');
	t.is(meta.resolve('node:fs'), 'node:fs');
	t.is(meta.resolve('data:text/javascript,1'), 'data:text/javascript,1');
	for (const name of ['#dist/errors.js', 'ava', 'ava/plugin', 'acorn', 'fast-check', 'expect-type', 'xo']) {
		t.is(meta.resolve(name), import.meta.resolve(name));
	}

	t.throws(() => meta.resolve('no-such-package'), {code: 'ERR_MODULE_NOT_FOUND'});
});

test('the identity calls without a this', t => {
	const fn = createNow(ready(codeOf('() => $i($f.v)()', [{kind: 'cell', parameter: '$f'}], {fixed: [{kind: 'identity', parameter: '$i'}]})), {
		v() {
			return this as unknown;
		},
	});
	t.is(fn(), undefined);
});

test('import() within a text resolves as in the original module', async t => {
	const fn = await createFunction(codeOf('async () => (await import("./live-binding.js")).count', [], {url: url('jobs.js'), hasDynamicImport: true}));
	t.is(typeof await fn(), 'number');
});

const run = promisify(execFile);
const program = (folder: string): string => {
	const file = path.join(folder, 'program.mjs');
	writeFileSync(path.join(folder, 'job.mjs'), 'export const x = 1;');
	writeFileSync(file, `
		import {prepareCode} from ${JSON.stringify(import.meta.resolve('#dist/functions/prepared-code.js'))};
		const code = (text, hasDynamicImport, url) => ({
			kind: 'function', text, name: 'fn', isStrict: true, hasDynamicImport, url, line: 0, column: 0, captured: [{kind: 'value', parameter: 'a'}],
			fixed: [{kind: 'namespace', parameter: '$m', specifier: './job.mjs', attributes: null}],
		});
		const folder = ${JSON.stringify(folder)};
		const plain = await prepareCode(code('() => a + $m.x', false, 'file://' + folder + '/plain.mjs'));
		const byPath = await prepareCode(code('() => a + $m.x', false, folder + '/by-path.cjs'));
		const importing = await prepareCode(code('async () => a + (await import("./job.mjs")).x', true, 'file://' + folder + '/importing.mjs'));
		console.log(plain.create([1], null)(), byPath.create([1], null)(), await importing.create([1], null)(), plain.createLate([]).fn.name);
	`);
	return file;
};

for (const flag of ['--disallow-code-generation-from-strings', '--frozen-intrinsics', '--jitless']) {
	test(`functions are created under ${flag}, without a warning of theirs`, async t => {
		await withFolder(async folder => {
			const {stdout, stderr} = await run(process.execPath, [flag, program(folder)]);
			t.is(stdout, '2 2 2 fn\n');
			t.false(stderr.includes('vm.'));
			t.false(stderr.includes('importModuleDynamically'));
		});
	});
}

test('a coverage report does not mention what came by value', async t => {
	await withFolder(async folder => {
		const reports = path.join(folder, 'reports');
		const {stdout} = await run(process.execPath, [program(folder)], {env: {...process.env, NODE_V8_COVERAGE: reports}});
		t.is(stdout, '2 2 2 fn\n');
		const urls = readdirSync(reports).flatMap(name => (JSON.parse(readFileSync(path.join(reports, name), 'utf8')) as {result: Array<{url: string}>}).result.map(entry => entry.url));
		const files = urls.filter(one => one.startsWith('file:') && one.includes(path.basename(folder))).map(one => path.basename(one));
		t.deepEqual(files.toSorted(), ['job.mjs', 'program.mjs']);
	});
});
