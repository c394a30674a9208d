/**
 * Risk measures. Losses are positive: a value at risk of 0.2 is a loss of 20 %.
 *
 * The value at risk at 99 % is the loss that 99 of 100 outcomes do not exceed; the expected shortfall is the mean of the
 * outcomes beyond, here of the worst 1 %.
 */
import {total} from './histogram.js';

/**
 * Of a sample: interpolated between the two nearest values (the definition 7 of Hyndman and Fan, the usual default).
 *
 * @param {Float64Array} sorted ascending
 * @param {number} probability
 */
export function quantile(sorted, probability) {
	const position = probability * (sorted.length - 1);
	const below = Math.floor(position);
	const above = Math.ceil(position);
	return sorted[below] + ((sorted[above] - sorted[below]) * (position - below));
}

/** The mean of the lowest `share` of a sample; the last value counts in part where the share ends within it. */
export function lowerTailMean(sorted, share) {
	const size = share * sorted.length;
	let sum = 0;
	let taken = 0;
	for (const value of sorted) {
		const weight = Math.min(1, size - taken);
		if (weight <= 0) {
			break;
		}

		sum += value * weight;
		taken += weight;
	}

	return sum / taken;
}

/** As `quantile`, of a histogram: the values of a bin are taken to lie evenly in it. */
export function histogramQuantile(counts, {from, step}, probability) {
	const target = probability * total(counts);
	let below = 0;
	for (const [bin, number] of counts.entries()) {
		if (number > 0 && below + number >= target) {
			return from + (step * (bin + ((target - below) / number)));
		}

		below += number;
	}

	return Number.NaN;
}

/** As `lowerTailMean`, of a histogram. */
export function histogramLowerTailMean(counts, {from, step}, share) {
	const size = share * total(counts);
	let sum = 0;
	let taken = 0;
	for (const [bin, number] of counts.entries()) {
		const part = Math.min(number, size - taken);
		if (part > 0) {
			sum += part * (from + (step * (bin + (part / number / 2))));
			taken += part;
		}
	}

	return sum / taken;
}

/** Of returns, ascending. */
export const sampleRisk = (returns, level) => ({
	valueAtRisk: -quantile(returns, 1 - level),
	expectedShortfall: -lowerTailMean(returns, 1 - level),
});

/** Of a histogram of returns. */
export const histogramRisk = (counts, scale, level) => ({
	valueAtRisk: -histogramQuantile(counts, scale, 1 - level),
	expectedShortfall: -histogramLowerTailMean(counts, scale, 1 - level),
});

/** The returns over every stretch of `days` consecutive days, ascending. Neighbours share all days but one. */
export function overlappingReturns(closes, days) {
	return closes.subarray(days).map((close, start) => (close / closes[start]) - 1).toSorted();
}

/** The deepest fall from a peak within every stretch of `days` consecutive days, ascending. */
export function overlappingDrawdowns(closes, days) {
	return Float64Array.from({length: closes.length - days}, (_, start) => deepestDrawdown(closes.subarray(start, start + days + 1))).toSorted();
}

export function deepestDrawdown(closes) {
	let peak = 0;
	let deepest = 0;
	for (const close of closes) {
		peak = Math.max(peak, close);
		deepest = Math.max(deepest, 1 - (close / peak));
	}

	return deepest;
}
