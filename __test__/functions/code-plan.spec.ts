import * as path from 'node:path';
import test from 'ava';
import {withGlobals, withoutVariables} from '#dist/functions/make-plan.js';
import {planText} from '#dist/functions/plan-text.js';
import {needs, planHere, rebuild} from '../helpers/plan-here.js';

const rewrites: ReadonlyArray<readonly [source: string, text: string]> = [
	// Imports
	['import {a} from "s"; @() => a', '() => $ns0.a'],
	['import {a as b} from "s"; @() => b.c', '() => $ns0.a.c'],
	['import a from "s"; @() => a', '() => $ns0.default'],
	['import {"a-b" as c} from "s"; @() => c', '() => $ns0["a-b"]'],
	['import * as a from "s"; @() => [a, a.b, a.c()]', '() => [$ns0, $ns0.b, $ns0.c()]'],
	['import {a} from "s"; import {b} from "t"; import c from "s"; @() => [a, b, c]', '() => [$ns0.a, $ns1.b, $ns0.default]'],
	['import a from "s"; import b from "s" with {type: "json"}; @() => [a, b]', '() => [$ns0.default, $ns1.default]'],
	['import {a} from "s"; @() => a(a)', '() => $identity($ns0.a)($ns0.a)'],
	['import {a} from "s"; @() => a?.(1)', '() => $identity($ns0.a)?.(1)'],
	['import {a} from "s"; @() => (a)(1)', '() => ($identity($ns0.a))(1)'],
	['import {a} from "s"; @() => a`x`', '() => $identity($ns0.a)`x`'],
	['import {a} from "s"; @() => new a(1)', '() => new $ns0.a(1)'],
	['import {a} from "s"; @() => a.b(1)', '() => $ns0.a.b(1)'],
	['import {a} from "s"; @() => ({a, b: a, a: 1, ["a"]: a})', '() => ({a: $ns0.a, b: $ns0.a, a: 1, ["a"]: $ns0.a})'],
	['import {a} from "s"; @() => typeof a', '() => typeof $ns0.a'],
	['import {a} from "s"; @() => { a = 1; a++; [a] = []; ({a, b: a = 2} = {}); for (a of []); }', '() => { $ns0.a = 1; $ns0.a++; [$ns0.a] = []; ({a: $ns0.a, b: $ns0.a = 2} = {}); for ($ns0.a of []); }'],
	['import * as a from "s"; @() => { a = 1 }', '() => { $ns0.default = 1 }'],
	['import {a} from "s"; @(a) => a', '(a) => a'],
	['import {a} from "s"; @(b = a) => { var a; return [a, b] }', '(b = $ns0.a) => { var a; return [a, b] }'],
	['import {a} from "s"; @() => class extends a {}', '() => class extends $ns0.a {}'],
	['import {a} from "s"; @() => { a: for (;;) break a }', '() => { a: for (;;) break a }'],
	[String.raw`import {\u0061} from "s"; @() => ({\u0061})`, String.raw`() => ({\u0061: $ns0.a})`],
	['import {a} from "s"; @() => [a, $ns0]; let $ns0', '() => [$$ns0.a, $ns0]'],
	// Variables that are assigned to
	['let a; a = 1; @() => a', '() => $c_a.v'],
	['let a = 1; @() => { a++; --a; a += 1; a ??= 2; return a }', '() => { $c_a.v++; --$c_a.v; $c_a.v += 1; $c_a.v ??= 2; return $c_a.v }'],
	['let a; a = 1; @() => a(1)', '() => $identity($c_a.v)(1)'],
	['let a; @() => ({a} = {a})', '() => ({a: $c_a.v} = {a: $c_a.v})'],
	['let a; @() => ({a = 1} = {})', '() => ({a: $c_a.v = 1} = {})'],
	['let a; @() => { [a, ...a] = []; for (a in {}); for ([a] of []); }', '() => { [$c_a.v, ...$c_a.v] = []; for ($c_a.v in {}); for ([$c_a.v] of []); }'],
	['let a; @() => { let a = 1; a = 2 }', '() => { let a = 1; a = 2 }'],
	['let a; a = 1; class C { m@() { return a } }', '({m() { return $c_a.v }}).m'],
	['var f = function@() { return f }; f = 1', 'function() { return $c_f.v }'],
	['function f@() { return f } f = 1', 'function f() { return $c_f.v }'],
	['function f@() { return f }', 'function f() { return f }'],
	['let a, b; @() => { a = () => b = () => 1; a = function g() {} }', '() => { $c_a.v = ({a: () => $c_b.v = ({b: () => 1}).b}).a; $c_a.v = function g() {} }'],
	['let a; @() => { [a = class {}] = []; ({a = () => 1} = {}); a ||= (function () {}) }', '() => { [$c_a.v = ({a: class {}}).a] = []; ({a: $c_a.v = ({a: () => 1}).a} = {}); $c_a.v ||= (({a: function () {}}).a) }'],
	['let __proto__; __proto__ = 1; @() => ({__proto__})', '() => ({["__proto__"]: $c___proto__.v})'],
	// Modules
	['@() => import.meta.url', '() => $importMeta.url'],
	['@() => import\n.meta.url', '() => $importMeta\n.url'],
	['@(a, b) => a<!--b', '(a, b) => a<! --b'],
	// Shapes
	['const o = {async *m@(a) { yield a }}', '({async *m(a) { yield a }}).m'],
	['const o = {get g@() { return 1 }}', '({g() { return 1 }}).g'],
	['const o = {["k"]@() { return 1 }}', '({method() { return 1 }}).method'],
	['const o = {f: function@() { return 1 }}', 'function() { return 1 }'],
	['class C { static s@() { return 1 } }', '({s() { return 1 }}).s'],
	['class C { static #s@() { return 1 } }', '({method() { return 1 }}).method'],
	['export default function@() {}', 'function() {}'],
	['async function f@() {}', 'async function f() {}'],
	// Classes
	['const b = 1; @class C extends f(b) {}', 'class C extends $superclass {}'],
	['@class C extends (a, b) {}', 'class C extends ($superclass) {}'],
	['@class C extends null {}', 'class C extends null {}'],
	['class C extends a.\nb { constructor@() { super() } }', 'class C extends $superclass\n { constructor() { super() } }'],
	['const k = 1; @class C { [k]() {} get [k + 1]() {} static [k]() {} ["x"]() {} [k] = 1; 1() {} }', 'class C { [$key0]() {} get [$key1]() {} static [$key2]() {} ["x"]() {} [$key3] = 1; 1() {} }'],
	['@class C { static a = b; c }', 'class C { ;             c }'],
	['@class C { a = 1\n static b = c;\n *g() {} }', 'class C { a = 1\n ;            \n *g() {} }'],
	['@class C { static {\n b }\n static [k] = {}; m() {} }', 'class C { ;       \n    \n ;                m() {} }'],
	['@class C { static #a = b(); static #c; static #d() {} #e = 1 }', 'class C { static #a = $static_a; static #c = $static_c; static #d() {} #e = 1 }'],
	['let n; n = 1; @class C { a = n; m() { return C } }', 'class C { a = $c_n.v; m() { return C } }'],
];

