/**
 * The program that uses a pool: one scenario with one peer, in a process and a working directory of its own. Everything that it sees goes to a
 * file line by line, so that what was seen before it died, or before somebody killed it, counts.
 *
 * node host.js <peer> <row> <variant> <file> <patience>
 */
import fs from 'node:fs';
import {createRequire} from 'node:module';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {settlement} from './observed.js';
import {survivorsOf} from './processes.js';
import {adapterOf, peers} from './peers.js';
import {scenarios} from './scenarios/index.js';

const [id, row, variant, file, patienceText] = process.argv.slice(2);
const patience = Number(patienceText);
const peer = peers.find(candidate => candidate.id === id);
const scenario = scenarios.find(candidate => candidate.row === Number(row));
const adapter = await adapterOf(peer);

const record = (name, value) => {
	fs.appendFileSync(file, `${JSON.stringify({name, value: value ?? null})}\n`);
};

let pool;
const stage = {
	peer,
	variant,
	patience,
	record,
	canLimitTime: peer.deadline !== 'none',
	/** Opens the pool. Options: `workers`, `heapMegabytes`, `deadline` in ms, `inOrder`, `broken`, `byDefault`. */
	open(options) {
		pool = adapter.open(peer.mode, {
			workers: 2,
			inOrder: false,
			broken: false,
			byDefault: false,
			...options,
			tasks: Object.keys(createRequire(import.meta.url)('./workers/tasks.cjs')),
			notice(error) {
				record('notice', String(error?.message ?? error));
			},
		});
		return pool;
	},
	/** Opens the pool and lets each worker do something, so that all of them have started. */
	async openWarm(options) {
		stage.open(options);
		const count = options?.workers ?? 2;
		let results;
		// Where a deadline is for all tasks of a pool, the start of a worker may be too slow for it.
		for (let round = 0; round < 5; round++) {
			results = await Promise.all(Array.from({length: count}, () => settlement(() => pool.run('sleep', {mark: 'warm', ms: 30}), 15_000)));
			if (results.every(({status}) => status === 'fulfilled')) {
				record('warm');
				return pool;
			}
		}

		throw new Error(`The workers have not started: ${JSON.stringify(results)}`);
	},
	/** Waits for a promise and writes down what became of it. */
	async watch(name, start, within = patience) {
		const outcome = await settlement(start, within);
		record(name, outcome.status === 'fulfilled' && typeof outcome.value === 'function' ? {...outcome, value: null} : outcome);
		return outcome;
	},
	/** Waits until a task has written `file`, and gives its text. */
	async text(name) {
		const until = performance.now() + patience;
		while (!fs.existsSync(name)) {
			if (performance.now() > until) {
				throw new Error(`No task has written ${name}.`);
			}

			await delay(5);
		}

		return fs.readFileSync(name, 'utf8');
	},
	/** Waits until a task with this mark has started. */
	async started(mark) {
		const until = performance.now() + patience;
		for (;;) {
			const text = await stage.text('starts');
			if (text.split('\n').includes(mark)) {
				return;
			}

			if (performance.now() > until) {
				throw new Error(`The task ${mark} has not started.`);
			}

			await delay(5);
		}
	},
};

try {
	await scenario.run(stage);
} catch (error) {
	// The pool did not get as far as the fault.
	record('unfit', String(error?.stack ?? error));
}

record('done');
if (!scenario.closes && pool !== undefined) {
	await settlement(() => pool.close(), 1500);
	// Some pools kill a little later; a program that ends at once would leave what they mean to end.
	await survivorsOf(process.cwd(), 1500);
}

process.exit(0);
