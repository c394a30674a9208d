/** What a task throws is what its caller catches. */

/** What of the error did not arrive. */
function missing(error) {
	if (!error.isError) {
		return ['being an Error'];
	}

	const checks = {
		class: error.isTypeError,
		name: error.name === 'PriceError',
		message: error.message === 'the price is wrong',
		code: error.own.code === 'ERR_PRICE',
		fields: error.own.extra?.asked === 3,
		cause: error.cause?.message === 'below zero',
		'its stack': error.stack.includes('tasks.cjs'),
	};
	return Object.keys(checks).filter(name => !checks[name]);
}

export const richError = {
	row: 11,
	title: 'a subclass of TypeError with name, code, a field and a cause is thrown',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		await stage.watch('task', () => pool.run('throwPriceError', null));
	},
	judge(seen) {
		if (seen.task?.status !== 'rejected') {
			return [seen.task?.status === 'fulfilled' ? 'lost' : 'HANG'];
		}

		return [missing(seen.task.error).length === 0 ? 'ok' : 'lost'];
	},
	note: seen => seen.task?.status === 'rejected' ? missing(seen.task.error).join(', ') : '',
};

export const thrownValues = {
	row: 12,
	title: '`throw \'text\'` and `throw undefined`',
	async run(stage) {
		const pool = await stage.openWarm({workers: 1});
		await stage.watch('text', () => pool.run('throwText', null));
		await stage.watch('nothing', () => pool.run('throwUndefined', null));
		await stage.watch('after', () => pool.run('add', {a: 1, b: 2}));
	},
	judge: seen => [
		...judgeThrown(seen.text, error => error.text.includes('plain text')),
		...judgeThrown(seen.nothing, error => error.type === 'undefined' || /undefined/v.test(error.text ?? '')),
		...(seen.after?.status === 'fulfilled' ? [] : ['DEAD']),
	],
};

function judgeThrown(outcome, isKept) {
	switch (outcome?.status) {
		case 'rejected': {
			return [isKept(outcome.error) ? 'ok' : 'lost'];
		}

		case 'fulfilled': {
			return ['lost'];
		}

		default: {
			return ['HANG'];
		}
	}
}
