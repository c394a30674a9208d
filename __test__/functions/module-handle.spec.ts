import {inspect} from 'node:util';
import test from 'ava';
import type {Future} from '#dist/future.js';
import {createModuleHandle, exportReferenceOf, type Submit} from '#dist/functions/module-handle.js';
import type * as Jobs from '../fixtures/functions/jobs.js';

const url = new URL('../fixtures/functions/jobs.js', import.meta.url);

function recorder(): {submit: Submit; calls: Array<{fn: unknown; args: readonly unknown[]}>} {
	const calls: Array<{fn: unknown; args: readonly unknown[]}> = [];
	const submit: Submit = (fn, args) => {
		calls.push({fn, args});
		return 'a future' as unknown as Future<unknown>;
	};

	return {submit, calls};
}

const handleOf = (module: URL | string = url) => createModuleHandle<typeof Jobs>(module, recorder().submit);

test('calling a function of a handle submits that function with its arguments', t => {
	const {submit, calls} = recorder();
	const handle = createModuleHandle<typeof Jobs>(url, submit);
	t.is(handle.price(3), 'a future' as unknown as Future<number>);
	t.deepEqual(calls, [{fn: handle.price, args: [3]}]);
});

test('a function of a handle is described by the URL of the module and the name of the export', t => {
	t.deepEqual(exportReferenceOf(handleOf().price), {kind: 'export', url: url.href, name: 'price'});
	t.deepEqual(exportReferenceOf(handleOf().default), {kind: 'export', url: url.href, name: 'default'});
});

test('a name gives the same function every time', t => {
	const handle = handleOf();
	t.is(handle.price, handle.price);
	t.not(handle.price, handle.asyncPrice);
});

test('a function of a handle has the name of its export', t => {
	t.is(handleOf().price.name, 'price');
	t.regex(inspect(handleOf().price), /price/v);
});

const lookAlikes = [
	'then',
	'toJSON',
	'$$typeof',
	'asymmetricMatch',
	'constructor',
	'toString',
	'valueOf',
	'__proto__',
	Symbol.toPrimitive,
	Symbol.iterator,
	Symbol.asyncIterator,
	Symbol.toStringTag,
	inspect.custom,
];

for (const name of lookAlikes) {
	test(`${String(name)} of a handle is undefined`, t => {
		t.is(Reflect.get(handleOf(), name), undefined);
	});
}

test('awaiting, printing, comparing and serializing a handle submits nothing', async t => {
	const {submit, calls} = recorder();
	const handle = createModuleHandle<typeof Jobs>(url, submit);
	t.is(await (handle as unknown), handle);
	t.is(JSON.stringify({handle}), '{"handle":{}}');
	inspect(handle, {showProxy: true, depth: 5});
	t.deepEqual({...handle}, {} as typeof handle);
	t.throws(() => String(handle as unknown), {instanceOf: TypeError});
	t.deepEqual(calls, []);
});

test('an export called inspect is reached like any other', t => {
	t.deepEqual(exportReferenceOf(handleOf().inspect), {kind: 'export', url: url.href, name: 'inspect'});
});

test('a handle cannot be changed', t => {
	const handle = handleOf() as Record<string, unknown>;
	t.throws(() => {
		handle['price'] = 1;
	}, {instanceOf: TypeError, message: /read-only/v});
	t.throws(() => delete handle['price'], {instanceOf: TypeError});
	t.throws(() => Object.defineProperty(handle, 'price', {value: 1}), {instanceOf: TypeError});
	t.throws(() => Object.assign(handleOf().price, {name: 'other'}), {instanceOf: TypeError});
});

test('a look-alike is not a function of a handle', t => {
	const {price} = handleOf();
	const copy = Object.defineProperties((() => 1), Object.getOwnPropertyDescriptors(price));
	t.is(exportReferenceOf(copy), undefined);
	t.is(exportReferenceOf(new Proxy(price, {})), undefined);
});

test('an absolute path is a module', t => {
	t.deepEqual(exportReferenceOf(handleOf('/a dir/jobs.js').price), {kind: 'export', url: 'file:///a%20dir/jobs.js', name: 'price'});
});

for (const module of ['file:///a/jobs.js?v=1', 'node:path', 'data:text/javascript,export const a=()=>1']) {
	test(`the URL ${module} is a module`, t => {
		t.deepEqual(exportReferenceOf(handleOf(module).price), {kind: 'export', url: new URL(module).href, name: 'price'});
	});
}

for (const module of ['./jobs.js', '../jobs.js', 'jobs.js', 'lodash', '']) {
	test(`'${module}' is refused with advice, since nobody knows what it is relative to`, t => {
		t.throws(() => handleOf(module), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE', message: /import\.meta\.url/v});
	});
}

for (const module of [undefined, null, 1, {href: 'file:///a.js'}]) {
	test(`${inspect(module)} is no module`, t => {
		t.throws(() => createModuleHandle(module as unknown as string, recorder().submit), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	});
}
