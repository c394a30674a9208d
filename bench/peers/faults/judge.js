/** From what a host wrote down to the words of the table. */
import {severity} from './codes.js';

const unique = list => [...new Set(list)];

/** The remarks on one host: the worst first, and `ok` only if there is nothing else. */
function remarksOn(scenario, seen) {
	if (seen.host.overtime) {
		return ['HANG'];
	}

	const intended = scenario.killsHost && seen.done;
	if (!intended && seen.host.exitCode !== 0) {
		return ['HOST'];
	}

	const remarks = unique([
		...(seen.unfit === undefined ? scenario.judge(seen) : ['DEAD']),
		...(seen.survivors > 0 ? ['ORPH'] : []),
	]);
	return remarks.length > 1 ? remarks.filter(remark => remark !== 'ok').toSorted((a, b) => severity(b) - severity(a)) : remarks;
}

/** One round of a cell: `seen` has an entry for each variant of the scenario. */
export function judge(scenario, seen) {
	const remarks = seen.map(one => remarksOn(scenario, one));
	const texts = remarks.map(list => list.join(', '));
	return {
		// Variants that end alike are not told apart.
		text: unique(texts).length === 1 ? texts[0] : texts.join(' / '),
		severity: Math.max(...remarks.flat().map(remark => severity(remark))),
		figures: seen.length === 1 ? scenario.figures?.(seen[0]) ?? [] : [],
		note: unique(seen.map(one => noteOn(scenario, one)).filter(Boolean)).join('; '),
	};
}

function noteOn(scenario, seen) {
	if (seen.unfit !== undefined) {
		return seen.unfit.split('\n')[0];
	}

	if (!scenario.killsHost && seen.host.exitCode !== 0 && !seen.host.overtime) {
		return seen.host.signal ?? seen.stderr.split('\n').find(line => /error/iv.test(line))?.trim() ?? `exit code ${seen.host.exitCode}`;
	}

	return scenario.note?.(seen) ?? '';
}

const median = numbers => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** All rounds of a cell. Where they differ, the most frequent one stands for it, of two as frequent the worse, and `seen` has all. */
export function summary(rounds) {
	const texts = unique(rounds.map(({text}) => text));
	const times = text => rounds.filter(round => round.text === text).length;
	const worst = text => rounds.find(round => round.text === text).severity;
	const [text] = texts.toSorted((a, b) => times(b) - times(a) || worst(b) - worst(a));
	const chosen = rounds.filter(round => round.text === text);
	return {
		text,
		stable: texts.length === 1,
		seen: texts,
		figures: chosen[0].figures.map((_, index) => median(chosen.map(({figures}) => figures[index]).filter(figure => figure !== undefined))),
		note: unique(chosen.map(({note}) => note).filter(Boolean)).join('; '),
	};
}
