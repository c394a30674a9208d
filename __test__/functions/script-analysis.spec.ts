import {Session} from 'node:inspector';
import {createRequire} from 'node:module';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import test from 'ava';
import {analyzeScript, type ScriptFacts} from '#dist/functions/script-facts.js';
import {planHere} from '../helpers/plan-here.js';

type Named = (...args: never[]) => unknown;
type Internal = {readonly name: string; readonly value: {readonly value?: {readonly lineNumber: number; readonly columnNumber: number}}};
type Place = {readonly line: number; readonly column: number};

const holder = Symbol.for('loky.test.function');

/** Where V8 says that functions stand. */
function locations(functions: readonly Named[]): Place[] {
	const session = new Session();
	session.connect();
	const post = <Result>(method: string, parameters: object): Result => {
		let answer: unknown;
		session.post(method, parameters, (error, result) => {
			answer = error ?? result;
		});
		return answer as Result;
	};

	try {
		return functions.map(fn => {
			Object.assign(globalThis, {[holder]: fn});
			const {result} = post<{result: {objectId: string}}>('Runtime.evaluate', {expression: 'globalThis[Symbol.for(\'loky.test.function\')]'});
			const {internalProperties} = post<{internalProperties: Internal[]}>('Runtime.getProperties', {objectId: result.objectId, ownProperties: true});
			const location = internalProperties.find(({name}) => name === '[[FunctionLocation]]')?.value.value;
			return {line: location?.lineNumber ?? -1, column: location?.columnNumber ?? -1};
		});
	} finally {
		session.disconnect();
		Reflect.deleteProperty(globalThis, holder);
	}
}

const folder = await mkdtemp(join(tmpdir(), 'loky-script-'));
test.after.always(async () => {
	await rm(folder, {recursive: true, force: true});
});

let files = 0;

async function load(source: string, extension: 'mjs' | 'cjs'): Promise<readonly Named[]> {
	files += 1;
	const file = join(folder, `${files}.${extension}`);
	await writeFile(file, source);
	return extension === 'mjs'
		? ((await import(pathToFileURL(file).href)) as {list: Named[]}).list
		: (createRequire(import.meta.url)(file) as {list: Named[]}).list;
}

const allShapes = `#!/usr/bin/env node
const accessor = (object, key, kind) => Object.getOwnPropertyDescriptor(object, key)[kind];
const arrow = x => x; const asyncArrow = async x => x; const asyncParenthesised = async (x) => { x };
const expression = function () {}; const gen = function * () { yield 1 }; const asyncExpression = async function () {};
const asyncGen = async function * () {};
const named = function inner /* ( */ (a) {}; function declared // (
  (b) {} async function asyncDeclared() {} function* genDeclared() {} async function* asyncGenDeclared() {}
const object = {
	method() {}, async asyncMethod() {}, *genMethod() {}, async *asyncGenMethod() {}, get getter() { return 1 }, set setter(x) {},
	'text key'() {}, 12() {}, property: function () {}, arrowProperty: () => 1, get /* c */ (  ) { return 1 }, async () {}, static() {},
};
let secret;
class Plain { a = 1 }
class Constructed { a = () => 1; constructor (x) { this.x = x }
	method2() {} static method3() {} get getter2() { return 1 } static set setter2(x) {} static async *asyncGenMethod2() {}
	#hidden() {} static { secret = [o => o.#hidden][0](new Constructed()) }
	field = () => 2; static staticField = function () {} }
const classExpression = class {}; const classNamed = class NamedInside extends Plain { constructor() { super() } };
const byDefault = (parameter = () => 1) => parameter; const { destructured = () => 1 } = {}; let assigned; assigned = () => 1;
const fields = new Constructed();
const list = [
	arrow, asyncArrow, asyncParenthesised, expression, gen, asyncExpression, asyncGen, named, declared, asyncDeclared, genDeclared, asyncGenDeclared,
	object.method, object.asyncMethod, object.genMethod, object.asyncGenMethod, accessor(object, 'getter', 'get'), accessor(object, 'setter', 'set'),
	object['text key'], object[12], object.property, object.arrowProperty, object.get, object.async, object.static,
	Plain, Constructed, Constructed.prototype.method2, Constructed.method3, accessor(Constructed.prototype, 'getter2', 'get'), accessor(Constructed, 'setter2', 'set'),
	Constructed.asyncGenMethod2, secret, fields.a, fields.field, Constructed.staticField, classExpression, classNamed, byDefault, byDefault(), destructured, assigned,
	accessor, (() => { { function block() {} return block } })(),
];
`;

