/**
 * What becomes of the processes that tasks have started: they end with their worker, and nobody else does.
 */
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {
	ProcessPoolExecutor, TerminatedWorkerError, type ExecutorOptions,
} from 'loky';
import * as descendants from './fixtures/descendants.js';
import {eventually, within} from './helpers/deadline.js';
import {childrenOf, processesNaming, processState} from './helpers/processes.js';
import {leavingNothing} from './helpers/with-executor.js';

type Jobs = typeof descendants;

const fixture = new URL('fixtures/descendants.js', import.meta.url);
const parentProgram = fileURLToPath(new URL('fixtures/descendants-parent.js', import.meta.url));
const {descendantsPerStart} = descendants;

let tokens = 0;

/** A number of seconds that no other process of this machine sleeps for. */
const nextToken = (): string => `60.${process.pid}${String(tokens++).padStart(3, '0')}1`;

const started = async (token: string, count = descendantsPerStart): Promise<unknown> =>
	eventually(() => sleepersWith(token), pids => pids.length === count, 10_000);

/** Without the shell that starts the daemon. */
const sleepersWith = (token: string): number[] => processesNaming(token, /^(?:\/bin\/)?sleep$/v);

async function assertGoneSoon(t: ExecutionContext, token: string): Promise<void> {
	await t.notThrowsAsync(eventually(() => processesNaming(token), pids => pids.length === 0, 1000));
}

const watches = [['a pidfd', {}], ['a thread', {LOKY_TEST_DEATH_WATCH: 'thread'}]] as const;

interface Scene {
	readonly executor: ProcessPoolExecutor;
	readonly pid: number;
}

const ends: ReadonlyArray<readonly [how: string, options: ExecutorOptions, end: (scene: Scene) => Promise<unknown>]> = [
	['is killed', {}, async ({pid}) => process.kill(pid, 'SIGKILL')],
	['has a timeout', {}, async ({executor}) => executor.with({timeout: 50}).module<Jobs>(fixture).spin().exception()],
	['is killed by an abort', {}, async ({executor}) => {
		const controller = new AbortController();
		const future = executor.with({signal: controller.signal}).module<Jobs>(fixture).spin();
		await eventually(() => future.running(), Boolean);
		controller.abort();
		return future.exception();
	}],
	['runs process.exit', {}, async ({executor}) => executor.submit(() => process.exit(0)).exception()],
	['kills its own process group', {}, async ({executor}) => executor.module<Jobs>(fixture).killOwnGroup().exception()],
	['is idle for too long', {timeout: 50}, async () => undefined],
	['leaves at a shutdown', {}, async ({executor}) => executor.shutdown()],
	['is killed by a shutdown', {}, async ({executor}) => executor.shutdown({killWorkers: true})],
];

for (const [watch, env] of watches) {
	for (const [how, options, end] of ends) {
		test.serial(`no process that a task has started outlives a worker that ${how} by a second, and no other is touched (${watch})`, async t => {
			await leavingNothing(t, async () => {
				const [mine, others, bystanders] = [nextToken(), nextToken(), nextToken()];
				const other = new ProcessPoolExecutor({maxWorkers: 1, env});
				const executor = new ProcessPoolExecutor({maxWorkers: 1, env, ...options});
				const bystander = spawn('sleep', [bystanders], {stdio: 'ignore', detached: true});
				try {
					await other.module<Jobs>(fixture).startDescendants(others);
					await executor.module<Jobs>(fixture).startDescendants(mine);
					const [{pid} = {pid: null}] = executor.workers;
					await started(others);
					if (how !== 'is idle for too long') {
						await started(mine);
					}

					await within(5000, end({executor, pid: pid!}));
					await assertGoneSoon(t, mine);
					t.is(sleepersWith(others).length, descendantsPerStart);
					t.is(sleepersWith(bystanders).length, 1);
				} finally {
					await Promise.all([executor.shutdown({killWorkers: true}), other.shutdown({killWorkers: true})]);
					bystander.kill('SIGKILL');
					await once(bystander, 'exit');
				}

				t.deepEqual(processesNaming(others), []);
			});
		});
	}
}

