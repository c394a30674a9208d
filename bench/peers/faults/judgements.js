/** The steps of a judgement that several scenarios share. Each gives the remarks for one promise. */

/** A promise that must be rejected with a reason that matches. */
export function rejectedFor(reason, outcome) {
	switch (outcome?.status) {
		case 'rejected': {
			return [reason.test(outcome.error.text) ? 'ok' : 'thin'];
		}

		case 'fulfilled': {
			return ['lost'];
		}

		default: {
			return ['HANG'];
		}
	}
}

/** A promise whose value must be `expected`, or that is rejected with a reason that matches. */
export function keptOrRefused(expected, reason, outcome) {
	if (outcome?.status === 'fulfilled') {
		return [outcome.value === expected ? 'ok' : 'lost'];
	}

	return rejectedFor(reason, outcome);
}

/** Tasks that did nothing wrong. */
export function unharmed(outcomes) {
	const hanging = outcomes.filter(outcome => outcome?.status === 'pending').length;
	const failed = outcomes.filter(outcome => outcome?.status === 'rejected').length;
	return [
		...(hanging > 0 ? [`+${hanging} HANG`] : []),
		...(failed > 0 ? ['BLAME'] : []),
	];
}

/** Tasks afterwards: the pool must still work. */
export const alive = outcomes => outcomes.every(outcome => outcome?.status === 'fulfilled') ? [] : ['DEAD'];

/** A task with this mark must have run once. */
export function ranOnce(seen, mark) {
	const times = seen.starts.filter(start => start === mark).length;
	return times > 1 ? [`RUN ×${times}`] : [];
}