/** V8 numbers lines at each of these. */
const lineEndings: ReadonlyArray<readonly [name: string, end: string]> = [['LF', '\n'], ['CRLF', '\r\n'], ['CR', '\r'], ['U+2028', '\u2028']];

for (const [name, end] of lineEndings) {
	for (const kind of ['module', 'commonJs'] as const) {
		test(`every shape of function is found where V8 says that it is, in a ${kind} with ${name}`, async t => {
			const source = `${allShapes}${kind === 'module' ? 'export {list}' : 'exports.list = list'}\n`.replaceAll('\n', end);
			const functions = await load(source, kind === 'module' ? 'mjs' : 'cjs');
			const facts = analyzeScript(source, kind);
			const names = locations(functions).map(({line, column}) => facts?.planAt(line, column)?.code.name);
			t.deepEqual(names, functions.map(fn => fn.name));
		});
	}
}

test('an anonymous default export is found, and is the export default', async t => {
	for (const declaration of ['function () {}', 'class {}', '() => 1', 'async function * () {}', 'class { constructor() {} }', '(function () {})']) {
		const source = `export default ${declaration}`;
		const file = join(folder, `default-${Math.random()}.mjs`);
		await writeFile(file, source);
		const {default: fn} = await import(pathToFileURL(file).href) as {default: Named};
		const [place] = locations([fn]);
		const plan = analyzeScript(source, 'module')?.planAt(place!.line, place!.column);
		t.is(plan?.code.name, 'default', source);
		t.deepEqual(plan?.exportPath, [{kind: 'value', key: 'default'}], source);
	}
});

const exported: ReadonlyArray<readonly [source: string, path: string | null]> = [
	['export const f = @() => 1', 'f'],
	['export let f = @() => 1', 'f'],
	['export let f = @() => 1; f = 2', null],
	['export let f = @() => 1; const set = () => { f = 2 }', null],
	['export let f = @() => 1; [f] = []', null],
	['export let f = @() => 1; eval("f = 1")', null],
	['export function f@() {}', 'f'],
	['export function f@() {} f = 1', null],
	['export async function f@() {}', 'f'],
	['function f@() {} export {f as "a b"}', 'a b'],
	['const f = @() => 1; export {f as g, f as h}', 'g'],
	['const f = @() => 1', null],
	['export default @() => 1', 'default'],
	['export default function f@() {}', 'default'],
	['export default function f@() {} f = 1', null],
	['export default (@() => 1)', 'default'],
	['export default wrap(@() => 1)', null],
	['export const f = wrap(@() => 1)', null],
	['export const f = a || (@() => 1)', null],
	['export const {f} = {f: @() => 1}', null],
	['let f; { const f = @() => 1 } export {f}', null],
	['export const f = () => @() => 1', null],
	['export const o = {a: {b: @() => 1}}', 'o.a.b'],
	['export const o = {a: {b@() {}}}', 'o.a.b'],
	['export const o = {get a@() {}}', 'o.get a'],
	['export const o = {get a() {}, set a@(x) {}}', 'o.set a'],
	['export const o = {a@() {}, a: 1}', null],
	['export const o = {a@() {}, ...b}', null],
	['export const o = {[k]: 1, a@() {}}', null],
	['export const o = {[k]@() {}}', null],
	['export const o = {["k"]@() {}}', 'o.k'],
	['export const o = {__proto__: @() => 1}', null],
	['export const o = {a@() {}}; o.a = 1', null],
	['export const o = {a@() {}}; o.b = 1', 'o.a'],
	['export const o = {a@() {}}; o[k] = 1', null],
	['export const o = {a@() {}}; delete o.a', null],
	['export const o = {a: {b@() {}}}; o.a.b++', null],
	['export default {a@() {}}', 'default.a'],
	['export default [@() => 1]', null],
	['export @class C {}', 'C'],
	['export class C { constructor@() {} }', 'C'],
	['export class C { m@() {} }', 'C.prototype.m'],
	['export class C { static m@() {} }', 'C.m'],
	['export class C { static get m@() {} }', 'C.get m'],
	['export class C { set m@(x) {} }', 'C.prototype.set m'],
	['export class C { m = @() => 1 }', null],
	['export class C { #m@() {} }', null],
	['export class C { m@() {} m() {} }', null],
	['export class C { m@() {} static m() {} }', 'C.prototype.m'],
	['export class C { m@() {} } C = 1', null],
	['export class C { m@() {} } C.prototype.m = 1', null],
	['export const o = {C: class { m@() {} }}', 'o.C.prototype.m'],
	['import f from "a"; export {f}; @() => 1', null],
];

