/** What one task, or nobody at all, does to the tasks of others. */
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {alive, rejectedFor, unharmed} from '../judgements.js';

export const strayMessage = {
	row: 13,
	title: 'a task posts `null` on its worker\'s own channel',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		await stage.watch('task', () => pool.run('postNull', null));
		await stage.watch('after', () => pool.run('add', {a: 1, b: 2}));
	},
	judge: seen => [
		...(seen.task?.status === 'fulfilled' ? ['ok'] : rejectedFor(/(?!)/v, seen.task)),
		...alive([seen.after]),
	],
	note: seen => seen.task?.value === 'no channel' ? 'its workers have none' : '',
};

export const leakedRejection = {
	row: 14,
	title: 'an unhandled rejection, 50 ms after its task has returned',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		await pool.run('leakRejection', null);
		await stage.watch('next', () => pool.run('sleep', {mark: 'next', ms: 300}));
		await stage.watch('later', () => pool.run('add', {a: 1, b: 2}));
		// What is told by an event or a line on stderr may come after the results.
		await delay(1000);
	},
	judge: seen => [
		...unharmed([seen.next]),
		...alive([seen.later]),
		/leaked by an earlier task/v.test([...seen.notices, seen.stderr, seen.next?.error?.text].join('\n')) ? 'ok' : 'thin',
	],
};

export const idleKilled = {
	row: 15,
	title: 'an idle worker is killed, and a task is submitted at once',
	fits: ({mode}) => mode === 'process',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		const worker = await pool.run('whoAmI', null);
		await delay(100);
		process.kill(Number.parseInt(worker, 10), 'SIGKILL');
		await stage.watch('task', () => pool.run('add', {a: 1, b: 2}));
		await stage.watch('later', () => pool.run('add', {a: 1, b: 2}));
	},
	judge: seen => [
		// It had not started, so to run it elsewhere is safe.
		...(seen.task?.status === 'fulfilled' ? ['ok'] : [seen.task?.status === 'rejected' ? 'BLAME' : 'HANG']),
		...alive([seen.later]),
	],
};

export const suspiciousOutput = {
	row: 20,
	title: 'a healthy task prints "heap out of memory" to stderr',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		const first = await stage.watch('task', () => pool.run('logHeap', null));
		await delay(100);
		const second = await stage.watch('after', () => pool.run('whoAmI', null));
		stage.record('kept', first.value === second.value);
	},
	judge: seen => [
		...(seen.task?.status === 'fulfilled' ? ['ok'] : [seen.task?.status === 'rejected' ? 'BLAME' : 'HANG']),
		...alive([seen.after]),
		...(seen.kept === false ? ['BLAME'] : []),
	],
};