for (const [source, text] of rewrites) {
	test(`\`${source}\` travels as \`${text}\``, t => {
		const plan = planHere(source);
		t.is(plan.refusal, null);
		t.is(plan.code.text, text);
		t.notThrows(() => rebuild<unknown>({...plan, code: {...plan.code, text: plan.code.kind === 'class' ? `() => ${text}` : text}}));
	});
}

const captures: ReadonlyArray<readonly [source: string, kind: 'module' | 'commonJs' | 'script', needed: string]> = [
	['const a = 1; @() => a', 'module', 'value a'],
	['let a = 1; @() => a', 'module', 'value a'],
	['class A {} @() => A', 'module', 'value A'],
	['function a() {} @() => a', 'module', 'value a'],
	['const a = 1; @() => { a = 2 }', 'module', 'constant a'],
	['let a = 1; @() => { a = 2 }', 'module', 'cell $c_a'],
	['let a = 1; a = 2; @() => a', 'module', 'cell $c_a'],
	['var a = 1; @() => a', 'module', 'value a, unstable'],
	['var a = 1; var a = 2; @() => a', 'module', 'cell $c_a'],
	['var a = 1; function a() {} @() => a', 'commonJs', 'cell $c_a'],
	['for (const a of b) @() => a', 'module', 'value a'],
	['for (let a = 0; a < 1; a++) @() => a', 'module', 'cell $c_a'],
	['function f(a) { return @() => a }', 'module', 'value a'],
	['function f(a) { a = 1; return @() => a }', 'module', 'cell $c_a'],
	['function f(a) { arguments[0] = 1; return @() => a }', 'module', 'value a'],
	['function f(a) { arguments[0] = 1; return @() => a }', 'commonJs', 'value a, unstable'],
	['function f(a) { "use strict"; arguments[0] = 1; return @() => a }', 'commonJs', 'value a'],
	['function f(a) { var a; return @() => a }', 'module', 'value a'],
	['function f(a) { var a = 1; return @() => a }', 'module', 'cell $c_a'],
	['try {} catch (a) { @() => a }', 'module', 'value a'],
	['try {} catch (a) { var a = 1; @() => a }', 'commonJs', 'cell $c_a'],
	['let a = 1; eval("a = 2"); @() => a', 'module', 'value a, unstable'],
	['{ function a() {} } @() => a', 'commonJs', 'value a, unstable'],
	['function a() {} { function a() {} } @() => a', 'commonJs', 'cell $c_a'],
	['const C = class D { m() { return @() => D } }', 'module', 'value D'],
	['let a; a = 1; const b = 2; @() => [b, a, b]', 'module', 'value b; cell $c_a'],
	['@() => [Math, typeof window, undefined]', 'module', 'global Math; global window; global undefined'],
	['const Math = 1; @() => Math', 'module', 'value Math'],
	['const fs = require("fs"); @() => fs.a', 'commonJs', 'required fs'],
	['const {a: {b: c}, ...d} = require("s").e.f; @() => c', 'commonJs', 'required c'],
	['const {a, ...d} = require("s"); @() => d', 'commonJs', 'value d'],
	['const {a = 1} = require("s"); @() => a', 'commonJs', 'value a'],
	['let a = require("s"); a = 1; @() => a', 'commonJs', 'cell $c_a'],
	['const a = wrap(require("s")); @() => a', 'commonJs', 'value a'],
	['const require = make(); const a = require("s"); @() => a', 'module', 'value a'],
	['function f(require) { const a = require("s"); return @() => a }', 'commonJs', 'value a'],
	['@() => [require("a"), module, exports.b, __filename, __dirname]', 'commonJs', 'commonJs require; commonJs module; commonJs exports; commonJs __filename; commonJs __dirname'],
	['const module = 1; @() => module', 'commonJs', 'value module'],
	['@() => require("a")', 'module', 'global require'],
	['@() => this', 'module', ''],
	['@() => import("x")', 'module', ''],
	['const a = 1; @() => a', 'script', 'value a'],
	['let a = 1; @() => a', 'script', 'cell $c_a'],
	['function a() {} @() => a', 'script', 'cell $c_a'],
	['function f@() { return f }', 'module', ''],
	['const f = @() => f', 'module', 'value f'],
	['const f = function g@() { return [f, g] }', 'module', 'value f'],
	// Of a class, only what is needed after its definition
	['const a = 1, b = 2, c = 3, k = 4; @class C extends a { static x = b; static { c } [k]() {} }', 'module', 'superclass $superclass; key $key1'],
	['const a = 1; @class C extends a { m() { return a } static x = a }', 'module', 'superclass $superclass; value a'],
	['@class C { static #p = 1; static m() { return C.#p } }', 'module', 'privateStatic $static_p'],
	['const a = 1; @class C { static x = import("a"); static y = this; z = a }', 'module', 'value a'],
];

