/**
 * What the simulation says, as text: historical stretches of the index beside the simulated paths.
 */
import {countsByScale, scales, tradingYear} from './bootstrap.js';
import {formatShare} from './format.js';
import {
	histogramQuantile, histogramRisk, overlappingDrawdowns, overlappingReturns, quantile, sampleRisk,
} from './statistics.js';

const horizons = [
	{label: '1 day', days: 1, name: 'day'},
	{label: '10 days', days: 10, name: 'tenDays'},
	{label: '1 year', days: tradingYear, name: 'year'},
];

/**
 * @param {Float64Array} closes
 * @param {Float64Array} counts of all tasks
 */
export function riskTable(closes, counts) {
	const simulated = countsByScale(counts);
	const rows = horizons.flatMap(({label, days, name}) => {
		const returns = overlappingReturns(closes, days);
		return [0.95, 0.99].map(level => {
			const past = sampleRisk(returns, level);
			const model = histogramRisk(simulated[name], scales[name], level);
			return [label, `${level * 100} %`, past.valueAtRisk, model.valueAtRisk, past.expectedShortfall, model.expectedShortfall];
		});
	});
	return alignColumns([
		['loss over', 'level', 'VaR history', 'VaR bootstrap', 'ES history', 'ES bootstrap'],
		...rows,
	]);
}

export function drawdownTable(closes, counts) {
	const past = overlappingDrawdowns(closes, tradingYear);
	const {drawdown} = countsByScale(counts);
	const simulated = probability => histogramQuantile(drawdown, scales.drawdown, probability);
	return alignColumns([
		['largest fall within a year', 'history', 'bootstrap'],
		['median', quantile(past, 0.5), simulated(0.5)],
		['1 year in 20', quantile(past, 0.95), simulated(0.95)],
		['worst', past.at(-1), simulated(1)],
	]);
}

/**
 * Lines with columns of equal width, the first one to the left and all others to the right; numbers are shares.
 *
 * @param {ReadonlyArray<ReadonlyArray<string | number>>} rows
 */
function alignColumns(rows) {
	const texts = rows.map(row => row.map(cell => typeof cell === 'number' ? formatShare(cell) : cell));
	const widths = texts[0].map((_, column) => Math.max(...texts.map(row => row[column].length)));
	return texts.map(row => row.map((text, column) => column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column])).join('   ').trimEnd());
}
