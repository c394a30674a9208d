/**
 * Functions by value and by reference: what a task costs by what its function captures, how fast a captured function runs, and how
 * long the first one takes. Peers run beside us, in turn, each result is checked, and only ratios within one run mean anything.
 *
 * npm run bench:functions [-- --tasks 5000 --round-trips 800 --rounds 4]
 */
import {execFile, fork} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {ProcessPoolExecutor} from 'loky';
import workerpool from 'workerpool';
import {FunctionRegistry} from '../dist/function-registry.js';
import {functionCapture} from '../dist/functions/capture.js';
import {echo} from './echo.js';

const {values} = parseArgs({
	options: {
		tasks: {type: 'string', default: '5000'},
		'round-trips': {type: 'string', default: '800'},
		rounds: {type: 'string', default: '4'},
		workers: {type: 'string', default: '2'},
	},
});
const tasks = Number(values.tasks);
const roundTrips = Number(values['round-trips']);
const rounds = Number(values.rounds);
const workers = Number(values.workers);
const child = fileURLToPath(new URL('functions-child.js', import.meta.url));

const nowhere = () => undefined;
const registry = new FunctionRegistry({register: nowhere, release: nowhere}, {reducers: null, capture: functionCapture('worker'), pickler: null});

/** What `submit` does before anything crosses to a worker. */
const encodeSubmission = (fn, args) => registry.call(fn, args);

const factor = 3;
const settings = {offset: 5, labels: ['a', 'b', 'c'], nested: {isOn: true}};
let counter = 0;
counter += 2;

const first = number => number * factor;
const second = number => first(number) + counter;
const third = number => second(number) + settings.offset;

/** The functions, and what each makes of a number. */
const functions = {
	closed: {fn: number => number + 1, expected: number => number + 1},
	'captures a const': {fn: number => number * factor, expected: number => number * 3},
	'captures a small object': {fn: number => number + settings.offset + settings.labels.length, expected: number => number + 8},
	'captures a reassigned let': {fn: number => number + counter, expected: number => number + 2},
	'captures 3 functions and a let': {fn: number => third(number), expected: number => (number * 3) + 7},
	'exported, by reference': {fn: echo, expected: number => number},
};

/** Each contender: `run` one task, `expected` of it, `close`. */
const contenders = Object.fromEntries(Object.entries(functions).map(([name, {fn, expected}]) => [`loky, ${name}`, () => {
	const executor = new ProcessPoolExecutor({maxWorkers: workers});
	return {run: number => executor.submit(fn, number), expected, close: () => executor.shutdown()};
}]));

contenders['workerpool, closed, by its text'] = () => {
	const pool = workerpool.pool({workerType: 'process', maxWorkers: workers});
	const {fn, expected} = functions.closed;
	return {run: number => pool.exec(fn, [number]), expected, close: () => pool.terminate()};
};

contenders['fork, echo of 200 bytes'] = () => {
	const children = Array.from({length: workers}, () => fork(child, ['echo']));
	// A channel keeps the order of its messages.
	const waiting = children.map(() => []);
	for (const [index, process] of children.entries()) {
		process.on('message', message => {
			waiting[index].shift()(message);
		});
	}

	let sent = 0;
	return {
		async run(number) {
			const index = sent++ % workers;
			const text = String(number).padEnd(190, '.');
			children[index].send(text);
			const answer = await new Promise(resolve => {
				waiting[index].push(resolve);
			});
			return Number.parseInt(answer, 10);
		},
		expected: number => number,
		async close() {
			await Promise.all(children.map(process => {
				process.disconnect();
				return once(process, 'exit');
			}));
		},
	};
};

function check(seen, expected) {
	if (seen !== expected) {
		throw new Error(`A wrong result: ${seen} instead of ${expected}`);
	}
}

/** Tasks a second with all of them submitted at once. */
async function throughput({run, expected}) {
	const start = performance.now();
	const results = Array.from({length: tasks}, (_, index) => run(index));
	for (const [index, result] of results.entries()) {
		check(await result, expected(index));
	}

	return tasks / (performance.now() - start) * 1000;
}

/** The times of single round trips, in µs, sorted. */
async function latencies({run, expected}) {
	const times = [];
	for (let index = 0; index < roundTrips; index++) {
		const start = performance.now();
		check(await run(index), expected(index));
		times.push((performance.now() - start) * 1000);
	}

	return times.toSorted((a, b) => a - b);
}

/** Μs to encode a function that was encoded before. */
function encoding(fn) {
	const times = roundTrips;
	const start = performance.now();
	for (let index = 0; index < times; index++) {
		encodeSubmission(fn, [index]);
	}

	return (performance.now() - start) * 1000 / times;
}

const median = numbers => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const spread = (numbers, digits = 0) => `${Math.min(...numbers).toFixed(digits)}–${Math.max(...numbers).toFixed(digits)}`;