for (const [source, kind, needed] of captures) {
	test(`\`${source}\` in a ${kind} needs ${needed === '' ? 'nothing' : needed}`, t => {
		const plan = planHere(source, kind);
		t.is(plan.refusal, null);
		const isUnstable = plan.code.captured.some(({kind}, index) => kind === 'value' && !plan.variables[index]?.isStable);
		t.is(needs(plan).join('; ') + (isUnstable ? ', unstable' : ''), needed);
	});
}

test('cells are never stable', t => {
	t.false(planHere('let a; a = 1; @() => a').variables[0]?.isStable);
});

const refusals: ReadonlyArray<readonly [source: string, kind: 'module' | 'commonJs' | 'script', code: string]> = [
	['function f() { return @() => this }', 'module', 'THIS'],
	['@() => this', 'commonJs', 'THIS'],
	['@() => () => this', 'script', 'THIS'],
	['class C { a = @() => this }', 'module', 'THIS'],
	['function f() { return @() => arguments }', 'module', 'ARGUMENTS'],
	['@() => arguments', 'commonJs', 'ARGUMENTS'],
	['function f() { return @() => new.target }', 'module', 'NEW_TARGET'],
	['const o = {m@() { return super.x }}', 'module', 'SUPER'],
	['const o = {m@() { return () => super.x }}', 'module', 'SUPER'],
	['class C { m() { return @() => super.x } }', 'module', 'SUPER'],
	['class C { #p; m@() { return this.#p } }', 'module', 'PRIVATE'],
	['class C { #p; m@() { return #p in this } }', 'module', 'PRIVATE'],
	['class C { #p; m() { return @class { n(c) { return c.#p } } } }', 'module', 'PRIVATE'],
	['@() => eval("1")', 'module', 'EVAL'],
	['@() => () => eval("1")', 'module', 'EVAL'],
	['function f() { eval("var a"); return @() => a }', 'commonJs', 'EVAL'],
	['eval("var a"); @() => a', 'commonJs', 'EVAL'],
	['function f@() { with (a) {} }', 'commonJs', 'UNSUPPORTED'],
	['with (a) { f(@() => b) }', 'commonJs', 'UNSUPPORTED'],
	['const f = function g() { return @() => g }', 'module', 'UNSUPPORTED'],
	['@() => { a = 1 }', 'commonJs', 'UNSUPPORTED'],
	['@() => { a++ }', 'commonJs', 'UNSUPPORTED'],
	['@() => { for (a of b); }', 'commonJs', 'UNSUPPORTED'],
	['@() => { delete a }', 'commonJs', 'UNSUPPORTED'],
	['var a; a = 1; @() => { delete a }', 'commonJs', 'UNSUPPORTED'],
];

