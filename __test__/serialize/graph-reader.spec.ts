import {Buffer} from 'node:buffer';
import fs from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {SerializationError} from '#dist/errors.js';
import {SharedVariable} from '#dist/functions/captured-function.js';
import {idOfClass, registerOwnClass} from '#dist/functions/classes.js';
import {lateBindingOf} from '#dist/functions/late-bound.js';
import {prepareCode, type PreparedCode} from '#dist/functions/prepared-code.js';
import {provenanceOf} from '#dist/functions/provenance.js';
import {decode, decodeParts, decodeWithFunctions} from '#dist/serialize/codec.js';
import {decodeWhenImported, ImportUnderWay, type WhenImported} from '#dist/serialize/reducers.js';
import {
	attribute, decoration, firstSizedCode, laterKind, operation, symbolKind,
} from '#dist/serialize/wire.js';
import {
	classOf, codeOf, payload, plainPayload, readTokens, type Callable,
} from '../helpers/codes.js';

const {enumerable, configurable, writable, accessor} = attribute;
const every = enumerable + configurable + writable;
const list = (length: number): unknown[] => [null, firstSizedCode + (2 * length)];
const reference = (number: number): unknown[] => [null, operation.reference, number];
const fn = (code: number, ...values: unknown[]): unknown[] => [null, operation.function, code, 0, ...values];
const lateFn = (code: number, ...values: unknown[]): unknown[] => [null, operation.function, code, 1, ...values];
const record = (fields: Readonly<Record<string, readonly unknown[]>> = {}): unknown[] => [
	null, operation.record, Object.keys(fields).length, ...Object.entries(fields).flatMap(([key, tokens]) => [key, ...tokens]),
];

const scale = codeOf('(x) => x * factor', ['factor']);
const getter = codeOf('() => value', ['value']);
const sharing = {kind: 'cell', parameter: '$count'} as const;

test('a function has the values that follow its code', t => {
	t.is((readTokens([scale], fn(0, 3)) as Callable)(2), 6);
});

test('each payload has functions of its own', t => {
	const bytes = payload([scale], fn(0, 3));
	t.not(decodeWithFunctions(bytes, 'worker'), decodeWithFunctions(bytes, 'worker'));
});

test('the codes may be known already', t => {
	const prepared = prepareCode(scale) as PreparedCode;
	t.is((decodeWithFunctions(plainPayload(fn(0, 3)), 'worker', {codes: [prepared]}) as Callable)(2), 6);
});

test('a function among its own values is itself', t => {
	const self = readTokens([codeOf('() => me', ['me'])], fn(0, null, operation.self)) as Callable;
	t.is(self(), self);
	const late = readTokens([codeOf('() => [me, other]', ['me', 'other'])], lateFn(0, null, operation.self, 5)) as Callable;
	t.deepEqual(late(), [late, 5]);
});

test('a late function may be referred to by its values', t => {
	const get = readTokens([getter], lateFn(0, ...record({fn: reference(0)}))) as Callable;
	t.deepEqual(get(), {fn: get});
	t.deepEqual(provenanceOf(get)?.values, [{fn: get}]);
});

test('two functions that call each other do', t => {
	const codes = [codeOf('n => n === 0 || odd(n - 1)', ['odd']), codeOf('n => n !== 0 && even(n - 1)', ['even'])];
	const even = readTokens(codes, lateFn(0, ...fn(1, ...reference(0)))) as Callable;
	t.deepEqual([even(10), even(7)], [true, false]);
});

test('a reference to a function that does not exist yet is refused', t => {
	t.throws(() => readTokens([getter], fn(0, ...record({fn: reference(0)}))), {instanceOf: SerializationError});
});

test('functions share a cell, which may lead back to them', t => {
	const codes = [codeOf('() => ++$count.v', [sharing]), codeOf('() => $count.v', [sharing])];
	const [increment, get] = readTokens(codes, [...list(2), ...fn(0, null, operation.cell, 5), ...fn(1, ...reference(2))]) as [Callable, Callable];
	increment();
	t.is(get(), 6);
	t.true(provenanceOf(get)?.values[0] instanceof SharedVariable);
	const self = readTokens([codes[1]!], lateFn(0, null, operation.cell, ...reference(0))) as Callable;
	t.is(self(), self);
});

