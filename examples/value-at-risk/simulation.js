/**
 * All tasks, over the workers of an executor or in this thread alone.
 */
import {createHash} from 'node:crypto';
import {asCompleted, TerminatedWorkerError} from 'loky';
import {countsLength, simulate} from './bootstrap.js';
import {addCounts} from './histogram.js';

// A task that takes its worker with it again and again will do so forever.
const maxAttempts = 3;

/** What the tasks of one run add up to. */
export class Outcome {
	/** The counts of all tasks together. */
	counts = new Float64Array(countsLength);
	/** Of each task's own counts, by its number. */
	fingerprints = [];
	/** How many tasks have run more than once. */
	repeated = 0;

	add(task, counts) {
		addCounts(this.counts, counts);
		this.fingerprints[task] = createHash('sha256').update(counts).digest('hex');
	}

	/** Equal only if every single task has given the same numbers. */
	get checksum() {
		return createHash('sha256').update(this.fingerprints.join('')).digest('hex').slice(0, 16);
	}
}

/** Runs the tasks with the numbers `from` up to `to` in this thread. */
export function simulateAlone(from, to, paths) {
	const outcome = new Outcome();
	const start = performance.now();
	for (let task = from; task < to; task++) {
		outcome.add(task, simulate(task, paths));
	}

	return {outcome, duration: performance.now() - start};
}

/**
 * Runs `tasks` tasks in workers. A task whose worker dies is submitted again, and no other.
 *
 * @param {import('loky').ProcessPoolExecutor} executor
 * @param {object} job
 * @param {number} job.tasks
 * @param {number} job.paths of each task
 * @param {(done: number) => void} [job.onProgress]
 * @param {(task: number, error: TerminatedWorkerError) => void} [job.onDeath]
 */
export async function simulateInWorkers(executor, {tasks, paths, onProgress, onDeath}) {
	const outcome = new Outcome();
	const {simulate} = executor.module(new URL('bootstrap.js', import.meta.url));
	let done = 0;
	let round = new Map(Array.from({length: tasks}, (_, task) => [simulate(task, paths), {task, attempt: 1}]));
	while (round.size > 0) {
		const nextRound = new Map();
		for await (const future of asCompleted(round.keys())) {
			const {task, attempt} = round.get(future);
			try {
				outcome.add(task, await future);
				onProgress?.(++done);
			} catch (error) {
				if (!(error instanceof TerminatedWorkerError) || attempt === maxAttempts) {
					throw error;
				}

				onDeath?.(task, error);
				outcome.repeated++;
				nextRound.set(simulate(task, paths), {task, attempt: attempt + 1});
			}
		}

		round = nextRound;
	}

	return outcome;
}
