/**
 * How long the main thread of a program that holds much memory stands still while a worker is spawned: ours, and Node's own
 * `child_process.spawn` beside it. A loop on the main thread looks at the clock without a pause; the largest gap of a round counts.
 * Time in which the thread could run and others had the cores is not counted, where the kernel tells it (Linux); the rounds without
 * any spawn tell what else the machine does.
 *
 * npm run bench:spawns [-- --gib 4 --rounds 30]
 */
import {Buffer} from 'node:buffer';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {openSync, readSync} from 'node:fs';
import os from 'node:os';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {ProcessPoolExecutor} from 'loky';

const {values} = parseArgs({
	options: {
		gib: {type: 'string', default: '4'},
		rounds: {type: 'string', default: '30'},
	},
});
const rounds = Number(values.rounds);
const roundLength = 30;

/** Written to, so that it is there. */
const held = Array.from({length: Number(values.gib)}, () => Buffer.alloc(2 ** 30, 1));

const schedule = openSchedule();
const text = Buffer.alloc(100);

function openSchedule() {
	try {
		return openSync(`/proc/self/task/${process.pid}/schedstat`);
	} catch {
		return null;
	}
}

/** For how long this thread has waited for a core since it began, in ms. */
function waited() {
	if (schedule === null) {
		return 0;
	}

	const length = readSync(schedule, text, 0, text.length, 0);
	return Number(text.toString('latin1', 0, length).split(' ')[1]) / 1e6;
}

/** How long the call takes, but for what it waits for a core. */
function timed(call) {
	const waitedBefore = waited();
	const start = performance.now();
	const result = call();
	return {result, time: performance.now() - start - (waited() - waitedBefore)};
}

/** The gaps above 0.1 ms between two looks at the clock, in ms. */
function watch(milliseconds, gaps) {
	let waitedBefore = waited();
	let last = performance.now();
	const end = last + milliseconds;
	while (last < end) {
		let now = performance.now();
		if (now - last > 0.1) {
			const waitedUntilNow = waited();
			gaps.push(now - last - (waitedUntilNow - waitedBefore));
			waitedBefore = waitedUntilNow;
			now = performance.now();
		}

		last = now;
	}
}

const executor = new ProcessPoolExecutor({maxWorkers: 1});

/** Each starts one process and then leaves it alone. `call` is how long the call itself takes. */
const contenders = {
	async 'no spawn'(gaps) {
		watch(roundLength, gaps);
		return 0;
	},
	async loky(gaps) {
		const {result: future, time: call} = timed(() => executor.submit(Math.abs, -1));
		// The supervisor's thread spawns meanwhile.
		watch(roundLength, gaps);
		await future;
		const [worker] = executor.workers;
		process.kill(worker.pid, 'SIGKILL');
		while (executor.workers.length > 0) {
			await delay(1);
		}

		return call;
	},
	async 'child_process.spawn'(gaps) {
		const {result: child, time: call} = timed(() => spawn(process.execPath, ['--eval', '0'], {stdio: 'ignore'}));
		watch(roundLength, gaps);
		await once(child, 'exit');
		return call;
	},
};

const results = new Map(Object.keys(contenders).map(name => [name, {largest: [], calls: []}]));
for (let round = 0; round < rounds + 2; round++) {
	for (const [name, run] of Object.entries(contenders)) {
		const gaps = [0];
		const call = await run(gaps);
		// The first rounds compile the code.
		if (round >= 2) {
			results.get(name).largest.push(Math.max(call, ...gaps));
			results.get(name).calls.push(call);
		}

		await delay(20);
	}
}

await executor.shutdown();

const quantile = (numbers, share) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * share)].toFixed(2);

console.log(`Node ${process.version}, ${os.availableParallelism()} × ${os.cpus()[0].model.trim()}, ${held.length} GiB held, ${rounds} rounds of ${roundLength} ms each`);
console.table(Object.fromEntries([...results].map(([name, {largest, calls}]) => [name, {
	'largest gap, median ms': quantile(largest, 0.5), 'p90 ms': quantile(largest, 0.9), 'worst ms': quantile(largest, 0.999), 'the call itself, median ms': quantile(calls, 0.5), 'worst call ms': quantile(calls, 0.999),
}])));
