/**
 * No-op tasks: how many a second when 100,000 are submitted at once, and how long one takes there and back.
 * Peers run beside us in the same process, in turn, each result is checked, and only ratios within one run mean anything.
 *
 * npm run bench [-- --tasks 100000 --round-trips 5000 --rounds 5]
 */
import os from 'node:os';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {ProcessPoolExecutor} from 'loky';
import {Piscina} from 'piscina';

const {values} = parseArgs({
	options: {
		tasks: {type: 'string', default: '100000'},
		'round-trips': {type: 'string', default: '5000'},
		rounds: {type: 'string', default: '5'},
		workers: {type: 'string', default: '2'},
	},
});
const tasks = Number(values.tasks);
const roundTrips = Number(values['round-trips']);
const rounds = Number(values.rounds);
const workers = Number(values.workers);

const filename = new URL('echo.js', import.meta.url);

/** Each contender: `run` one task that gives its argument back, `close`. */
const contenders = {
	loky() {
		const executor = new ProcessPoolExecutor({maxWorkers: workers});
		const {echo} = executor.module(filename);
		return {run: value => echo(value), close: () => executor.shutdown()};
	},
	'piscina, default': () => piscina({}),
	'piscina, 32 tasks a thread': () => piscina({concurrentTasksPerWorker: 32, recordTiming: false}),
	'piscina, without atomics': () => piscina({atomics: 'disabled', concurrentTasksPerWorker: 100_000, recordTiming: false}),
};

function piscina(options) {
	const pool = new Piscina({
		filename: filename.href, name: 'echo', minThreads: workers, maxThreads: workers, idleTimeout: Infinity, ...options,
	});
	return {run: value => pool.run(value), close: () => pool.destroy()};
}

function check(seen, expected) {
	if (seen !== expected) {
		throw new Error(`A wrong result: ${seen} instead of ${expected}`);
	}
}

/** Tasks a second with all of them submitted at once. */
async function throughput({run}) {
	const start = performance.now();
	const results = Array.from({length: tasks}, (_, index) => run(index));
	for (const [index, result] of results.entries()) {
		check(await result, index);
	}

	return tasks / (performance.now() - start) * 1000;
}

/** The times of single round trips, in µs, sorted. */
async function latencies({run}) {
	const times = [];
	for (let index = 0; index < roundTrips; index++) {
		const start = performance.now();
		check(await run(index), index);
		times.push((performance.now() - start) * 1000);
	}

	return times.toSorted((a, b) => a - b);
}

const median = numbers => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const results = new Map(Object.keys(contenders).map(name => [name, {rates: [], p50: [], p99: []}]));
// In turn, and each round anew: a machine that slows down slows all of them.
for (let round = 0; round <= rounds; round++) {
	for (const [name, create] of Object.entries(contenders)) {
		const pool = create();
		// Warm workers, warm code.
		await Promise.all(Array.from({length: 1000}, (_, index) => pool.run(index)));
		const rate = await throughput(pool);
		const times = await latencies(pool);
		await pool.close();
		// The first round compiles the code of all contenders and does not count.
		if (round > 0) {
			const result = results.get(name);
			result.rates.push(rate);
			result.p50.push(times[Math.floor(times.length * 0.5)]);
			result.p99.push(times[Math.floor(times.length * 0.99)]);
		}
	}
}

const ours = results.get('loky');
console.log(`Node ${process.version}, ${os.availableParallelism()} × ${os.cpus()[0].model.trim()}, ${workers} workers, ${tasks} tasks at once, ${roundTrips} round trips, medians of ${rounds} rounds\n`);
console.table(Object.fromEntries([...results].map(([name, {rates, p50, p99}]) => [name, {
	'tasks/s': Math.round(median(rates)),
	'min–max': `${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))}`,
	'loky is × as fast': (median(ours.rates) / median(rates)).toFixed(1),
	'p50 µs': median(p50).toFixed(1),
	'p99 µs': median(p99).toFixed(1),
	'loky takes × the time': (median(ours.p50) / median(p50)).toFixed(2),
}])));
