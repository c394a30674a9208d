/**
 * What an executor and its workers do, in numbers.
 */
import type {NativeWorkerState} from './native.js';

/** A worker as `executor.workers` shows it. Times in ms. */
export interface WorkerInfo {
	/** Below `maxWorkers`, or a little above while workers are replaced; that of a dead worker is used again. */
	readonly index: number;
	/** Null while its process is being started. */
	readonly pid: number | null;
	readonly state: 'starting' | 'idle' | 'busy' | 'exiting';
	/** Since its process was started; null before. */
	readonly age: number | null;
	/** The number of the task that it runs, as in the event `task:settle`; null between two tasks. */
	readonly task: number | null;
	/** For how long that task has been its next one, or has run. */
	readonly taskDuration: number | null;
	/** How many tasks it has finished. */
	readonly tasksDone: number;
}

/** What `executor.stats()` counts. A task is one `submit`, or one chunk of a `map`. */
export interface ExecutorStats {
	/** The sum of the next four. */
	readonly workers: number;
	readonly starting: number;
	readonly idle: number;
	readonly busy: number;
	readonly exiting: number;
	/** Tasks that are not settled, without those that run at this moment. */
	readonly pending: number;
	readonly running: number;
	/** All tasks so far: the sum of `pending`, `running`, `completed`, `failed` and `cancelled`. What could not be encoded is no task. */
	readonly submitted: number;
	readonly completed: number;
	readonly failed: number;
	readonly cancelled: number;
	/** Workers that became ready. */
	readonly workersStarted: number;
	/** Workers whose processes ended though nobody had asked them to. */
	readonly workersDied: number;
	/** Workers that were replaced between two tasks, as the event `recycle` tells. */
	readonly workersRecycled: number;
}

export const describeWorker = ({index, pid, state, age, running, runningFor, finished}: NativeWorkerState): WorkerInfo => ({
	index, pid, state, age, task: running, taskDuration: runningFor, tasksDone: finished,
});

/** Counts by states, and those that run a task. */
export function countWorkers(workers: readonly NativeWorkerState[]): Pick<ExecutorStats, 'workers' | 'running' | NativeWorkerState['state']> {
	const count = (state: NativeWorkerState['state']): number => workers.filter(worker => worker.state === state).length;
	return {
		workers: workers.length,
		starting: count('starting'),
		idle: count('idle'),
		busy: count('busy'),
		exiting: count('exiting'),
		running: workers.filter(({running}) => running !== null).length,
	};
}
