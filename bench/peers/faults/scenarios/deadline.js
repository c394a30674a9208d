/** A task that does not end by itself, with a deadline, in a pool of one worker; then a task that wants to run. */
import process from 'node:process';
import {alive, rejectedFor} from '../judgements.js';

const late = /time[ \-]?out|timed out|deadline|abort|cancel/iv;

const judge = seen => [...rejectedFor(late, seen.task), ...alive([seen.next])];

const figures = seen => seen.task?.status === 'rejected' && seen.next?.status === 'fulfilled' ? [seen.task.milliseconds, seen.next.milliseconds] : [];

export const endlessLoop = {
	row: 5,
	title: 'an endless loop with a deadline of 700 ms; ms until it settles and until the next task is done',
	// The times of this one are shown, so nothing else runs meanwhile.
	alone: true,
	fits: ({deadline}) => deadline !== 'none',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1, deadline: 700});
		await stage.watch('task', () => pool.runTimeout('endless', {mark: 'endless'}, 700));
		await stage.watch('next', () => pool.run('add', {a: 1, b: 2}));
	},
	judge,
	figures,
};

export const stopped = {
	row: 6,
	title: 'a worker stopped by SIGSTOP, with a deadline of 1 s',
	fits: ({deadline, mode}) => deadline !== 'none' && mode === 'process',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1, deadline: 1000});
		const worker = await pool.run('whoAmI', null);
		const watched = stage.watch('task', () => pool.runTimeout('sleep', {mark: 'stopped', ms: 500}, 1000));
		await stage.started('stopped');
		process.kill(Number.parseInt(worker, 10), 'SIGSTOP');
		await watched;
		await stage.watch('next', () => pool.run('add', {a: 1, b: 2}));
	},
	judge,
};
