/**
 * Workers are killed, stopped and continued at random while tasks of every kind run; an oracle outside the pool compares
 * what each future gave with what its task must give. Not in the gate: `npm run stress [-- seconds]`.
 */
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {
	CancelledError, ProcessPoolExecutor, TerminatedWorkerError, type Future,
} from 'loky';
import type * as Jobs from '../fixtures/jobs.js';
import {eventually, within} from '../helpers/deadline.js';
import {childrenOf, openDescriptors, sharedMappings} from '../helpers/processes.js';

const seconds = Number(process.argv[2] ?? 60);
const jobsUrl = new URL('../fixtures/jobs.js', import.meta.url);

interface Tally {
	tasks: number;
	returned: number;
	threw: number;
	cancelled: number;
	terminated: number;
	kills: number;
}

/** One executor, some seconds of work and violence. */
async function round(tally: Tally, watch: 'thread' | 'pidfd'): Promise<void> {
	const executor = new ProcessPoolExecutor({
		maxWorkers: 4, env: {LOKY_TEST_DEATH_WATCH: watch}, maxPoisonRetries: 100, shutdownTimeout: 2000,
	});
	const jobs = executor.module<typeof Jobs>(jobsUrl);
	const expectations = new Map<Future<unknown>, unknown>();
	for (let item = 0; item < 2000; item++) {
		const kind = Math.floor(Math.random() * 10);
		if (kind < 6) {
			expectations.set(jobs.add(item, 1), item + 1);
		} else if (kind < 8) {
			expectations.set(jobs.addLater(item, 1, Math.random() * 4), item + 1);
		} else if (kind === 8) {
			expectations.set(jobs.throwTypeError(), TypeError);
		} else {
			expectations.set(jobs.identity('x'.repeat(item * 20)), 'x'.repeat(item * 20));
		}
	}

	tally.tasks += expectations.size;
	let kills = 0;
	const end = new AbortController();
	const violence = (async () => {
		while (!end.signal.aborted) {
			await delay(Math.random() * 60);
			// Not those that start: three such deaths in a row break a pool, as they should.
			const victims = executor.workers.filter(worker => worker.state === 'busy' || worker.state === 'idle');
			const victim = victims[Math.floor(Math.random() * victims.length)];
			if (victim?.pid) {
				try {
					process.kill(victim.pid, Math.random() < 0.9 ? 'SIGKILL' : 'SIGSEGV');
					kills++;
				} catch {
					// It was faster.
				}
			}
		}
	})();
	for (const [index, future] of [...expectations.keys()].entries()) {
		if (index % 50 === 0) {
			future.cancel();
		}
	}

	const terminatedBefore = tally.terminated;
	for (const [future, expected] of expectations) {
		const error = await within(60_000, future.exception().then(null, (error_: unknown) => error_));
		if (error === null) {
			if (await future !== expected) {
				throw new Error(`A wrong result: ${String(await future)} instead of ${String(expected)}`);
			}

			tally.returned++;
		} else if (error instanceof TerminatedWorkerError) {
			tally.terminated++;
		} else if (error instanceof CancelledError) {
			tally.cancelled++;
		} else if (typeof expected === 'function' && error instanceof TypeError) {
			tally.threw++;
		} else {
			throw error as Error;
		}
	}

	end.abort();
	await violence;
	tally.kills += kills;
	if (tally.terminated - terminatedBefore > kills) {
		throw new Error(`${tally.terminated - terminatedBefore} tasks failed of ${kills} deaths`);
	}

	await within(10_000, executor.shutdown());
}

const tally: Tally = {
	tasks: 0, returned: 0, threw: 0, cancelled: 0, terminated: 0, kills: 0,
};
// The first round opens what stays open, such as the descriptors of Node's own signal handling.
await round(tally, 'pidfd');
const descriptors = openDescriptors().length;
const end = performance.now() + (seconds * 1000);
while (performance.now() < end) {
	await round(tally, Math.random() < 0.5 ? 'thread' : 'pidfd');
	await eventually(() => childrenOf(), children => children.length === 0, 2000);
	await eventually(() => openDescriptors().length, count => count <= descriptors, 2000);
	if (sharedMappings().length > 0) {
		throw new Error('Shared memory is left mapped');
	}
}

console.log(JSON.stringify(tally));
