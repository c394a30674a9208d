/** Values that a channel may not be able to carry: they arrive as they are, or are refused with the reason, and no worker suffers. */
import {
	alive, keptOrRefused, ranOnce, rejectedFor,
} from '../judgements.js';

const uncloneable = /function|clone|serializ|=>/iv;

const addMany = (stage, pool) => Promise.all([1, 2, 3, 4].map(n => stage.watch(`add${n}`, () => pool.run('add', {a: n, b: n}))));

const afterwards = seen => alive([seen.add1, seen.add2, seen.add3, seen.add4]);

export const functionArgument = {
	row: 7,
	title: 'an argument that has a function',
	async run(stage) {
		const pool = await stage.openWarm();
		await stage.watch('first', () => pool.run('callTwice', {twice: n => n * 2}));
		await stage.watch('second', () => pool.run('callTwice', {twice: n => n * 2}));
		await addMany(stage, pool);
	},
	judge: seen => [...keptOrRefused(42, uncloneable, seen.first), ...keptOrRefused(42, uncloneable, seen.second), ...afterwards(seen)],
};

export const bigintArgument = {
	row: 8,
	title: 'a BigInt and a cyclic argument, to a pool that is just starting',
	async run(stage) {
		const pool = stage.open();
		const cyclic = {};
		cyclic.self = cyclic;
		await Promise.all([
			stage.watch('bigint', () => pool.run('typeOf', 10n)),
			stage.watch('cyclic', () => pool.run('isCyclic', cyclic)),
		]);
		await addMany(stage, pool);
	},
	judge: seen => [
		...keptOrRefused('bigint:10', /bigint|clone|serializ/iv, seen.bigint),
		...keptOrRefused(true, /circular|cycl|clone|serializ/iv, seen.cyclic),
		...afterwards(seen),
	],
};

export const functionResult = {
	row: 9,
	title: 'a result that has a function',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		const before = await pool.run('whoAmI', null);
		const outcome = await stage.watch('task', async () => {
			const value = await pool.run('returnFunction', null);
			return value?.twice?.(21) ?? 'no function';
		});
		if (outcome.status !== 'pending') {
			const after = await stage.watch('after', () => pool.run('whoAmI', null));
			stage.record('kept', after.value === before);
		}
	},
	judge: seen => [
		...keptOrRefused(42, uncloneable, seen.task),
		...(seen.after === undefined ? [] : alive([seen.after])),
		...(seen.kept === false ? ['BLAME'] : []),
	],
};

export const bigintResult = {
	row: 10,
	title: 'a BigInt as a result',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		await stage.watch('task', async () => {
			const value = await pool.run('returnBigInt', {mark: 'bigint'});
			return typeof value === 'bigint' ? `${value}n` : typeof value;
		});
		await stage.watch('after', () => pool.run('add', {a: 1, b: 2}));
	},
	judge: seen => [
		...(seen.task?.status === 'fulfilled' ? [seen.task.value === '10n' ? 'ok' : 'lost'] : rejectedFor(/bigint|clone|serializ/iv, seen.task)),
		...ranOnce(seen, 'bigint'),
		...alive([seen.after]),
	],
};