for (const [source, kind, code] of refusals) {
	test(`\`${source}\` in a ${kind} is refused with ERR_CAPTURE_${code}`, t => {
		t.is(planHere(source, kind).refusal?.code, `ERR_CAPTURE_${code}`);
	});
}

const allowed: ReadonlyArray<readonly [source: string, kind: 'module' | 'commonJs' | 'script']> = [
	['function f() { eval("var a"); return @(a) => a }', 'commonJs'],
	['function f() { eval("var a"); return @() => b; var b }', 'commonJs'],
	['function f() { "use strict"; eval("var a"); return @() => a }', 'commonJs'],
	['with (a) { f(@(b) => b) }', 'commonJs'],
	['@class C extends B { m() { return super.m() } static s() { return super.s } #p; q() { return this.#p } a = () => this }', 'module'],
	['@class C { static x = eval("1"); static y = super.z }', 'module'],
	['@() => { (0, eval)("1") }', 'module'],
	['function* f@() { yield* g() }', 'module'],
	['function f@(arguments) { return () => arguments }', 'commonJs'],
];

for (const [source, kind] of allowed) {
	test(`\`${source}\` in a ${kind} is not refused`, t => {
		t.is(planHere(source, kind).refusal, null);
	});
}

test('a call of an import has no this', t => {
	const fn = rebuild(planHere('import {a} from "s"; @() => [a(), a?.(), a`x`, (a)()]'), {
		$ns0: {
			a(this: unknown) {
				return this;
			},
		},
	});
	t.deepEqual(fn(), [undefined, undefined, undefined, undefined]);
});

