import {Buffer} from 'node:buffer';
import test from 'ava';
import fc from 'fast-check';
import {
	BrokenProcessPool, CancelledError, RemoteError, SerializationError, TaskTimeoutError, TerminatedWorkerError, TimeoutError,
} from '#dist/errors.js';
import {decodeError, encodeError} from '#dist/serialize/remote-error.js';

type Arrived = Error & Readonly<Record<string, unknown>>;

const arrive = (thrown: unknown): unknown => decodeError(Buffer.from(encodeError(thrown)));
const arriveAsError = (thrown: unknown): Arrived => arrive(thrown) as Arrived;

const builtIn: readonly Error[] = [
	new Error('a'),
	new TypeError('b'),
	new RangeError('c'),
	new SyntaxError('d'),
	new ReferenceError('e'),
	new EvalError('f'),
	new URIError('g'),
	new AggregateError([], 'h'),
	new DOMException('i', 'AbortError'),
	Object.freeze(new TypeError('frozen')),
];
for (const thrown of builtIn) {
	test(`${thrown.name} "${thrown.message}" arrives with its class, message and the worker's stack`, t => {
		const arrived = arriveAsError(thrown);
		t.is(Object.getPrototypeOf(arrived), Object.getPrototypeOf(thrown));
		t.is(arrived.name, thrown.name);
		t.is(arrived.message, thrown.message);
		t.is(arrived.remoteStack, thrown.stack);
		t.is(arrived.stack, thrown.stack);
		t.deepEqual(arrived.droppedFields, []);
		t.false(Object.keys(arrived).includes('remoteStack'));
	});
}

class DatabaseError extends TypeError {
	readonly query: string;
	readonly details: {readonly rows: number[]};

	constructor(query: string) {
		super(`failed: ${query}`);
		this.query = query;
		this.details = {rows: [1, 2]};
	}
}

test('a class that the parent does not have arrives as RemoteError with its name and fields', t => {
	const arrived = arriveAsError(new DatabaseError('select'));
	t.true(arrived instanceof RemoteError);
	t.is(arrived.name, 'DatabaseError');
	t.is(arrived['remoteName'], 'DatabaseError');
	t.is(arrived['query'], 'select');
	t.deepEqual(arrived['details'], {rows: [1, 2]});
	t.is(String(arrived), 'DatabaseError: failed: select');
});

test('a name that the error has set wins over that of its class', t => {
	t.is(arriveAsError(Object.assign(new DatabaseError(''), {name: 'Special'})).name, 'Special');
	t.is(arriveAsError(Object.assign(new Error('plain'), {name: 'Special'})).name, 'Special');
});

const ownErrors: readonly Error[] = [
	new TimeoutError('late', {timeout: 5}),
	new CancelledError(),
	new BrokenProcessPool('broken', {cause: new Error('why')}),
	new SerializationError('refused', {side: 'result', path: ['a', 1], code: 'ERR_TOO_DEEP'}),
];
for (const thrown of ownErrors) {
	test(`${thrown.name} of a nested pool arrives as itself with its fields`, t => {
		const arrived = arriveAsError(thrown);
		t.is(Object.getPrototypeOf(arrived), Object.getPrototypeOf(thrown));
		t.deepEqual({...arrived}, {...thrown});
		t.is(JSON.stringify(arrived), JSON.stringify(thrown));
	});
}

test('TaskTimeoutError of a nested pool arrives as each of its classes', t => {
	const arrived = arrive(new TaskTimeoutError('late', {
		pid: 1, workerIndex: 0, exitCode: null, signal: 'SIGKILL', coreDumped: false, reason: 'timeout', stderrTail: 'x', duration: 5, peakMemory: null, memoryLimit: null, attempt: 1, reportPath: null, violation: null,
	}, {timeout: 5}));
	t.true(arrived instanceof TaskTimeoutError && arrived instanceof TerminatedWorkerError);
	t.is((arrived as TaskTimeoutError).signal, 'SIGKILL');
	t.is((arrived as TaskTimeoutError).timeout, 5);
});

const values: readonly unknown[] = ['text', '', undefined, null, 0, -0, 5n, true, {a: [1]}, [1], new Map([[1, 2]])];
for (const [index, value] of values.entries()) {
	test(`a thrown value that is no error arrives the same (${index})`, t => {
		t.deepEqual(arrive(value), value);
	});
}

const unspeakable: ReadonlyArray<readonly [string, unknown]> = [['function', () => 1], ['symbol', Symbol('x')], ['object', Promise.resolve()], ['object', {
	fn: () => 1,
}]];
for (const [index, [kind, value]] of unspeakable.entries()) {
	test(`a thrown ${kind} that cannot travel arrives as an error that says so (${index})`, t => {
		const arrived = arriveAsError(value);
		t.true(arrived instanceof RemoteError);
		t.regex(arrived.message, new RegExp(`The task threw an? ${kind} that cannot be copied`, 'v'));
		t.deepEqual(arrived.droppedFields, ['thrown']);
	});
}

