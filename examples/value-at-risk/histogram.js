/**
 * Counts in equal bins. Counts of many tasks add up exactly, in whatever order they come; sums of fractions would not.
 */

/**
 * @typedef {object} Scale
 * @property {number} from lower edge of the first bin
 * @property {number} step width of a bin
 * @property {number} bins
 */

/** Counts `value`; one that lies outside goes into the bin at that end. */
export function count(counts, {from, step, bins}, value) {
	const bin = Math.floor((value - from) / step);
	counts[Math.min(Math.max(bin, 0), bins - 1)]++;
}

export function histogramOf(values, scale) {
	const counts = new Float64Array(scale.bins);
	for (const value of values) {
		count(counts, scale, value);
	}

	return counts;
}

/** Adds `counts` to `sums`, bin by bin. */
export function addCounts(sums, counts) {
	for (const [bin, number] of counts.entries()) {
		sums[bin] += number;
	}
}

export function total(counts) {
	let sum = 0;
	for (const number of counts) {
		sum += number;
	}

	return sum;
}