test('a method of a namespace has the namespace as this', t => {
	const $ns0 = {
		a(this: unknown) {
			return this;
		},
	};
	t.is(rebuild(planHere('import * as n from "s"; @() => n.a()'), {$ns0})(), $ns0);
});

test('an assignment to an import throws TypeError', t => {
	for (const statement of ['join = 1', 'join += 1', 'join++', '[join] = [1]', '({join} = {join: 1})', 'for (join of [1]);', 'all = 1', 'all++', '[all] = [1]']) {
		const fn = rebuild(planHere(`import {join} from "node:path"; import * as all from "node:path"; @() => { ${statement} }`), {$ns0: path});
		t.throws(fn, {instanceOf: TypeError}, `${statement} did not throw`);
	}
});

test('code without semicolons survives', t => {
	const fn = rebuild(planHere('let a, b\na = b\nconst f = @() => {\nlet x = 1\na()\nb = x\na`t`\n++b\nreturn a\n}'), {$c_a: {v: String}, $c_b: {v: 0}});
	t.is(fn(), String);
});

test('a cell takes every kind of assignment', t => {
	const cell = {v: 1};
	const seen: unknown[] = [];
	const fn = rebuild<(see: (...values: unknown[]) => void) => void>(planHere(`let a; @(see) => {
		see(a++, a); see(++a); see(a += 2); a &&= 7; see(a); a = null; see(a ??= 8); [a] = [9]; see(a); ({a} = {a: 10}); see(a); ({a = 11} = {}); see(a);
		({b: a} = {b: 12}); see(a); for (a of [13]); see(a); for (a in {x: 1}); see(a); see({a}); [...a] = [14]; see(a); see(typeof a)
	}`), {$c_a: cell});
	fn((...values) => {
		seen.push(...values);
	});
	t.deepEqual(seen, [1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 'x', {a: 'x'}, [14], 'object']);
	t.deepEqual(cell.v as unknown, [14]);
});

test('words that are names in sloppy code only stay names', t => {
	for (const word of ['async', 'yield', 'static', 'await', 'let', 'of', 'get', 'implements']) {
		for (const [source, parameter, value] of [
			[`var ${word} = f; @() => ${word}(1) + ${word}\n(2)`, word, (x: number) => x],
			[`var ${word} = f; ${word} = g; @() => ${word}(1) + ${word}\n(2)`, `$c_${word}`, {v: (x: number) => x}],
		] as const) {
			const plan = planHere(source, 'commonJs');
			t.false(plan.code.isStrict);
			t.is(rebuild(plan, {[parameter]: value})(), 3);
		}
	}
});

test('strictness comes from the module, a directive or a class around', t => {
	const isStrict = (source: string, kind: 'module' | 'commonJs'): boolean => planHere(source, kind).code.isStrict;
	t.true(isStrict('@() => 1', 'module'));
	t.false(isStrict('@() => 1', 'commonJs'));
	t.true(isStrict('"use strict"; @() => 1', 'commonJs'));
	t.true(isStrict('function f() { "a"; "use strict"; return @() => 1 }', 'commonJs'));
	t.true(isStrict('class C { m@() {} }', 'commonJs'));
	t.true(isStrict('class C extends f(@() => 1) {}', 'commonJs'));
	t.false(isStrict('@class C {}', 'commonJs'));
});