test('what was announced comes on its turn', t => {
	const codes = [codeOf('() => [value, $count.v]', ['value', sharing])];
	const [get, cell] = readTokens(codes, [
		...list(2),
		null,
		operation.later,
		laterKind.function,
		0,
		...fn(0, 1, null, operation.later, laterKind.cell),
		null,
		operation.function,
		...reference(1),
		null,
		operation.cell,
		7,
		null,
		operation.cell,
		...reference(1),
	]) as [Callable, Callable];
	t.deepEqual(get(), [get, 7]);
	t.deepEqual(cell(), [1, get]);
});

test('an object of which only the decoration was put off gets it', t => {
	const date = readTokens([], [null, operation.later, laterKind.whole, null, operation.date, 0, null, operation.decorated, decoration.announced + decoration.properties, 1, 'own', every, 5]) as Date & {own: number};
	t.is(date.own, 5);
	t.is(date.getTime(), 0);
});

test('an announced array and an announced function are decorated on their turn', t => {
	const [array, get] = readTokens([getter], [
		...list(2),
		null,
		operation.later,
		laterKind.array,
		null,
		operation.later,
		laterKind.function,
		0,
		null,
		operation.decorated,
		decoration.frozen,
		...list(1),
		1,
		null,
		operation.decorated,
		decoration.properties,
		null,
		operation.function,
		2,
		1,
		'own',
		every,
		5,
	]) as [number[], Callable & {own: number}];
	t.true(Object.isFrozen(array));
	t.deepEqual([array[0], get(), get.own], [1, 2, 5]);
});

test('a class stays one class, with the variables of the last payload', t => {
	const codes = [classOf('A', 'class A { get() { return value; } set() { fixed = 1; } }', ['value', {kind: 'constant', parameter: 'fixed'}])];
	const read = (value: number): new () => {get(): number; set(): void} => readTokens(codes, lateFn(0, 'test.a', value, 0)) as never;
	const First = read(1);
	const instance = new First();
	t.is(instance.get(), 1);
	t.is(read(2), First);
	t.is(instance.get(), 2);
	t.throws(() => {
		instance.set();
	}, {instanceOf: TypeError});
	t.is(idOfClass(First), 'test.a');
	t.is(First.name, 'A');
});

test('a class has its superclass, keys and private statics when it is created', t => {
	const codes = [
		classOf('B', 'class B extends Base { [key]() { return super.get() + B.#secret; } static #secret = secret; }', [
			{kind: 'superclass', parameter: 'Base'}, {kind: 'key', parameter: 'key'}, {kind: 'privateStatic', parameter: 'secret'},
		]),
		classOf('Base', 'class Base { get() { return value; } }', ['value']),
	];
	const B = readTokens(codes, [null, operation.function, 0, 1, 'test.b', ...lateFn(1, 'test.base', 10), 'sum', 5]) as new () => {sum(): number};
	t.is(new B().sum(), 15);
});

test('statics and what hangs on the prototype come with every payload, for a frozen class with a class of its own', t => {
	const codes = [classOf('C', 'class C {}')];
	const tokens = (value: unknown): unknown[] => [
		null,
		operation.decorated,
		decoration.properties + decoration.frozen,
		...lateFn(0, 'test.c'),
		2,
		'count',
		every,
		value,
		'prototype',
		0,
		null,
		operation.decorated,
		decoration.properties,
		null,
		operation.prototypeOf,
		...reference(0),
		1,
		'added',
		every,
		value,
	];
	const C = readTokens(codes, tokens(1)) as (new () => {added: number}) & {count: number};
	t.deepEqual([C.count, new C().added], [1, 1]);
	t.true(Object.isFrozen(C));
	// What is frozen cannot be brought to the state of the new payload.
	const Later = readTokens(codes, tokens(2)) as typeof C;
	t.deepEqual([Later.count, new Later().added], [2, 2]);
	t.deepEqual([C.count, new C().added], [1, 1]);
});