for (const scenario of ['idle', 'busy']) {
	test.serial(`no process that a task has started outlives a parent that is ${scenario} and killed with SIGKILL by a second`, async t => {
		const token = nextToken();
		const parent = spawn(process.execPath, [parentProgram, scenario, token], {stdio: 'inherit'});
		const exited = once(parent, 'exit');
		await started(token);
		const workers = childrenOf(parent.pid);
		parent.kill('SIGKILL');
		await within(5000, exited);
		await assertGoneSoon(t, token);
		await eventually(() => workers.map(pid => processState(pid)), states => states.every(state => state === null || state === 'Z'), 500);
	});
}

for (const [scenario, expected] of [['exits', 7], ['ends', 0]] as const) {
	test.serial(`no process that a task has started is left when a parent ${scenario}`, async t => {
		const token = nextToken();
		const parent = spawn(process.execPath, [parentProgram, scenario, token], {stdio: 'inherit'});
		const [code] = await within(20_000, once(parent, 'exit')) as [number];
		t.is(code, expected);
		await assertGoneSoon(t, token);
	});
}

test.serial('a worker that dies takes the workers of its own executors with it, and what their tasks have started', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 1});
		const token = nextToken();
		const inner = await executor.module<Jobs>(fixture).startDescendantsOfInnerWorker(token);
		await started(token);
		process.kill(executor.workers[0]!.pid!, 'SIGKILL');
		await assertGoneSoon(t, token);
		await eventually(() => processState(inner), state => state === null || state === 'Z', 1000);
		await executor.shutdown();
	});
});

test.serial('with killDescendants: false what has left the process group lives on', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 1, killDescendants: false});
		const token = nextToken();
		await executor.module<Jobs>(fixture).startDescendants(token);
		await started(token);
		await executor.shutdown();
		await eventually(() => sleepersWith(token), pids => pids.length === descendantsPerStart - 1);
		for (const pid of sleepersWith(token)) {
			process.kill(pid, 'SIGKILL');
		}
	});
});

test.serial('each future settles once and the executor heals when all its processes are killed at once, eight times under load', async t => {
	await leavingNothing(t, async () => {
		const executor = new ProcessPoolExecutor({maxWorkers: 3, maxPoisonRetries: 100});
		const jobs = executor.module<Jobs>(fixture);
		const token = nextToken();
		const settled: number[] = [];
		const futures = Array.from({length: 300}, (_, item) => {
			const future = jobs.sleep(5);
			future.addDoneCallback(() => {
				settled.push(item);
			});
			return future;
		});
		for (let round = 0; round < 8; round++) {
			const running = [jobs.startDescendants(token), ...Array.from({length: 6}, () => jobs.sleep(20))];
			await within(10_000, running[0]!.exception());
			await eventually(() => running.some(future => future.running()) || running.every(future => future.done()), Boolean);
			for (const pid of [...childrenOf(), ...processesNaming(token)]) {
				try {
					process.kill(pid, 'SIGKILL');
				} catch {
					// It has ended.
				}
			}

			futures.push(...running);
		}

		const outcomes = await within(20_000, Promise.allSettled(futures));
		t.true(outcomes.every(outcome => outcome.status === 'fulfilled' || outcome.reason instanceof TerminatedWorkerError));
		t.deepEqual(settled.toSorted((a, b) => a - b), [...Array.from({length: 300}).keys()]);
		await within(10_000, jobs.sleep(1));
		await executor.shutdown();
		t.deepEqual(processesNaming(token), []);
	});
});

const isAllowed = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;

(isAllowed ? test.serial : test.serial.skip)('a program that is the first process of a container is left without zombies', async t => {
	const token = nextToken();
	const container = spawn('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, parentProgram, 'init', token], {stdio: 'inherit'});
	try {
		const [program] = await (async () => {
			await eventually(() => childrenOf(container.pid), children => children.length === 1, 10_000);
			return childrenOf(container.pid);
		})();
		await eventually(() => childrenOf(program).length, count => count > 0, 20_000);
		// The worker, and the daemon that it has made an orphan.
		await t.notThrowsAsync(eventually(() => childrenOf(program), children => children.length === 0, 20_000));
		t.deepEqual(processesNaming(token, /sleep$/v), []);
	} finally {
		container.kill('SIGKILL');
	}
});
