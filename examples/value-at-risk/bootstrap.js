/**
 * The job of the workers: each imports this module, and with it the history, once.
 *
 * A path is a year that might have been: blocks of consecutive days of the history, put together at random. Blocks, and
 * not single days, because bad days come in clusters. Their lengths are random too, so that no day of the path is special:
 * the stationary bootstrap (Politis and Romano, Journal of the American Statistical Association 89, 1994).
 */
import {dailyLogReturns, readHistory} from './data.js';
import {count} from './histogram.js';
import {Xoshiro128} from './random.js';

export const tradingYear = 250;
const meanBlockLength = 20;

/**
 * What is counted of each path, and how finely: the returns after so many days, and the deepest fall from a peak.
 *
 * @type {Readonly<Record<'day' | 'tenDays' | 'year' | 'drawdown', import('./histogram.js').Scale>>}
 */
export const scales = {
	day: {from: -0.15, step: 0.0005, bins: 600},
	tenDays: {from: -0.4, step: 0.001, bins: 800},
	year: {from: -0.8, step: 0.002, bins: 1000},
	drawdown: {from: 0, step: 0.002, bins: 400},
};

/** The counts of all scales lie in one array, one behind the other: the result of a task is a single block of memory. */
export const countsLength = Object.values(scales).reduce((length, {bins}) => length + bins, 0);

/** The parts of such an array. */
export function countsByScale(counts) {
	let end = 0;
	return Object.fromEntries(Object.entries(scales).map(([name, {bins}]) => {
		end += bins;
		return [name, counts.subarray(end - bins, end)];
	}));
}

const history = dailyLogReturns(readHistory().closes);

/**
 * Simulates `paths` years.
 *
 * @param {number} task its number is the seed: whoever runs the task, and however often, gets the same result
 * @param {number} paths
 * @returns {Float64Array} the counts, see `countsByScale`
 */
export const simulate = (task, paths) => simulatePaths(history, Xoshiro128.fromSeed(task), paths);

/**
 * @param {Float64Array} logReturns of consecutive days
 * @param {{next(): number}} random whole numbers below 2^32
 * @param {number} paths
 */
export function simulatePaths(logReturns, random, paths) {
	const counts = new Float64Array(countsLength);
	const {day, tenDays, year, drawdown} = countsByScale(counts);
	for (let path = 0; path < paths; path++) {
		let position = randomDay(logReturns.length, random);
		let level = 0;
		let peak = 0;
		let deepest = 0;
		for (let elapsed = 1; elapsed <= tradingYear; elapsed++) {
			level += logReturns[position];
			peak = Math.max(peak, level);
			deepest = Math.max(deepest, peak - level);
			if (elapsed === 1) {
				count(day, scales.day, Math.expm1(level));
			} else if (elapsed === 10) {
				count(tenDays, scales.tenDays, Math.expm1(level));
			}

			position = followingDay(position, logReturns.length, random);
		}

		count(year, scales.year, Math.expm1(level));
		count(drawdown, scales.drawdown, -Math.expm1(-deepest));
	}

	return counts;
}

const newBlockBelow = (2 ** 32) / meanBlockLength;

/** The day after, or the first one of another block. The first day follows the last, so that all are equally likely. */
function followingDay(position, days, random) {
	if (random.next() < newBlockBelow) {
		return randomDay(days, random);
	}

	return position + 1 === days ? 0 : position + 1;
}

const randomDay = (days, random) => Math.floor(random.next() / (2 ** 32) * days);