/** Cost of tasks, by what they ship. */
async function measureTasks() {
	const results = new Map(Object.keys(contenders).map(name => [name, {
		rates: [], p50: [], p99: [], encodings: [],
	}]));
	// In turn, and each round anew: a machine that slows down slows all of them. The first round compiles the code of all and does not count.
	for (let round = 0; round <= rounds; round++) {
		for (const [name, create] of Object.entries(contenders)) {
			const contender = create();
			await Promise.all(Array.from({length: 1000}, (_, index) => contender.run(index)));
			const rate = await throughput(contender);
			const times = await latencies(contender);
			await contender.close();
			const shipped = functions[name.replace(/^loky, /v, '')];
			const encodingTime = shipped && encoding(shipped.fn);
			if (round > 0) {
				const result = results.get(name);
				result.rates.push(rate);
				result.p50.push(times[Math.floor(times.length * 0.5)]);
				result.p99.push(times[Math.floor(times.length * 0.99)]);
				result.encodings.push(encodingTime);
			}
		}
	}

	console.table(Object.fromEntries([...results].map(([name, {rates, p50, p99, encodings}]) => [name, {
		'p50 µs': median(p50).toFixed(0),
		'p50 min–max': spread(p50),
		'p99 µs': median(p99).toFixed(0),
		'p99 min–max': spread(p99),
		'tasks/s': Math.round(median(rates)),
		'tasks/s min–max': spread(rates),
		'encode µs': encodings[0] === undefined ? '' : median(encodings).toFixed(1),
		'encode min–max': encodings[0] === undefined ? '' : spread(encodings, 1),
	}])));
}

const stepOfConstants = (sum, index) => ((sum * factor) + index + settings.offset) % 1_000_003;
const stepOfVariable = (sum, index) => ((sum * factor) + index + counter) % 1_000_003;

/** Runs a step many times and measures itself, wherever it runs: ms, and the sum. */
function loopOfConstants(iterations) {
	const start = performance.now();
	let sum = 0;
	for (let index = 0; index < iterations; index++) {
		sum = stepOfConstants(sum, index);
	}

	return {sum, time: performance.now() - start};
}

function loopOfVariable(iterations) {
	const start = performance.now();
	let sum = 0;
	for (let index = 0; index < iterations; index++) {
		sum = stepOfVariable(sum, index);
	}

	return {sum, time: performance.now() - start};
}

/** The speed of functions that were captured, and of the originals. */
async function measureLoops() {
	const iterations = 3_000_000;
	const rows = {};
	const executor = new ProcessPoolExecutor({maxWorkers: 1});
	for (const [name, loop] of [
		['a function that captures constants', loopOfConstants],
		['a function that captures a reassigned let', loopOfVariable],
	]) {
		const here = [];
		const there = [];
		for (let round = 0; round <= 3 * rounds; round++) {
			const original = loop(iterations);
			const captured = await executor.submit(loop, iterations);
			check(captured.sum, original.sum);
			if (round > 0) {
				here.push(original.time);
				there.push(captured.time);
			}
		}

		rows[name] = {
			'captured ms': median(there).toFixed(1),
			'captured min–max': spread(there, 1),
			'original ms': median(here).toFixed(1),
			'original min–max': spread(here, 1),
			// Whatever else runs on the machine can only add to the time.
			'takes × the time, at best': (Math.min(...there) / Math.min(...here)).toFixed(2),
		};
	}

	await executor.shutdown();
	console.log(`\n${iterations} calls in one task of`);
	console.table(rows);
}

const run = promisify(execFile);

/** The first submit of a process, several processes each. */
async function firstSubmits(ways) {
	const times = new Map(Object.keys(ways).map(name => [name, {submit: [], result: []}]));
	for (let round = 0; round < rounds; round++) {
		for (const [name, childArguments] of Object.entries(ways)) {
			const {stdout} = await run(process.execPath, [child, ...childArguments]);
			const {submit, result} = JSON.parse(stdout);
			times.get(name).submit.push(submit);
			times.get(name).result.push(result);
		}
	}

	console.table(Object.fromEntries([...times].map(([name, {submit, result}]) => [name, {
		'submit() ms': median(submit).toFixed(1),
		'submit() min–max': spread(submit, 1),
		'result ms': median(result).toFixed(1),
		'result min–max': spread(result, 1),
	}])));
}

/** A module of 5 MB whose `taskOf` gives closures over a variable of the module, functions and objects of it, and a parameter. */
function largeModule() {
	const parts = ['let offset = 0;\nfunction weigh0(value) {\n\treturn value;\n}\n'];
	for (let index = 1, length = 0; length < 5_000_000; index++) {
		const part = `const table${index} = {name: 'entry ${index}', weight: ${index % 97}};
function weigh${index}(value, options = {}) {
	const {scale = 1} = options;
	return value > ${index} ? table${index}.weight * scale : weigh${index - 1}(value, options);
}
`;
		parts.push(part);
		length += part.length;
	}

	parts.push('offset += 8;\nexport const taskOf = less => value => value + offset - less + weigh1(0) - table1.weight;\n');
	return parts.join('');
}

async function measureFirstSubmits() {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'loky-bench-'));
	try {
		const file = path.join(folder, 'large.mjs');
		await writeFile(file, largeModule());
		await firstSubmits({
			'an exported function': ['exported'],
			'a closure': ['closure'],
			'a closure of a module of 5 MB, wanted below 1500 ms': ['module', pathToFileURL(file).href],
		});
	} finally {
		await rm(folder, {recursive: true});
	}
}

console.log(`Node ${process.version}, ${os.availableParallelism()} × ${os.cpus()[0].model.trim()}, ${workers} workers, ${tasks} tasks at once, ${roundTrips} round trips, medians of ${rounds} rounds\n`);
await measureTasks();
await measureLoops();
console.log('\nThe first submit of a process, its first worker included:');
await measureFirstSubmits();
