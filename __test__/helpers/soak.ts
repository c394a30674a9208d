/**
 * Many tasks on Node workers that are killed and stopped meanwhile. An oracle outside the pool compares what each future
 * tells with what ran.
 */
import assert from 'node:assert';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {
	CancelledError, ProcessPoolExecutor, TaskTimeoutError, TerminatedWorkerError, type ExecutorOptions, type Future,
} from 'loky';
import type * as Recorded from '../fixtures/recorded.js';
import {within} from './deadline.js';
import {RecordedRuns, type Run} from './recorded-runs.js';

export interface Soak {
	readonly tasks: number;
	readonly workers: number;
	/** Between two kills of a worker, in ms. */
	readonly killEvery: number;
	/** How many workers are stopped with SIGSTOP, each at another moment. */
	readonly stops: number;
	/** How many of 100 tasks are cancelled at once, and how many never end and have a timeout. */
	readonly cancelled: number;
	readonly endless: number;
	readonly options?: ExecutorOptions;
}

/** What became of a task. */
type Fate
	= | {readonly kind: 'returned' | 'cancelled'}
		| {readonly kind: 'died' | 'timed out'; readonly pid: number};

export interface Figures {
	returned: number;
	died: number;
	timedOut: number;
	cancelled: number;
	kills: number;
	stops: number;
	workersStarted: number;
	/** Resident memory of this process in MB, after a tenth of the tasks and at the end. */
	earlyMemory: number;
	lateMemory: number;
	seconds: number;
}

const longestTask = 3;
/** For tasks that end by themselves: only a stopped worker ever takes so long. */
const patience = 10_000;
/** So many tasks wait or run at most. */
const ahead = 2000;
/** Nothing takes that long, unless it hangs. */
const limit = 60_000;

/** Runs it. Throws where something was lost, ran twice, failed without cause, or never settled. */
export async function soak(plan: Soak): Promise<Figures> {
	const start = performance.now();
	const runs = new RecordedRuns();
	// A death before a task has begun is no fault of the task.
	const executor = new ProcessPoolExecutor({
		maxWorkers: plan.workers, maxPoisonRetries: 1000, shutdownTimeout: 2000, ...plan.options,
	});
	const deaths = new Map<number, number>();
	let workersStarted = 0;
	executor.on('worker:start', () => {
		workersStarted++;
	});
	executor.on('worker:exit', ({pid}) => {
		if (pid !== null) {
			deaths.set(pid, (deaths.get(pid) ?? 0) + 1);
		}
	});
	const end = new AbortController();
	const violence = harass(executor, plan, end.signal);
	try {
		const {fates, earlyMemory, lateMemory} = await submitAll(executor, plan, runs.file);
		end.abort();
		const {kills, stops} = await violence;
		await within(limit, executor.shutdown());
		const figures = {
			...judge(fates, runs.read(plan.tasks), plan), kills, stops, workersStarted, earlyMemory, lateMemory, seconds: Math.round((performance.now() - start) / 1000),
		};
		checkDeaths(fates, deaths);
		assert.ok(figures.died <= kills, `${figures.died} tasks died of ${kills} kills`);
		assert.ok(lateMemory - earlyMemory < 64, `memory grew from ${earlyMemory} to ${lateMemory} MB`);
		return figures;
	} finally {
		end.abort();
		await executor.shutdown({killWorkers: true});
		runs.remove();
	}
}

const isCancelled = (task: number, plan: Soak): boolean => task % 100 < plan.cancelled;
const isEndless = (task: number, plan: Soak): boolean => task % 100 >= 100 - plan.endless;

async function submitAll(executor: ProcessPoolExecutor, plan: Soak, file: string) {
	const url = new URL('../fixtures/recorded.js', import.meta.url);
	const ordinary = executor.with({timeout: patience}).module<typeof Recorded>(url);
	const limited = executor.with({timeout: 50}).module<typeof Recorded>(url);
	const fates = Array.from<Fate | null>({length: plan.tasks}).fill(null);
	const waiting: Array<{readonly task: number; readonly future: Future<number>}> = [];
	let earlyMemory = 0;
	let settled = 0;
	const settle = async (): Promise<void> => {
		const {task, future} = waiting.shift()!;
		const fate = fateOf(task, await within(limit, future.exception().then(null, (error: unknown) => error)), future);
		fates[task] = await fate;
		settled++;
		if (settled === Math.floor(plan.tasks / 10)) {
			earlyMemory = memory();
		}
	};

	for (let task = 0; task < plan.tasks; task++) {
		const future = isEndless(task, plan)
			? limited.recordedWithoutEnd(file, task)
			: ordinary.recorded(file, task, task * 7919 % longestTask);
		if (isCancelled(task, plan)) {
			future.cancel();
		}

		waiting.push({task, future});
		if (waiting.length > ahead) {
			await settle();
		}
	}

	while (waiting.length > 0) {
		await settle();
	}

	return {fates, earlyMemory, lateMemory: memory()};
}

