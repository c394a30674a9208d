/**
 * How long after the SIGKILL of a worker its task has failed, and how long until the next task runs.
 * Beside it `child_process.fork` of a process of the same size with its own `exit` event, and workerpool with processes, in turn.
 * Most of each time is the kernel's, which frees the memory of the process first; only differences within one run mean anything.
 *
 * npm run bench:deaths [-- --kills 300 --megabytes 0,100,500 --contenders loky,fork]
 */
import {fork} from 'node:child_process';
import {once} from 'node:events';
import os from 'node:os';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {ProcessPoolExecutor} from 'loky';
import workerpool from 'workerpool';
import {clock} from './idle.js';

const {values} = parseArgs({
	options: {
		kills: {type: 'string', default: '300'},
		megabytes: {type: 'string', default: '0,100,500'},
		replacements: {type: 'string', default: '50'},
		contenders: {type: 'string', default: ''},
	},
});
const kills = Number(values.kills);
const replacements = Number(values.replacements);
const sizes = values.megabytes.split(',').map(Number);

const program = new URL('idle.js', import.meta.url);

/** Each contender makes a process of a size that idles: `pid`, its `rss`, `death` settles when it is known to be dead. */
const contenders = {
	loky() {
		const executor = new ProcessPoolExecutor({maxWorkers: 1});
		const tasks = executor.module(program);
		return {
			async start(megabytes) {
				const {pid, rss} = await tasks.hold(megabytes);
				const task = tasks.idle();
				const death = task.exception();
				while (!task.running()) {
					await delay(1);
				}

				return {pid, rss, death: async () => expectPid(await death, pid)};
			},
			/** From the death to the next task at work: `next` was submitted before the kill. */
			async replace() {
				const {pid} = await tasks.hold(0);
				const task = tasks.idle();
				while (!task.running()) {
					await delay(1);
				}

				const next = tasks.clock();
				await delay(20);
				const start = clock();
				process.kill(pid, 'SIGKILL');
				await task.exception();
				return await next - start;
			},
			close: () => executor.shutdown({killWorkers: true}),
		};
	},
	fork() {
		const start = async megabytes => {
			const child = fork(program, ['child', String(megabytes)]);
			const exit = once(child, 'exit');
			const [{pid, rss}] = await once(child, 'message');
			return {pid, rss, death: () => exit};
		};

		return {
			start,
			async replace() {
				const {pid, death} = await start(0);
				await delay(20);
				const begin = clock();
				process.kill(pid, 'SIGKILL');
				await death();
				const next = await start(0);
				const end = clock();
				process.kill(next.pid, 'SIGKILL');
				await next.death();
				return end - begin;
			},
			async close() {
				// Each process is dead by then.
			},
		};
	},
	workerpool() {
		const pool = workerpool.pool(fileURLToPath(new URL('idle-workerpool.js', import.meta.url)), {workerType: 'process', maxWorkers: 1});
		return {
			async start(megabytes) {
				const {pid, rss} = await pool.exec('hold', [megabytes]);
				const death = pool.exec('idle').then(() => null, error => error);
				return {pid, rss, death: () => death};
			},
			close: () => pool.terminate(true),
		};
	},
};

function expectPid(error, pid) {
	if (error?.pid !== pid) {
		throw new Error('It failed for another reason', {cause: error});
	}
}

const chosen = values.contenders === '' ? Object.keys(contenders) : values.contenders.split(',');

/** In turn, each time in another order, so that what the machine does meanwhile hits all alike. */
async function inTurn(names, rounds, once) {
	const pools = names.map(name => ({name, pool: contenders[name]()}));
	const results = new Map(names.map(name => [name, []]));
	for (let round = 0; round < rounds; round++) {
		for (const {name, pool} of round % 2 === 0 ? pools : pools.toReversed()) {
			results.get(name).push(await once(pool));
		}
	}

	for (const {pool} of pools) {
		await pool.close();
	}

	// The first ones compile the code of all contenders.
	return new Map([...results].map(([name, seen]) => [name, seen.slice(5)]));
}

async function kill(pool, megabytes) {
	const {pid, rss, death} = await pool.start(megabytes);
	// It comes to rest, and so do we.
	await delay(20);
	const start = performance.now();
	process.kill(pid, 'SIGKILL');
	await death();
	return {time: performance.now() - start, rss};
}

const quantile = (numbers, share) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * share)];

console.log(`Node ${process.version}, ${os.availableParallelism()} × ${os.cpus()[0].model.trim()}`);
for (const megabytes of sizes) {
	const results = await inTurn(chosen, kills + 5, pool => kill(pool, megabytes));
	console.log(`\nSIGKILL to the failed task (fork: to its \`exit\` event), ms, ${kills} kills each, ${megabytes === 0 ? 'as small as it gets' : `${megabytes} MB`}`);
	console.table(Object.fromEntries([...results].map(([name, seen]) => {
		const times = seen.map(({time}) => time);
		return [name, {
			MB: Math.round(quantile(seen.map(({rss}) => rss), 0.5) / 1e6),
			min: Math.min(...times).toFixed(2), p50: quantile(times, 0.5).toFixed(2), p90: quantile(times, 0.9).toFixed(2), p99: quantile(times, 0.99).toFixed(2),
		}];
	})));
}

if (replacements > 0) {
	// Not workerpool: it does not go on with its queue after a death.
	const results = await inTurn(chosen.filter(name => name !== 'workerpool'), replacements + 5, pool => pool.replace());
	console.log(`\nSIGKILL to the next task at work in another process, ms, ${replacements} times each`);
	console.table(Object.fromEntries([...results].map(([name, times]) => [name, {
		min: Math.min(...times).toFixed(1), p50: quantile(times, 0.5).toFixed(1), p99: quantile(times, 0.99).toFixed(1),
	}])));
}
