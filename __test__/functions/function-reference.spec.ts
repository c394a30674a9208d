import {fork} from 'node:child_process';
import {once} from 'node:events';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {SerializationError} from '#dist/errors.js';
import {describeFunction} from '#dist/functions/function-reference.js';
import type {Answer, Question} from '../fixtures/functions/resolver.js';
import {refusals, values} from '../fixtures/functions/shapes.js';

type Describable = Parameters<typeof describeFunction>[0];

const resolver = fork(fileURLToPath(new URL('../fixtures/functions/resolver.js', import.meta.url)), {serialization: 'advanced', execArgv: []});
test.after.always(async () => {
	if (resolver.exitCode === null) {
		const exit = once(resolver, 'exit');
		resolver.disconnect();
		await exit;
	}
});

async function ask(question: Question): Promise<Answer> {
	resolver.send(question);
	const [answer] = await once(resolver, 'message') as [Answer];
	return answer;
}

for (const shape of values) {
	test.serial(`${shape.title} gives its value in another process`, async t => {
		const {args = [], value} = shape as Extract<typeof shape, {value: unknown}>;
		const fn = shape.fn as Describable;
		const reference = describeFunction(fn);
		t.deepEqual(structuredClone(reference), reference);
		t.deepEqual(await ask({reference, args}), {value});
	});
}

for (const shape of refusals) {
	test(`${shape.title} is refused in words`, t => {
		const {code, word} = shape as Extract<typeof shape, {code: string}>;
		const error = t.throws(() => describeFunction(shape.fn as Describable), {instanceOf: SerializationError, code});
		t.is(error?.message.includes(word) ? word : error?.message, word);
		t.is(error?.side, 'submit');
	});
}

test('a refusal names the captured variable in its path, the function and the ways out', t => {
	const captured = 1;
	const fn = () => captured;
	const error = t.throws(() => describeFunction(fn), {instanceOf: SerializationError});
	t.deepEqual(error?.path, ['captured']);
	t.is(error?.function?.name, 'fn');
	t.regex(error?.message ?? '', /`fn` uses captured.*as an argument.*executor\.module\(url\)/v);
});

test('a function keeps its name in another process', async t => {
	const stop = () => {
		throw new RangeError('stop');
	};

	const {error} = await ask({
		reference: describeFunction(stop),
		args: [],
	}) as Extract<Answer, {error: unknown}>;
	t.is(error.name, 'RangeError');
	t.regex(error.stack, /at stop \(\[source of stop\]:2:/v);
});

test.serial('a global that the program has replaced is refused, and accepted again when it is restored', t => {
	const fn = () => fetch;
	const original = globalThis.fetch;
	describeFunction(fn);
	globalThis.fetch = async () => new Response();
	try {
		t.throws(() => describeFunction(fn), {instanceOf: SerializationError, message: /uses fetch, a global that this program has replaced/v});
	} finally {
		globalThis.fetch = original;
	}

	t.notThrows(() => describeFunction(fn));
});

test.serial('a replaced accessor keeps the value that the program gave it', t => {
	const original = Object.getOwnPropertyDescriptor(globalThis, 'FormData')!;
	const Mock = (() => undefined) as unknown as typeof FormData;
	globalThis.FormData = Mock;
	t.throws(() => describeFunction(() => FormData), {instanceOf: SerializationError, message: /FormData/v});
	t.is(globalThis.FormData, Mock);
	Object.defineProperty(globalThis, 'FormData', original);
	t.notThrows(() => describeFunction(() => FormData));
});

test.serial('a lazy global that was read is still the one of a fresh process', t => {
	t.is(typeof globalThis.BroadcastChannel, 'function');
	t.notThrows(() => describeFunction(() => BroadcastChannel));
});

test.serial('process is recognised though its accessor hides that it was replaced', t => {
	const viaGlobal = globalThis.eval('() => process') as () => unknown; // eslint-disable-line no-eval
	t.notThrows(() => describeFunction(viaGlobal));
	const {process: original} = globalThis;
	(globalThis as {process: unknown}).process = {};
	try {
		t.throws(() => describeFunction(viaGlobal), {message: /process, a global that this program has replaced/v});
	} finally {
		globalThis.process = original;
	}
});

test.serial('a global that the program has made is refused', t => {
	Reflect.set(globalThis, 'madeHere', 1);
	t.teardown(() => Reflect.deleteProperty(globalThis, 'madeHere'));
	t.throws(() => describeFunction(globalThis.eval('() => madeHere') as () => unknown), {message: /madeHere, a global that this program has made/v}); // eslint-disable-line no-eval
});

test('describing runs no code of the program', t => {
	const trap = () => {
		throw new Error('ran');
	};

	const fn = Object.defineProperties((x: number) => x, {
		name: {get: trap}, toString: {value: trap}, constructor: {get: trap}, [Symbol.toStringTag]: {get: trap},
	});
	t.notThrows(() => describeFunction(fn));
	const proxy = new Proxy(fn, {
		get: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap,
	});
	t.throws(() => describeFunction(proxy), {instanceOf: SerializationError});
});

test('an import of what the global of the same name is counts as the global', t => {
	t.notThrows(() => describeFunction(() => process.pid));
});

test('a variable named like a global is captured also when it is undefined', t => {
	const performance = undefined;
	t.throws(() => describeFunction(() => performance), {message: /uses performance, a variable/v});
});

test('the same function gives the same description', t => {
	const fn = (x: number) => x;
	t.is(describeFunction(fn), describeFunction(fn));
});
