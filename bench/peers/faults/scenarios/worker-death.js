/** A worker ends in the middle of a task: that task must fail with the reason, once, and nobody else may notice. */
import {
	alive, ranOnce, rejectedFor, unharmed,
} from '../judgements.js';

function death({row, title, task, argument, reason, patience, heapMegabytes}) {
	return {
		row,
		title,
		async run(stage) {
			const within = Math.max(stage.patience, patience ?? 0);
			const pool = await stage.openWarm({heapMegabytes});
			await Promise.all([
				stage.watch('neighbour', () => pool.run('sleep', {mark: 'neighbour', ms: 400}), within),
				stage.watch('fault', () => pool.run(task, {mark: 'fault', ...argument}), within),
				stage.watch('queued', () => pool.run('add', {a: 1, b: 2}), within),
			]);
			await stage.watch('later', () => pool.run('add', {a: 1, b: 2}));
		},
		judge: seen => [
			...rejectedFor(reason, seen.fault),
			...unharmed([seen.neighbour, seen.queued]),
			...ranOnce(seen, 'fault'),
			...alive([seen.later]),
		],
	};
}

export const killed = death({
	row: 1, title: 'SIGKILL of the worker in the middle of a task', task: 'die', argument: {signal: 'SIGKILL'}, reason: /SIGKILL/v,
});

export const segmentationFault = death({
	row: 2, title: 'SIGSEGV in a task', task: 'die', argument: {signal: 'SIGSEGV'}, reason: /SIGSEGV/v,
});

export const exit = death({
	row: 3, title: '`process.exit(73)` in a task', task: 'die', argument: {exitCode: 73}, reason: /\b73\b/v,
});

export const heapFull = death({
	row: 4, title: 'a full JavaScript heap, limit 48 MB', task: 'fillHeap', reason: /memory|heap|SIGABRT/iv, patience: 12_000, heapMegabytes: 48,
});
