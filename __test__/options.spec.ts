/* eslint-disable @stylistic/object-curly-newline -- the keys are options, wrong ones too, and variables */
import process from 'node:process';
import test from 'ava';
import {cpuCount} from '#dist/cpu-count.js';
import {readExecutorOptions, readMapOptions, readShutdownOptions} from '#dist/options.js';

const read = (options?: unknown): ReturnType<typeof readExecutorOptions> => readExecutorOptions('ProcessPoolExecutor', options);
const reading = (options: unknown) => (): unknown => read(options);

const wrongType = {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'};
const outOfRange = {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE'};
const unknownName = {instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION'};

test('without options every setting has its default, and undefined means the default', t => {
	const expected = {
		maxWorkers: cpuCount(),
		timeout: null,
		context: 'loky',
		initializer: null,
		jobReducers: new Map(),
		resultReducers: new Map(),
		initargs: [],
		onWorkerDeath: 'isolate',
		killDescendants: true,
		startTimeout: 60_000,
		shutdownTimeout: 10_000,
		maxPoisonRetries: 1,
		maxTasksPerWorker: null,
		maxMemory: {soft: null, hard: null},
		output: 'inherit',
	};
	for (const options of [undefined, {}, Object.fromEntries([...Object.keys(expected), 'env'].map(name => [name, undefined]))]) {
		const {env, ...settings} = read(options);
		t.deepEqual<unknown, unknown>(settings, expected);
		t.deepEqual({...env}, {...process.env});
	}
});

test('what is given is what is set', t => {
	const initializer = (): void => undefined;
	t.like(read({
		maxWorkers: 3, timeout: 10, context: 'loky', initializer, initargs: [1, 'a'], onWorkerDeath: 'break', killDescendants: false, startTimeout: 1, shutdownTimeout: 0, maxPoisonRetries: 0, maxTasksPerWorker: 1,
	}), {
		maxWorkers: 3, timeout: 10, context: 'loky', initializer, initargs: [1, 'a'], onWorkerDeath: 'break', killDescendants: false, startTimeout: 1, shutdownTimeout: 0, maxPoisonRetries: 0, maxTasksPerWorker: 1,
	});
});

test('the settings are frozen, and do not change with the arrays and objects they came from', t => {
	const initargs = [1];
	const env: Record<string, string> = {A: '1'};
	const settings = read({initargs, env});
	initargs.push(2);
	env.A = '2';
	t.deepEqual(settings.initargs, [1]);
	t.is(settings.env.A, '1');
	t.true([settings, settings.initargs, settings.env].every(part => Object.isFrozen(part)));
});

test('Infinity is no timeout, and null only where it is named', t => {
	t.like(read({timeout: Number.POSITIVE_INFINITY, startTimeout: Number.POSITIVE_INFINITY, shutdownTimeout: Number.POSITIVE_INFINITY}), {timeout: null, startTimeout: null, shutdownTimeout: null});
	t.is(read({timeout: null}).timeout, null);
	for (const name of ['maxWorkers', 'context', 'env', 'initializer', 'initargs', 'onWorkerDeath', 'killDescendants', 'startTimeout', 'shutdownTimeout', 'maxPoisonRetries', 'maxTasksPerWorker', 'maxMemory', 'output']) {
		t.throws(reading({[name]: null}), {...wrongType, message: new RegExp(`^${name} must be`, 'v')}, `${name}: null`);
	}
});

test('maxMemory is a soft limit, or one or two limits', t => {
	t.deepEqual(read({maxMemory: 5e9}).maxMemory, {soft: 5e9, hard: null});
	t.deepEqual(read({maxMemory: {hard: 7}}).maxMemory, {soft: null, hard: 7});
	t.deepEqual(read({maxMemory: {soft: 7, hard: 7}}).maxMemory, {soft: 7, hard: 7});
	t.deepEqual(read({maxMemory: {soft: undefined}}).maxMemory, {soft: null, hard: null});
	t.throws(reading({maxMemory: {soft: 8, hard: 7}}), {...outOfRange, message: /^maxMemory\.hard must be at least maxMemory\.soft, which is 8\. Received 7/v});
	for (const maxMemory of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, {soft: 0}, {hard: 0.5}]) {
		t.throws(reading({maxMemory}), {...outOfRange, message: /^maxMemory/v});
	}

	for (const maxMemory of [[], true, '1', {soft: '1'}, {hard: null}]) {
		t.throws(reading({maxMemory}), {...wrongType, message: /^maxMemory/v});
	}

	t.throws(reading({maxMemory: {Soft: 1}}), {...unknownName, message: /Did you mean soft/v});
});

test('a timeout above 2^31 ms is kept', t => {
	t.is(read({timeout: 2 ** 40}).timeout, 2 ** 40);
});

for (const maxWorkers of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
	test(`maxWorkers ${maxWorkers} is out of range`, t => {
		t.throws(reading({maxWorkers}), {...outOfRange, message: new RegExp(`maxWorkers.*Received ${maxWorkers}`, 'v')});
	});
}

test('a value of the wrong type is refused, with the name of its option', t => {
	const wrong = {
		maxWorkers: '2', timeout: '10', context: 5, env: 'A=1', initializer: 'fn', initargs: 'ab', onWorkerDeath: true, killDescendants: 'no', startTimeout: 5n, shutdownTimeout: [], maxPoisonRetries: {}, maxTasksPerWorker: '50', maxMemory: '1GB', output: ['pipe', 'inherit'],
	};
	for (const [name, value] of Object.entries(wrong)) {
		const error = t.throws(reading({[name]: value}), wrongType);
		t.like(error, {option: name, value});
	}

	for (const options of [null, 5, 'text', [], () => undefined]) {
		t.throws(reading(options), wrongType);
	}
});

test('a value out of range is refused', t => {
	const counts = [{maxPoisonRetries: -1}, {maxPoisonRetries: 0.5}, {maxTasksPerWorker: 0}, {maxTasksPerWorker: 1.5}, {maxTasksPerWorker: Number.POSITIVE_INFINITY}];
	for (const options of [{timeout: -1}, {timeout: Number.NaN}, {startTimeout: -0.5}, ...counts]) {
		t.throws(reading(options), outOfRange);
	}
});

test('a word that is not offered is refused, and the message says which are', t => {
	t.throws(reading({context: 'fork'}), {...outOfRange, message: /'loky'.*'fork'/v});
	t.throws(reading({onWorkerDeath: 'ignore'}), {...outOfRange, message: /'isolate', 'break'/v});
	t.throws(reading({output: 'tag'}), {...outOfRange, message: /'inherit', 'ignore', 'tagged', 'pipe'/v});
});

test('an unknown name is refused, and the closest known one is suggested', t => {
	for (const [name, suggestion] of [['maxWorker', 'maxWorkers'], ['max_workers', 'maxWorkers'], ['maxworkers', 'maxWorkers'], ['initArgs', 'initargs'], ['startTimeuot', 'startTimeout']]) {
		t.throws(reading({[name!]: 1}), {...unknownName, message: new RegExp(`${name}.*Did you mean ${suggestion}`, 'v')});
	}

	const error = t.throws(reading({zzz: undefined}), unknownName);
	t.notRegex(error.message, /Did you mean/v);
});

test.serial('options added to Object.prototype are none', t => {
	const added = {maxWorkers: 77, timeout: 77, env: {POLLUTED: '1'}, POLLUTED: '1', misspelt: 1};
	for (const [name, value] of Object.entries(added)) {
		// eslint-disable-next-line no-extend-native
		Object.defineProperty(Object.prototype, name, {value, configurable: true, enumerable: false, writable: true});
	}

	try {
		const settings = read({maxPoisonRetries: 2, env: {}});
		t.is(settings.timeout, null);
		t.not(settings.maxWorkers, 77);
		t.is(settings.env.POLLUTED, undefined);
	} finally {
		for (const name of Object.keys(added)) {
			Reflect.deleteProperty(Object.prototype, name);
		}
	}
});

test('each option is read once', t => {
	let reads = 0;
	const options = {
		get maxWorkers() {
			return ++reads;
		},
	};
	t.is(read(options).maxWorkers, 1);
	t.is(reads, 1);
});

test.serial('env changes a copy of process.env: null and undefined unset a variable', t => {
	process.env.LOKY_TEST_KEPT = 'kept';
	process.env.LOKY_TEST_UNSET = 'x';
	const {env} = read({env: {LOKY_TEST_ADDED: 'added', LOKY_TEST_UNSET: null, PATH: undefined, __proto__: null}});
	process.env.LOKY_TEST_KEPT = 'changed later';
	t.is(env.LOKY_TEST_KEPT, 'kept');
	t.is(env.LOKY_TEST_ADDED, 'added');
	t.false('LOKY_TEST_UNSET' in env);
	t.false('PATH' in env);
	t.true('PATH' in process.env);
});

test('env takes a variable of any name, also that of a property of objects', t => {
	const {env} = read({env: {['__proto__']: 'a', constructor: 'b'}});
	t.is(Object.entries(env).find(([name]) => name === '__proto__')?.[1], 'a');
	t.is(Object.entries(env).find(([name]) => name === 'constructor')?.[1], 'b');
});

test('env refuses NUL, = in a name, an empty name and values that are no strings', t => {
	for (const env of [{'A\0': '1'}, {'A=B': '1'}, {'': '1'}, {A: '1\0'}, {A: 1}, {A: true}]) {
		t.throws(reading({env}), wrongType);
	}
});

test('map takes a timeout and a chunksize', t => {
	t.deepEqual(readMapOptions(undefined), {timeout: null, chunksize: 1});
	t.deepEqual(readMapOptions({timeout: 5, chunksize: 10}), {timeout: 5, chunksize: 10});
	t.deepEqual(readMapOptions({timeout: null, chunksize: undefined}), {timeout: null, chunksize: 1});
	t.throws(() => readMapOptions({chunksize: -1}), outOfRange);
	t.throws(() => readMapOptions({chunksize: 0}), outOfRange);
	t.throws(() => readMapOptions({chunkSize: 5}), {...unknownName, message: /chunksize/v});
});

test('shutdown takes wait and killWorkers', t => {
	t.deepEqual(readShutdownOptions(undefined), {wait: true, killWorkers: false});
	t.deepEqual(readShutdownOptions({wait: false, killWorkers: true}), {wait: false, killWorkers: true});
	t.throws(() => readShutdownOptions({wait: 1}), wrongType);
	t.throws(() => readShutdownOptions({kill_workers: true}), {...unknownName, message: /killWorkers/v});
});
