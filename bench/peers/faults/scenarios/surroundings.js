/** What a worker finds around it, and what it prints. */
import process from 'node:process';
import {rejectedFor} from '../judgements.js';

const reason = /the module is broken/v;

export const brokenModule = {
	row: 19,
	title: 'the workers\' module throws while it is loaded',
	async run(stage) {
		const pool = stage.open({broken: true});
		await stage.watch('first', () => pool.run('add', {a: 1, b: 2}));
		await stage.watch('second', () => pool.run('add', {a: 1, b: 2}));
	},
	judge: seen => [...rejectedFor(reason, seen.first), ...rejectedFor(reason, seen.second)],
};

const bytes = 16 * 1024 * 1024;

export const muchOutput = {
	row: 21,
	title: '16 MB on stdout from one task',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		await stage.watch('task', () => pool.run('print', {bytes}), 30_000);
		await stage.watch('after', () => pool.run('add', {a: 1, b: 2}));
		stage.record('peak', process.resourceUsage().maxRSS * 1024);
	},
	judge: seen => [
		...(seen.task?.status === 'fulfilled' ? ['ok'] : [seen.task?.status === 'rejected' ? 'BLAME' : 'HANG']),
		...(seen.after?.status === 'fulfilled' ? [] : ['DEAD']),
	],
};

export const environment = {
	row: 22,
	title: 'workers see the program\'s PATH, with default options',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1, byDefault: true});
		await stage.watch('task', async () => await pool.run('environment', null) === process.env.PATH);
	},
	judge: seen => [seen.task?.value === true ? 'ok' : 'lost'],
};

export const firstInFirstOut = {
	row: 23,
	title: 'four tasks of 300 ms on two workers, then a fifth: they start in order',
	async run(stage) {
		const pool = await stage.openWarm({workers: 2, inOrder: true});
		await Promise.all(['1', '2', '3', '4', '5'].map(mark => stage.watch(`task${mark}`, () => pool.run('sleep', {mark, ms: mark === '5' ? 10 : 300}))));
	},
	judge(seen) {
		const order = seen.starts.filter(mark => mark !== 'warm').map(Number);
		if (order.length < 5) {
			return ['HANG'];
		}

		// Two run at a time, and which of the two writes first is chance.
		return [order.every((task, place) => Math.abs(task - 1 - place) <= 1) && order[4] === 5 ? 'ok' : 'ORDER'];
	},
	note: seen => `started ${seen.starts.filter(mark => mark !== 'warm').join(' ')}`,
};
