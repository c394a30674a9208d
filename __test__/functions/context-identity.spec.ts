import vm from 'node:vm';
import test from 'ava';
import {sharesContext} from '#dist/functions/context-identity.js';
import {inspectFunction} from '#dist/functions/function-inspection.js';

type Closure = (...args: never[]) => unknown;
type Factory = () => Closure[];

const evaluated = <Value>(text: string): Value => new vm.Script(text, {filename: 'sloppy.js'}).runInThisContext() as Value;

/** How far out the variable `shared` is. */
const hopsOf = (fn: Closure): number | null | undefined =>
	inspectFunction(fn)?.scopes.find(({variables}) => Object.hasOwn(variables, 'shared'))?.hops;

const factories: Record<string, string> = {
	'two functions': 'let shared = 1; return [() => shared, () => shared++];',
	blocks: '{ let shared = 1; { let own = 1; return [() => [shared, own], () => shared++]; } }',
	'a catch clause': 'try { throw 1; } catch (shared) { let own = 1; return [() => [shared, own], () => shared++]; }',
	'a class': 'let shared = 1; class Own { #secret() {} method() { return [Own, shared, this.#secret]; } field = () => shared; static fixed() { return [super.name, shared]; } }'
		+ ' return [new Own().method, new Own().field, Own.fixed, () => shared, Own];',
	'a named function expression': 'let shared = 1; return [function self() { return [self, shared]; }, (function self() { let own = 1; return () => [self, own, shared]; })(), () => shared];',
	'parameters with a direct eval': 'let shared = 1; return [((a, b = eval("1")) => { var a = 2, own = 3; return () => [a, b, own, shared]; })(1), () => shared];',
	loops: 'let shared = 1; const all = []; for (let i = 0; i < 2; i++) { let own = i; all.push(() => [i, own, shared]); } for (const own of [1]) { all.push(() => [own, shared]); } return all;',
	'methods with super': 'let shared = 1; return [{f() { return () => [shared, super.x]; }}.f(), {f() { return [shared, super.x]; }}.f, () => shared];',
	'a generator': 'let shared = 1; return [[...(function* () { let own = 1; yield () => [own, shared]; })()][0], () => shared];',
	'a hundred variables': `let shared = 1, ${Array.from({length: 100}, (_, index) => `v${index} = 1`).join(', ')}; `
		+ `return [() => [shared, ${Array.from({length: 100}, (_, index) => `v${index}`).join(', ')}], () => { let own = 1; return () => [own, shared]; }].flatMap((fn, index) => index ? [fn, fn()] : [fn]);`,
};

for (const [title, body] of Object.entries(factories)) {
	for (const mode of ['', '"use strict"; ']) {
		test(`functions around ${title} share a variable exactly within one activation${mode && ', in strict code'}`, t => {
			const make = evaluated<Factory>(`(() => { ${mode}${body} })`);
			const [first, second] = [make(), make()];
			for (const fn of first) {
				for (const [index, other] of first.entries()) {
					t.true(sharesContext(fn, hopsOf(fn)!, other, hopsOf(other)!), `${index}`);
					const stranger = second[index]!;
					t.false(sharesContext(fn, hopsOf(fn)!, stranger, hopsOf(stranger)!), `${index}`);
				}
			}
		});
	}
}

test('variables of a module are shared by all its functions, however deep', t => {
	const outer = () => factories;
	const inner = (() => {
		const own = t;
		return () => [own, factories];
	})();
	const hops = (fn: Closure): number => inspectFunction(fn)!.scopes.find(({description}) => description === 'Module')!.hops!;
	t.true(sharesContext(outer, hops(outer), inner, hops(inner)));
	t.not(hops(outer), hops(inner));
});

test('what is no closure shares nothing, and no number of hops harms', t => {
	const fn = () => factories;
	for (const other of [Math.max, fn.bind(null), new Proxy(fn, {}), {}]) {
		t.false(sharesContext(other, 0, other, 0));
		t.false(sharesContext(fn, 0, other, 0));
	}

	t.false(sharesContext(fn, 1_000_000, fn, 1_000_000));
});
