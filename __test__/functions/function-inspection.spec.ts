import {execFile} from 'node:child_process';
import {setFlagsFromString} from 'node:v8';
import {promisify} from 'node:util';
import vm from 'node:vm';
import process from 'node:process';
import {setImmediate} from 'node:timers/promises';
import test from 'ava';
import {boundParts, inspectFunction} from '#dist/functions/function-inspection.js';
import {privateMembers} from '#dist/functions/private-members.js';

const run = promisify(execFile);
const captured = {value: 1};
const closure = () => captured;

test('the variables around a function have their own identity', t => {
	t.is(inspectFunction(closure)?.scopes[0]?.variables['captured'], captured);
});

test('the parts of a bound function keep values that JSON loses', t => {
	const values = [undefined, null, Number.NaN, -0, 10n, 'a\uD800', Symbol('s'), captured, Infinity, closure];
	for (const self of values) {
		t.true(Object.is(boundParts(closure.bind(self))?.self, self));
	}

	const bound = boundParts(closure.bind(null, ...values as []));
	t.is(bound?.target, closure);
	t.true(bound!.args.every((value, index) => Object.is(value, values[index])));
	t.is(boundParts(closure), null);
});

test('private members of instances and classes are seen, methods included', t => {
	class Secret {
		static readonly #fixed = 1;
		readonly #field = -0;
		get #accessor() {
			return this.#field;
		}

		call() {
			return this.#method();
		}

		#method() {
			return [this.#accessor, Secret.#fixed];
		}
	}

	const members = privateMembers(new Secret())!;
	t.deepEqual(members.map(({name, kind}) => `${kind} ${name}`).toSorted(), ['accessor #accessor', 'field #field', 'method #method']);
	t.true(Object.is(members.find(({kind}) => kind === 'field')?.value, -0));
	t.deepEqual(privateMembers(Secret), [{name: '#fixed', kind: 'field', value: 1}]);
	t.deepEqual(privateMembers({}), []);
});

test('inspecting runs no accessor of an error', t => {
	const loud = Object.defineProperty(new Error('loud'), 'stack', {
		get() {
			throw new Error('ran');
		},
	});
	t.is(inspectFunction(Object.assign(() => loud, {loud})), undefined);
	t.is(privateMembers(loud), undefined);
	t.is(inspectFunction(() => loud)?.scopes[0]?.variables['loud'], loud);
});

test('functions that were inspected can be collected', async t => {
	setFlagsFromString('--expose-gc');
	const collect = vm.runInNewContext('gc') as () => void;
	const inspected = Array.from({length: 1000}, (_, index) => {
		const fn = () => index;
		inspectFunction(fn);
		return new WeakRef(fn);
	});
	// What a WeakRef was made for lives up to the end of the turn.
	await setImmediate();
	collect();
	const alive = inspected.filter(reference => reference.deref() !== undefined);
	t.true(alive.length < 10, `${alive.length} are alive`);
});

test('without permission there is no inspection, and no error', async t => {
	const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
	const url = new URL('../../dist/functions/function-inspection.js', import.meta.url);
	const {stdout} = await run(process.execPath, [flag, '--allow-fs-read=*', '--allow-addons', '--no-warnings', '--input-type=module', '-e', `
		const {inspectFunction} = await import('${url.href}');
		console.log(inspectFunction(() => 1) === undefined);
	`]);
	t.is(stdout, 'true\n');
});