test('code, errno and other own fields arrive; an own __proto__ stays own', t => {
	const thrown = Object.assign(new Error('no file'), {code: 'ENOENT', errno: -2, nested: new RangeError('inner')});
	Object.defineProperty(thrown, '__proto__', {value: 'own', enumerable: true});
	const arrived = arriveAsError(thrown);
	t.is(arrived.code, 'ENOENT');
	t.is(arrived['errno'], -2);
	t.true(arrived['nested'] instanceof RangeError);
	t.is(Object.getOwnPropertyDescriptor(arrived, '__proto__')?.value, 'own');
	t.is(Object.getPrototypeOf(arrived), Error.prototype);
});

test('fields that cannot travel are dropped and listed, the others arrive', t => {
	const arrived = arriveAsError(Object.assign(new Error('x'), {
		socket: () => 1, good: 1, 'odd key': Promise.resolve(), inner: Object.assign(new Error('y'), {
			callback: () => 1,
		}),
	}));
	t.deepEqual(arrived.droppedFields, ['socket', '["odd key"]']);
	t.is(arrived['good'], 1);
	t.deepEqual((arrived['inner'] as Arrived).droppedFields, ['callback']);
});

test('what an inner worker has dropped is still listed after a second journey', t => {
	const arrived = arriveAsError(arrive(Object.assign(new DatabaseError('q'), {
		f: () => 1,
	})));
	t.deepEqual(arrived.droppedFields, ['f']);
	t.is(arrived.name, 'DatabaseError');
});

test('causes arrive: errors, values, cycles', t => {
	const thrown = new Error('outer', {cause: new DatabaseError('q')});
	(thrown.cause as Error).cause = 'the reason';
	const arrived = arriveAsError(thrown);
	t.is((arrived.cause as Error).name, 'DatabaseError');
	t.is((arrived.cause as Error).cause, 'the reason');

	const itself = new Error('itself');
	itself.cause = itself;
	const arrivedItself = arriveAsError(itself);
	t.is(arrivedItself.cause, arrivedItself);
	t.false('cause' in arriveAsError(new Error('none')));
});

test('a chain of 20,000 causes arrives', t => {
	let thrown = new Error('first');
	for (let index = 0; index < 20_000; index++) {
		thrown = new Error('next', {cause: thrown});
	}

	let count = 0;
	for (let error = arrive(thrown) as Error; error.cause !== undefined; error = error.cause as Error) {
		count++;
	}

	t.is(count, 20_000);
});

test('the errors of an AggregateError arrive with their classes', t => {
	const arrived = arrive(new AggregateError([new TypeError('a'), 'b', () => 1], 'several')) as AggregateError & Arrived;
	t.true(arrived.errors[0] instanceof TypeError);
	t.is(arrived.errors[1], 'b');
	t.deepEqual(arrived.droppedFields, ['errors[2]']);
});

const thrower = (): never => {
	throw new Error('trap');
};

const hostile: ReadonlyArray<readonly [string, unknown]> = [
	['getters that throw', Object.defineProperties(new Error('x'), {
		stack: {get: thrower}, message: {get: thrower}, name: {get: thrower}, code: {get: thrower, enumerable: true}, cause: {get: thrower},
	})],
	['a proxy whose every trap throws', new Proxy(new Error('x'), new Proxy({}, {get: () => thrower}))],
	['a revoked proxy', (() => {
		const {proxy, revoke} = Proxy.revocable({}, {});
		revoke();
		return proxy;
	})()],
	['a message that is no text', Object.assign(new Error('x'), {message: Symbol('x')})],
	['a huge message', new Error('x'.repeat(20_000_000))],
	['an error without a prototype', Object.setPrototypeOf(new Error('x'), null)],
	['an error whose constructor lies', Object.assign(new DatabaseError(''), {constructor: {name: 5}})],
	['fields that encode themselves as errors', Object.assign(new Error('x'), {toJSON: thrower})],
];
for (const [name, thrown] of hostile) {
	test(`${name}: an error arrives nevertheless`, t => {
		const arrived = arriveAsError(thrown);
		t.true(arrived instanceof Error);
		t.true(Array.isArray(arrived.droppedFields));
		t.true(arrived.message.length < 17_000_000);
	});
}

test('anything thrown arrives as something', t => {
	t.notThrows(() => {
		fc.assert(fc.property(fc.anything(), fc.dictionary(fc.string(), fc.anything()), fc.string(), (cause, fields, message) => {
			const thrown = new Error(message, {cause});
			for (const [key, value] of Object.entries(fields)) {
				Object.defineProperty(thrown, key, {value, enumerable: true, configurable: true});
			}

			return arrive(thrown) instanceof Error;
		}), {numRuns: 1000});
	});
});

test('damaged bytes give a SerializationError, and throw nothing', t => {
	t.notThrows(() => {
		fc.assert(fc.property(fc.uint8Array(), bytes => {
			decodeError(bytes);
		}));
	});
	t.true(decodeError(Uint8Array.of(0xC1)) instanceof SerializationError);
	const bytes = Buffer.from(encodeError(new Error('x')));
	for (let length = 0; length < bytes.length; length++) {
		t.true(decodeError(bytes.subarray(0, length)) instanceof SerializationError);
	}
});
