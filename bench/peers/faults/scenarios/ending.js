/** The pool, its program or a task ends while something runs: nothing stays behind. */
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {isRunning, survivorsOf} from '../processes.js';
import {settlement} from '../observed.js';

export const closeWhileBusy = {
	row: 16,
	title: 'the pool is closed, by force where it can, while a task spins; ms',
	closes: true,
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		const spinning = stage.watch('spinning', () => pool.run('endless', {mark: 'endless'}), stage.patience + 1000);
		const queued = stage.watch('queued', () => pool.run('add', {a: 1, b: 2}), stage.patience + 1000);
		await stage.started('endless');
		await stage.watch('closed', () => pool.close());
		await Promise.all([spinning, queued]);
		const left = await survivorsOf(process.cwd(), 1000);
		// A loop in a thread of this process shows in its time on the processor.
		const before = process.cpuUsage();
		await delay(300);
		const {user, system} = process.cpuUsage(before);
		stage.record('left', {processes: left.length, loop: user + system > 200_000});
	},
	judge: seen => [
		seen.closed?.status === 'fulfilled' ? 'ok' : 'HANG',
		...(seen.spinning?.status === 'pending' || seen.queued?.status === 'pending' ? ['HANG'] : []),
		...(seen.left?.processes > 0 || seen.left?.loop ? ['ORPH'] : []),
	],
	figures: seen => seen.closed?.status === 'fulfilled' ? [seen.closed.milliseconds] : [],
};

export const programKilled = {
	row: 17,
	title: 'SIGKILL of the program while its worker is idle / awaits / spins',
	variants: ['idle', 'awaiting', 'busy'],
	killsHost: true,
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		if (stage.variant !== 'idle') {
			const task = stage.variant === 'awaiting' ? 'sleep' : 'endless';
			settlement(() => pool.run(task, {mark: 'held', ms: 60_000}), 60_000);
			await stage.started('held');
		}

		stage.record('done');
		process.kill(process.pid, 'SIGKILL');
	},
	judge: () => ['ok'],
};

export const grandchild = {
	row: 18,
	title: 'a task has started `sleep`; its deadline passes, or the pool is closed',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1, deadline: 1500});
		const task = stage.canLimitTime
			? () => pool.runTimeout('spawnSleep', null, 1500)
			: () => pool.run('spawnSleep', null);
		const watched = stage.watch('task', task);
		const pid = Number(await stage.text('grandchild'));
		if (!stage.canLimitTime) {
			await settlement(() => pool.close(), stage.patience);
		}

		await watched;
		const until = performance.now() + 1500;
		while (isRunning(pid) && performance.now() < until) {
			await delay(20);
		}

		stage.record('alive', isRunning(pid));
	},
	judge: seen => [seen.alive === false ? 'ok' : 'ORPH'],
};