test('a class of this process comes back as itself', t => {
	class Own {
		field = 1;
	}
	const id = registerOwnClass(Own);
	t.is(registerOwnClass(Own), id);
	t.is(readTokens([], [null, operation.knownClass, id]), Own);
	const instance = readTokens([], [null, operation.decorated, decoration.prototype, ...record(), null, operation.prototypeOf, null, operation.knownClass, id]);
	t.true(instance instanceof Own);
	t.throws(() => readTokens([], [null, operation.knownClass, 'nobody']), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
});

test('a class that cannot be created is told by name', t => {
	const codes = [classOf('D', 'class D extends Base {}', [{kind: 'superclass', parameter: 'Base'}])];
	t.throws(() => readTokens(codes, [null, operation.function, 0, 1, 'test.d', 5]), {instanceOf: SerializationError, message: /class D .*cannot be created/v});
});

test('a bound function has its target, this and arguments', t => {
	const codes = [codeOf('function (...rest) { return [this, ...rest]; }')];
	const bound = readTokens(codes, [null, operation.bound, 0, ...fn(0), 'self', 2, 1, 2]) as Callable;
	t.deepEqual(bound(3), ['self', 1, 2, 3]);
	t.is(bound.name, 'bound fn');
});

test('a bound function whose this leads back to it is one', t => {
	const codes = [codeOf('function (...rest) { return [this, new.target, ...rest]; }')];
	const holder = readTokens(codes, record({bound: [null, operation.bound, 1, ...fn(0), ...reference(0), 2, ...reference(1), 2]})) as {bound: Callable};
	const {bound} = holder;
	t.deepEqual(bound(3), [holder, undefined, bound, 2, 3]);
	t.is(bound.name, 'bound fn');
	t.is(bound.length, 0);
	t.false(Object.hasOwn(bound, 'prototype'));
	t.is(lateBindingOf(bound)?.self, holder);
});

test('a bound class that leads back to itself constructs', t => {
	const codes = [classOf('E', 'class E { constructor(...args) { this.args = args; } }')];
	const Bound = readTokens(codes, [null, operation.bound, 1, ...lateFn(0, 'test.e'), null, operation.null, 1, ...reference(0)]) as new (...args: unknown[]) => {args: unknown[]};
	const instance = new Bound(2);
	t.deepEqual(instance.args, [Bound, 2]);
	t.true(instance instanceof Bound);
	t.is(instance.constructor.name, 'E');
	const plain = readTokens([codeOf('() => 1')], [null, operation.bound, 1, ...fn(0), ...reference(0), 0]) as new () => unknown;
	t.throws(() => new plain(), {instanceOf: TypeError}); // eslint-disable-line new-cap
});

test('an object gets prototype, properties and deletions in that order', t => {
	const codes = [codeOf('function () { return this.base; }')];
	const object = readTokens(codes, [
		null,
		operation.decorated,
		decoration.prototype + decoration.properties + decoration.deletions,
		...record({gone: [1], kept: [2]}),
		...record({base: [5]}),
		3,
		'hidden',
		configurable,
		3,
		'read',
		accessor + enumerable,
		...fn(0),
		undefined,
		null,
		operation.symbol,
		symbolKind.wellKnown,
		'toStringTag',
		every,
		'Tagged',
		1,
		'gone',
	]) as Record<string, unknown>;
	t.deepEqual(Object.keys(object), ['kept', 'read']);
	t.is(object['read'], 5);
	t.is(object['hidden'], 3);
	t.is(Object.prototype.toString.call(object), '[object Tagged]');
	t.is(Object.getPrototypeOf(readTokens([], [null, operation.decorated, decoration.prototype, ...record(), null, operation.null])), null);
});

test('objects are closed after everything was read', t => {
	const flags = [decoration.nonExtensible, decoration.sealed, decoration.frozen];
	const objects = readTokens([], [
		...list(3),
		...flags.flatMap(flag => [null, operation.decorated, flag, ...record({a: [null, operation.later, laterKind.record]})]),
		...flags.flatMap(() => record({b: [1]})),
	]) as object[];
	t.deepEqual(objects.map(object => [Object.isExtensible(object), Object.isSealed(object), Object.isFrozen(object)]), [[false, false, false], [false, true, false], [false, true, true]]);
	t.deepEqual(objects[2], {a: {b: 1}});
});

test('functions lose a name and get a length', t => {
	const made = readTokens([scale], [null, operation.decorated, decoration.properties + decoration.deletions, ...fn(0, 1), 1, 'length', configurable, 7, 1, 'name']) as Callable;
	t.deepEqual(Reflect.ownKeys(made), ['length']);
	t.is(made.length, 7);
});

test('symbols are registered, well-known, or one per payload', t => {
	const symbol = (kind: number, text: unknown): unknown[] => [null, operation.symbol, kind, text];
	const [registered, iterator, unique, again, unnamed] = readTokens([], [...list(5), ...symbol(0, 'key'), ...symbol(1, 'iterator'), ...symbol(2, 'mine'), ...reference(3), ...symbol(2, undefined)]) as symbol[];
	t.is(registered, Symbol.for('key'));
	t.is(iterator, Symbol.iterator);
	t.is(unique, again);
	t.is(unique!.description, 'mine');
	t.is(unnamed!.description, undefined);
});

test('what the runtime has is found by its path', t => {
	const builtin = (module: string | undefined, ...keys: string[]): unknown => readTokens([], [null, operation.builtin, module, keys.length, ...keys]);
	t.is(builtin(undefined, 'Math', 'max'), Math.max);
	t.is(builtin(undefined), globalThis);
	t.is(builtin('node:fs', 'readFileSync'), fs.readFileSync);
	t.is(builtin('node:fs'), fs);
	t.is(builtin(undefined, 'process', 'on'), process.on);
	t.throws(() => builtin('node:fs', 'noSuchFunction'), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
	t.throws(() => builtin('node:no-such-module'), {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
});

const foreign: ReadonlyArray<readonly [string, readonly unknown[]]> = [
	['a builtin', [null, operation.builtin, undefined, 2, 'Object', 'prototype']],
	['the prototype of a builtin', [null, operation.prototypeOf, null, operation.builtin, undefined, 1, 'Object']],
];
for (const [name, object] of foreign) {
	test(`a payload cannot change ${name}`, t => {
		t.throws(() => readTokens([], [null, operation.decorated, decoration.properties, ...object, 1, 'polluted', every, 1]), {instanceOf: SerializationError});
		t.false('polluted' in {});
	});
}

test('a URL is one', t => {
	const url = readTokens([], [null, operation.url, 'https://example.org/a?b#c']);
	t.true(url instanceof URL);
	t.is((url as URL).href, 'https://example.org/a?b#c');
});

test('a namespace is imported, then there', async t => {
	const url = new URL('../fixtures/functions/jobs.js', import.meta.url).href;
	const bytes = payload([], [...list(2), null, operation.namespace, url, ...reference(1)]);
	t.throws(() => decodeWithFunctions(bytes, 'worker'), {instanceOf: ImportUnderWay});
	const {value} = await (decodeWhenImported(() => decodeWithFunctions(bytes, 'worker')) as WhenImported).decoded;
	const namespace: unknown = await import(url);
	t.deepEqual(value, [namespace, namespace]);
	t.is((decodeWithFunctions(bytes, 'worker') as unknown[])[0], namespace);
});

test('an import of a code is awaited, and its failure is that of the payload', async t => {
	const importing = (specifier: string): Uint8Array => payload([codeOf('() => $m.basename', [], {
		fixed: [{
			kind: 'namespace', parameter: '$m', specifier, attributes: null,
		}],
	})], fn(0));
	const {value} = await (decodeWhenImported(() => decodeWithFunctions(importing('node:path'), 'worker')) as WhenImported).decoded;
	t.is(typeof (value as Callable)(), 'function');
	const failing = decodeWhenImported(() => decodeWithFunctions(importing('file:///no/such/module.js'), 'worker')) as WhenImported;
	await t.throwsAsync(failing.decoded, {instanceOf: SerializationError, code: 'ERR_REFERENCE_MISSING'});
});

test('several values share what they have in common, and what the reader has already', t => {
	const first = {first: true};
	const prepared = prepareCode(getter) as PreparedCode;
	const [get, args] = decodeParts(plainPayload([...fn(0, ...reference(0)), ...list(2), ...reference(0), ...reference(1)]), 2, 'worker', {codes: [prepared], first}) as [Callable, unknown[]];
	t.is(get(), first);
	t.deepEqual(args, [first, get]);
});

test('without a place for functions there are none', t => {
	for (const tokens of [fn(0), [null, operation.builtin, undefined, 0], [null, operation.namespace, 'node:fs'], [null, operation.knownClass, 'test.a']]) {
		t.throws(() => decode(plainPayload(tokens), 'worker'), {instanceOf: SerializationError, message: /damaged/v});
	}
});

const hostile: ReadonlyArray<readonly [string, readonly unknown[]]> = [
	['a code that is not there', fn(7)],
	['a function without its values', fn(0)],
	['a self outside a function', [null, operation.self]],
	['a late class without an id', lateFn(1)],
	['a class that is not late', [null, operation.function, 1, 0]],
	['an announced function that turns out an array', [null, operation.later, laterKind.function, 0, ...list(0)]],
	['an announced cell that turns out a record', [null, operation.later, laterKind.cell, ...record({v: [1]})]],
	['an announced record that turns out a cell', [null, operation.later, laterKind.record, null, operation.cell, 1]],
	['a decoration that was not announced', [null, operation.decorated, decoration.announced]],
	['a decorated primitive', [null, operation.decorated, 0, null, operation.negativeZero]],
	['a decorated number', [null, operation.decorated, 0, 5]],
	['a prototype that is a number', [null, operation.decorated, decoration.prototype, ...record(), 5]],
	['a prototype chain that is a circle', [null, operation.decorated, decoration.prototype, ...record(), ...reference(0)]],
	['a getter that is no function', [null, operation.decorated, decoration.properties, ...record(), 1, 'a', accessor, 5, undefined]],
	['a frozen typed array', [null, operation.decorated, decoration.frozen, null, operation.view, 1, 0, 0, 1]],
	['a prototype of no function', [null, operation.prototypeOf, ...record()]],
	['a bound number', [null, operation.bound, 0, 5, 5, 0]],
	['a bound function of itself', [null, operation.bound, 1, ...reference(0), 5, 0]],
	['a symbol that nobody knows', [null, operation.symbol, 1, 'for']],
	['a text that is no URL', [null, operation.url, 'nowhere']],
	['announced objects without end', Array.from({length: 5000}, () => [null, operation.later, laterKind.whole]).flat()],
	['decorations without end', Array.from({length: 5000}, () => [null, operation.decorated, 0]).flat()],
	['functions without end', Array.from({length: 5000}, () => [null, operation.function, 0, 0]).flat()],
	['a billion properties', [null, operation.decorated, decoration.properties, ...record(), 1e9]],
	['a billion arguments', [null, operation.bound, 0, ...fn(2), 5, 1e9]],
];
for (const [name, tokens] of hostile) {
	test(`${name}: refused with a SerializationError`, t => {
		t.throws(() => readTokens([getter, classOf('F', 'class F {}'), codeOf('() => 1')], tokens), {instanceOf: SerializationError});
	});
}

const notCodes: readonly unknown[] = [5, [5], [{}], [{...getter, kind: 'script'}], [{...getter, text: 5}], [{...getter, line: -1}], [{...getter, line: 1e99}], [{...getter, captured: [{kind: 'value', parameter: 'a){'}]}], [{...getter, fixed: [{kind: 'commonJs', parameter: 'a', name: 'b'}]}], [{
	...getter, fixed: [{
		kind: 'required', parameter: 'a', specifier: 'fs', path: [5],
	}],
}]];
for (const codes of notCodes) {
	test(`codes that are ${JSON.stringify(codes)} are refused`, t => {
		t.throws(() => readTokens(codes as never, fn(0, 1)), {instanceOf: SerializationError});
	});
}

test('random tokens of functions never cause anything but a SerializationError, and change nothing here', t => {
	const codes = [getter, classOf('G', 'class G { m() { return a; } }', ['a']), codeOf('() => $c.v + k', [{kind: 'cell', parameter: '$c'}, {kind: 'constant', parameter: 'k'}])];
	const token = fc.oneof({weight: 6, arbitrary: fc.constant(null)}, {weight: 4, arbitrary: fc.integer({min: 18, max: 34})}, {weight: 6, arbitrary: fc.integer({min: 0, max: 8})}, {weight: 3, arbitrary: fc.constantFrom('Math', 'prototype', '__proto__', 'iterator', 'length', 'name', 'test.fuzz', 'value', 'Object', 'constructor')}, fc.string(), fc.boolean(), fc.double(), fc.constant(undefined), fc.uint8Array(), fc.constantFrom(firstSizedCode, firstSizedCode + 2, firstSizedCode + 4));
	const isRefusal = (tokens: readonly unknown[]): boolean => {
		try {
			decodeWithFunctions(payload(codes, tokens), 'worker');
			return true;
		} catch (error) {
			return error instanceof SerializationError || error instanceof ImportUnderWay;
		}
	};

	const opened = fc.tuple(fc.integer({min: 18, max: 33}), fc.array(token, {maxLength: 40})).map(([code, tokens]) => [null, code, ...tokens]);
	t.notThrows(() => {
		fc.assert(fc.property(opened, tokens => isRefusal(tokens)), {numRuns: 10_000});
	});
	t.is(Object.keys(Object.prototype).length, 0);
	t.true(Object.isExtensible(Object.prototype) && Object.isExtensible(globalThis) && Object.isExtensible(Math));
	t.true(Buffer.isBuffer(Buffer.from(payload(codes, []))));
});
