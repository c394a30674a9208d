/**
 * Writes the picture of the simulated years beside those of the history.
 */
import {writeFileSync} from 'node:fs';
import {countsByScale, scales, tradingYear} from './bootstrap.js';
import {drawDistribution} from './chart.js';
import {formatCount} from './format.js';
import {histogramOf, total} from './histogram.js';
import {histogramQuantile, histogramRisk, overlappingReturns} from './statistics.js';

/**
 * @param {string} output a file
 * @param {import('./data.js').History} history
 * @param {Float64Array} counts of all tasks
 */
export function drawPicture(output, {file, dates, closes}, counts) {
	const {year} = countsByScale(counts);
	const risk = level => histogramRisk(year, scales.year, level).valueAtRisk;
	writeFileSync(output, drawDistribution({
		title: 'S&P 500: value at risk over one year',
		subtitle: [`${formatCount(total(year))} simulated years of ${tradingYear} trading days, drawn in blocks from the daily returns since ${dates[0].slice(0, 4)}`],
		source: `Daily closes ${dates[0]} to ${dates.at(-1)}: ${file} of vega-datasets. Stationary bootstrap, blocks of 20 days on average.`,
		simulated: {counts: year, scale: scales.year},
		historical: {counts: histogramOf(overlappingReturns(closes, tradingYear), scales.year), scale: scales.year},
		valueAtRisk95: risk(0.95),
		valueAtRisk99: risk(0.99),
		median: histogramQuantile(year, scales.year, 0.5),
	}));
}
