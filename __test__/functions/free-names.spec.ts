import test from 'ava';
import {analyzeFunction} from '#dist/functions/free-names.js';
import type {FunctionFacts} from '#dist/functions/function-facts.js';
import {parseFunctionText} from '#dist/functions/function-text.js';
import {freeNameCases} from '../fixtures/functions/free-name-cases.js';

const factsOf = (text: string, isStrict = false): readonly [FunctionFacts, ...FunctionFacts[]] => {
	const parsed = parseFunctionText(text, isStrict);
	if (parsed === undefined || parsed === 'class') {
		throw new TypeError(`no function: ${text}`);
	}

	return analyzeFunction(parsed.node, isStrict);
};

const names = (facts: FunctionFacts): string => [...facts.freeNames.keys()].sort().join(' '); // eslint-disable-line unicorn/no-array-sort

for (const [text, expected] of freeNameCases) {
	test(`\`${text}\` takes ${expected === '' ? 'nothing' : expected} from outside`, t => {
		t.is(names(factsOf(text)[0]), expected);
	});
}

test('a function in a block is a variable of the block only in strict code', t => {
	t.is(names(factsOf('() => { { function q() {} } return q }', true)[0]), 'q');
});

test('each inner function has its own free names', t => {
	const functions = factsOf('function a(x) { return function b(y) { return () => x + y + z } }');
	t.deepEqual(functions.map(facts => names(facts)), ['z', 'x z', 'x y z']);
});

test('the uses of a free name tell reads, writes and typeof apart', t => {
	const [{freeNames}] = factsOf('() => { a; typeof a; a = 1; a += 2; a++ }');
	t.deepEqual(freeNames.get('a')?.map(use => use.place.isTypeof ? 'typeof' : use.access), [
		'read', 'typeof', 'write', 'read', 'write', 'read', 'write',
	]);
});

const flags: ReadonlyArray<readonly [text: string, flag: keyof FunctionFacts, value: boolean]> = [
	['() => this', 'usesThis', true],
	['() => () => this', 'usesThis', true],
	['function () { return this }', 'usesThis', true],
	['() => function () { return this }', 'usesThis', false],
	['() => ({m() { return this }})', 'usesThis', false],
	['() => class { x = this }', 'usesThis', false],
	['() => class { x = () => this }', 'usesThis', false],
	['() => class { [this.x] = 1 }', 'usesThis', true],
	['() => class extends this.B {}', 'usesThis', true],
	['() => class { static { this.x } }', 'usesThis', false],
	['(x = this) => x', 'usesThis', true],
	['() => new.target', 'usesNewTarget', true],
	['() => function () { return new.target }', 'usesNewTarget', false],
	['m() { return super.x }', 'usesSuper', true],
	['m() { return () => super.x }', 'usesSuper', true],
	['() => ({m() { return super.x }})', 'usesSuper', false],
	['() => class extends Array { constructor() { super() } }', 'usesSuper', false],
	['() => class { x = super.y }', 'usesSuper', false],
	['() => eval("1")', 'hasDirectEval', true],
	['() => () => eval("1")', 'hasDirectEval', true],
	['() => (0, eval)("1")', 'hasDirectEval', false],
	['() => eval?.("1")', 'hasDirectEval', false],
	['() => x.eval("1")', 'hasDirectEval', false],
	['function () { with (x) {} }', 'hasWith', true],
	['() => import.meta', 'usesImportMeta', true],
	['() => () => import.meta', 'usesImportMeta', true],
	['() => import("x")', 'usesImportMeta', false],
	['function () { "use strict" }', 'isStrict', true],
	['function () { "a"; "use strict" }', 'isStrict', true],
	['function () { 1; "use strict" }', 'isStrict', false],
	['function () { ("use strict") }', 'isStrict', false],
	['() => { "use strict" }', 'isStrict', true],
	['() => "use strict"', 'isStrict', false],
];

for (const [text, flag, value] of flags) {
	test(`\`${text}\` has ${flag} ${String(value)}`, t => {
		t.is(factsOf(text)[0][flag], value);
	});
}

test('import() is found at any depth', t => {
	const [{dynamicImports}] = factsOf('() => () => import("a")');
	t.deepEqual(dynamicImports.map(({source}) => source.type === 'Literal' && source.value), ['a']);
});

test('an arrow function deep in parentheses is analysed without exhausting the stack', t => {
	const depth = 500;
	t.is(names(factsOf(`() => ${'('.repeat(depth)}x${')'.repeat(depth)}`)[0]), 'x');
});