test('an error in a rebuilt function says where it was thrown in the script', t => {
	const source = `const line = () => 1;
	const o = {
		async *a@() { return
			new Error('x') },
	   static@() { return new Error('first') }, get   b@() { return new Error('second') },
	}, arrow = @() => new Error('third'), f = function   name@() { return new Error('fourth') };
	class C extends /* much text here */ Object { static x = 1; m() { return new Error('fifth') } }
`;
	const lines = source.replaceAll('@', '').split('\n');
	for (const message of ['first', 'second', 'third', 'fourth', 'fifth']) {
		const marks = [...source.matchAll(/@/gv)].map(({index}) => index);
		const at = source.indexOf(`new Error('${message}')`);
		const mark = marks.findLast(index => index < at) ?? 0;
		const marked = message === 'fifth'
			? source.replaceAll('@', '').replace('class C', '@class C')
			: source.slice(0, mark).replaceAll('@', '') + '@' + source.slice(mark + 1).replaceAll('@', '');
		const made = rebuild<(() => Error) & {prototype: {m: () => Error}}>(planHere(marked), {$superclass: Object}, 'original.js');
		const {stack} = message === 'fifth' ? made.prototype.m() : made();
		const line = lines.findIndex(text => text.includes(`'${message}'`));
		const column = lines[line]!.indexOf(`new Error('${message}'`) + (message === 'fifth' ? '$superclass'.length - 'Object'.length : 0);
		t.regex(stack ?? '', new RegExp(String.raw`original\.js:${line + 1}:${column + 1}\b`, 'v'));
	}
});

test('a class is rebuilt with what its definition gave', t => {
	class Base {
		base = 1;
	}

	const key = Symbol('key');
	type Rebuilt = {readonly p: number; readonly gone: unknown; new(): Base & {f: number; [key]: () => number}};
	const source = 'let n; n = 1; @class C extends Base { static gone = fail(); static { fail() } static #p = fail(); [k()]() { return n } static get p() { return C.#p } f = n }';
	const plan = planHere(source);
	t.deepEqual(plan.variables.map(({name}) => name), ['extends', '#p', 'k()', 'n']);
	const Made = rebuild<Rebuilt>(plan, {
		$superclass: Base, $static_p: 2, $key2: key, $c_n: {v: 3},
	});
	const instance = new Made();
	t.deepEqual([instance.base, instance.f, instance[key](), Made.p, Made.gone], [1, 3, 3, 2, undefined]);
});

test('the members of a class are listed with their places', t => {
	const {members} = planHere('const k = 1; class C { constructor@(a) {}\n a = 1; static b = 2; m() {} static async n() {} get [k]() {} #p() {} static [k] = 1 }');
	t.deepEqual(members?.map(({isStatic, kind, key, keyParameter, location}) => [isStatic, kind, key, keyParameter, location?.line, location?.column]), [
		[false, 'field', 'a', null, undefined, undefined],
		[true, 'field', 'b', null, undefined, undefined],
		[false, 'method', 'm', null, 1, 23],
		[true, 'method', 'n', null, 1, 43],
		[false, 'get', null, 0, 1, 56],
		[true, 'field', null, null, undefined, undefined],
	]);
});

test('a variable says where it is first used, and which members of it', t => {
	const {variables} = planHere('const a = 1, b = 2;\n@() => [a.x, a["y"](), typeof b,\n a.x]');
	t.deepEqual(variables.map(({name, members, isOnlyTypeof, line, column}) => [name, members, isOnlyTypeof, line, column]), [
		['a', ['x', 'y'], false, 2, 8],
		['b', null, true, 2, 30],
	]);
});

