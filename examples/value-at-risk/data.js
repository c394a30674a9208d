/**
 * The daily closes of the S&P 500 that come with the npm package `vega-datasets`.
 */
import {readFileSync} from 'node:fs';

const file = 'sp500-2000.csv';

/**
 * @typedef {object} History
 * @property {string} file
 * @property {readonly string[]} dates as YYYY-MM-DD, ascending
 * @property {Float64Array} closes one per date
 */

/**
 * @returns {History}
 * @throws {Error} The package is not installed, or its file is not what it was.
 */
export function readHistory() {
	// The data lie beside the package's entry; its `exports` do not name them.
	const url = new URL(`../data/${file}`, import.meta.resolve('vega-datasets'));
	return {file, ...parseCloses(readFileSync(url, 'utf8'))};
}

/**
 * @param {string} csv with the columns `date` and `close`, among others, and without quotes
 * @throws {Error} A column is missing, or a line has no date after that of the line before, or no price.
 */
export function parseCloses(csv) {
	const [header, ...lines] = csv.trim().split(/\r?\n/v).map(line => line.split(','));
	const dateColumn = header.indexOf('date');
	const closeColumn = header.indexOf('close');
	if (dateColumn === -1 || closeColumn === -1) {
		throw new Error(`The closes need the columns date and close. Found: ${header.join(', ')}`);
	}

	const dates = lines.map(fields => fields[dateColumn]);
	const closes = Float64Array.from(lines, fields => Number.parseFloat(fields[closeColumn]));
	for (const [row, date] of dates.entries()) {
		if (!/^\d{4}-\d{2}-\d{2}$/v.test(date) || (row > 0 && date <= dates[row - 1])) {
			throw new Error(`Line ${row + 2} of the closes: ${date} is no date after that of the line before.`);
		}

		if (!(closes[row] > 0)) {
			throw new Error(`Line ${row + 2} of the closes: ${lines[row][closeColumn]} is no price.`);
		}
	}

	return {dates, closes};
}

/** The logarithms of the daily changes: these can be added up over days. */
export const dailyLogReturns = closes => closes.subarray(1).map((close, day) => Math.log(close / closes[day]));