for (const [source, path] of exported) {
	test(`\`${source}\` is ${path === null ? 'no export for certain' : `the export ${path}`}`, t => {
		const steps = planHere(source)?.exportPath;
		t.is(steps?.map(({kind, key}) => kind === 'value' ? key : `${kind} ${key}`).join('.') ?? null, path);
	});
}

const facts = (source: string): ScriptFacts => analyzeScript(source, 'module')!;

test('imports are known by their local names', t => {
	const {imports} = facts('import a, {b as c, default as d, "e-f" as g} from "s"; import * as h from "t" with {type: "json"}; import "u"');
	t.deepEqual([...imports].map(([local, {specifier, exported, attributes}]) => [local, specifier, exported, attributes]), [
		['a', 's', 'default', null],
		['c', 's', 'b', null],
		['d', 's', 'default', null],
		['g', 's', 'e-f', null],
		['h', 't', '*', {type: 'json'}],
	]);
});

test('exports are known by their local names, unless their variable can change', t => {
	const {exportsByLocal} = facts('import x from "s"; const a = 1; let b = 1; b = 2; export {a, a as c, b, x}; export function d() {} export const [e, {f}] = g; export default class h {} export * from "t"; export {i} from "u"');
	t.deepEqual(Object.fromEntries(exportsByLocal), {
		a: ['a', 'c'], d: ['d'], e: ['e'], f: ['f'], h: ['default'],
	});
});

test('what Node allows in a CommonJS file is no error', t => {
	t.truthy(analyzeScript('#!/usr/bin/env node\nif (new.target) return arguments; var await = this', 'commonJs'));
});

test('syntax that the parser does not know gives undefined', t => {
	t.is(analyzeScript('@@', 'script'), undefined);
	const deep = `x = ${'['.repeat(200_000)}`;
	t.is(analyzeScript(deep, 'script'), undefined);
});

const recent = [
	'import a from "a" with {type: "json"}; using x = y; await using z = y; await 1',
	'class C { static #p = 1; static { #p in C } accessor = 1 }',
	String.raw`/[\p{L}--[a-z]]/v; /(?i:a)(?<n>a)|(?<n>b)/; a ??= b?.c; 1_0n; import.meta; import("x")`,
];

for (const source of recent) {
	test(`\`${source}\` is known syntax`, t => {
		t.truthy(analyzeScript(source, 'module'));
	});
}

test('a long sum and a long chain of calls do not exhaust the stack', t => {
	t.truthy(analyzeScript(`x = ${'a + '.repeat(2000)}1; y = o${'.b(1)'.repeat(20_000)}; ${'if (a) {} else '.repeat(1000)}{}`, 'script'));
});