test('globals are captured under their names when asked for', t => {
	const plan = withGlobals(planHere('@() => [config, Math, {config}]'), ['config']);
	t.deepEqual(needs(plan), ['value config', 'global Math']);
	t.is(plan.variables[0]?.origin, 'undeclared');
	t.deepEqual(rebuild(plan, {config: 1})(), [1, Math, {config: 1}]);
});

test('only code with import() outside what is left behind is said to have it', t => {
	t.true(planHere('@() => import("a")').code.hasDynamicImport);
	t.false(planHere('import("a"); @() => 1').code.hasDynamicImport);
	t.false(planHere('@class C { static a = import("a") }').code.hasDynamicImport);
});

const sloppy = {isStrict: false, isModule: false};

const texts: ReadonlyArray<readonly [text: string, expected: string]> = [
	['() => a', '() => $c_a.v'],
	['() => Math.max(a)', '() => $c_Math.v.max($c_a.v)'],
	['function f() { return f }', 'function f() { return $c_f.v }'],
	['m() { return a }', '({m() { return $c_a.v }}).m'],
	['async *[k]() { return a }', '({async *method() { return $c_a.v }}).method'],
	['get g() { return 1 }', '({g() { return 1 }}).g'],
	['async #p() { return 1 }', '({async method() { return 1 }}).method'],
	['async() { return 1 }', '({async() { return 1 }}).async'],
	['class C extends B { static x = a; m() { return C } }', 'class C extends $superclass { ;             m() { return C } }'],
	['async () => import.meta', 'async () => $importMeta'],
];

for (const [text, expected] of texts) {
	test(`the text \`${text}\` alone travels as \`${expected}\``, t => {
		const plan = planText(text, {isStrict: false, isModule: text.includes('import.meta')});
		t.is(plan?.refusal, null);
		t.is(plan?.code.text, expected);
	});
}

test('the text of native code, and what is no function, give nothing', t => {
	for (const text of ['function f() { [native code] }', '1', '{a: 1}', '', '() => 1, 2']) {
		t.is(planText(text, sloppy), undefined);
	}
});

test('texts alone are refused for what they need of the code around them', t => {
	for (const [text, code] of [
		['() => this', 'THIS'],
		['() => arguments', 'ARGUMENTS'],
		['() => new.target', 'NEW_TARGET'],
		['m() { return super.x }', 'SUPER'],
		['m() { return this.#p }', 'PRIVATE'],
		['() => eval("1")', 'EVAL'],
		['function f() { with (a) {} }', 'UNSUPPORTED'],
	] as const) {
		t.is(planText(text, sloppy)?.refusal?.code, `ERR_CAPTURE_${code}`);
	}
});

test('a name of a text alone is of unknown origin, until it is said to be no variable', t => {
	const plan = planText('function f(x) { return f && Math && a && x }', sloppy)!;
	t.deepEqual(plan.variables.map(({name, origin, isStable, isOwnName}) => [name, origin, isStable, isOwnName]), [
		['Math', 'unknown', false, false], ['a', 'unknown', false, false], ['f', 'unknown', false, true],
	]);
	const known = withoutVariables(plan, ['Math']);
	t.deepEqual(needs(known), ['cell $c_a', 'cell $c_f', 'global Math']);
	t.deepEqual(needs(withGlobals(known, ['Math'])), ['value Math', 'cell $c_a', 'cell $c_f']);
});

test('a private method has its name from its text alone', t => {
	t.is(planText('static #p() {}', sloppy), undefined);
	t.is(planText('get #p() { return 1 }', sloppy)?.code.name, 'get #p');
});

test('a text alone is placed by where V8 says that it stands', t => {
	const {line, column} = planText('async function f (x) {}', sloppy, {line: 3, column: 20})!.code;
	t.deepEqual([line, column], [3, 20 - 'async function f '.length]);
});

test('an assignment of a text alone to a name that is no variable is refused', t => {
	const plan = planText('() => { a = 1 }', sloppy)!;
	t.is(plan.refusal, null);
	t.is(withoutVariables(plan, ['a']).refusal?.variable, 'a');
});