async function fateOf(task: number, error: unknown, future: Future<number>): Promise<Fate> {
	if (error === null) {
		assert.equal(await future, (task * 2) + 1, 'the result of another task');
		return {kind: 'returned'};
	}

	if (error instanceof TaskTimeoutError) {
		return {kind: 'timed out', pid: error.pid!};
	}

	if (error instanceof TerminatedWorkerError) {
		assert.equal(error.signal, 'SIGKILL');
		return {kind: 'died', pid: error.pid!};
	}

	assert.ok(error instanceof CancelledError, `task ${task} failed for another reason: ${(error as Error).message}`);
	return {kind: 'cancelled'};
}

/** Compares what was told with what ran. */
function judge(fates: ReadonlyArray<Fate | null>, runs: readonly Run[], plan: Soak) {
	const counts = {
		returned: 0, died: 0, timedOut: 0, cancelled: 0,
	};
	let stopped = 0;
	for (const [task, run] of runs.entries()) {
		const fate = fates[task] ?? null;
		assert.ok(isTrue(fate, run), `task ${task}: told ${JSON.stringify(fate)}, but it was ${JSON.stringify(run)}`);
		assert.ok(fate.kind !== 'cancelled' || isCancelled(task, plan), `task ${task} was cancelled by nobody`);
		assert.ok(fate.kind !== 'returned' || !isEndless(task, plan));
		stopped += fate.kind === 'timed out' && !isEndless(task, plan) ? 1 : 0;
		counts[fate.kind === 'timed out' ? 'timedOut' : fate.kind]++;
	}

	assert.ok(stopped <= plan.stops, `${stopped} tasks of some ms took ${patience}`);
	return counts;
}

function isTrue(fate: Fate | null, run: Run): fate is Fate {
	switch (fate?.kind) {
		case undefined: {
			return false;
		}

		case 'returned': {
			return run.begun === 1 && run.ended === 1;
		}

		// A worker may die after it has claimed a task and before it has written that down, too.
		case 'died':
		case 'timed out': {
			return run.begun === 0 || (run.begun === 1 && run.pid === fate.pid);
		}

		case 'cancelled': {
			return run.begun === 0;
		}
	}
}

/** Each death costs one task at most. */
function checkDeaths(fates: ReadonlyArray<Fate | null>, deaths: ReadonlyMap<number, number>): void {
	const charged = new Map<number, number>();
	for (const fate of fates) {
		if (fate !== null && 'pid' in fate) {
			charged.set(fate.pid, (charged.get(fate.pid) ?? 0) + 1);
		}
	}

	for (const [pid, count] of charged) {
		assert.ok(count <= (deaths.get(pid) ?? 0), `the end of ${pid} cost ${count} tasks`);
	}
}

/** Kills and stops workers until the signal aborts. */
async function harass(executor: ProcessPoolExecutor, plan: Soak, signal: AbortSignal): Promise<{kills: number; stops: number}> {
	const counts = {kills: 0, stops: 0};
	let round = 0;
	while (!signal.aborted) {
		await delay(plan.killEvery, undefined, {signal}).catch(() => undefined);
		round++;
		// Not those that start: three such deaths in a row break a pool, as they should.
		const victims = executor.workers.filter(worker => worker.state === 'busy' || worker.state === 'idle');
		if (counts.stops < plan.stops && round % 2 === 1) {
			counts.stops += hit(victims.find(worker => worker.state === 'busy'), 'SIGSTOP');
		} else {
			counts.kills += hit(victims[round % Math.max(1, victims.length)], 'SIGKILL');
		}
	}

	return counts;
}

function hit(victim: {readonly pid: number | null} | undefined, signal: NodeJS.Signals): number {
	try {
		return victim?.pid && process.kill(victim.pid, signal) ? 1 : 0;
	} catch {
		// It was faster.
		return 0;
	}
}

function memory(): number {
	return Math.round(process.memoryUsage.rss() / 1e6);
}
