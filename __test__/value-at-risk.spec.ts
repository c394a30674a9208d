/**
 * The calculations of the example, against numbers that come from elsewhere or can be worked out by hand.
 */
import test from 'ava';

interface Scale {
	readonly from: number;
	readonly step: number;
	readonly bins: number;
}

type Counts = Record<'day' | 'tenDays' | 'year' | 'drawdown', Float64Array>;

interface RandomSource {
	next(): number;
}

// The examples are JavaScript, and belong to readers: their types stand here.
interface Statistics {
	quantile(sorted: Float64Array, probability: number): number;
	lowerTailMean(sorted: Float64Array, share: number): number;
	histogramQuantile(counts: Float64Array, scale: Scale, probability: number): number;
	histogramLowerTailMean(counts: Float64Array, scale: Scale, share: number): number;
	sampleRisk(returns: Float64Array, level: number): {valueAtRisk: number; expectedShortfall: number};
	overlappingReturns(closes: Float64Array, days: number): Float64Array;
	deepestDrawdown(closes: Float64Array): number;
}

interface Bootstrap {
	readonly scales: Record<keyof Counts, Scale>;
	countsByScale(counts: Float64Array): Counts;
	simulate(task: number, paths: number): Float64Array;
	simulatePaths(logReturns: Float64Array, random: RandomSource, paths: number): Float64Array;
}

interface Random {
	readonly Xoshiro128: new(state: readonly number[]) => RandomSource;
	splitMix64(seed: number | bigint, count: number): bigint[];
}

interface HistoryFile {
	readHistory(): {readonly dates: readonly string[]; readonly closes: Float64Array};
	parseCloses(csv: string): {readonly dates: readonly string[]; readonly closes: Float64Array};
	dailyLogReturns(closes: Float64Array): Float64Array;
}

interface Chart {
	drawDistribution(facts: Record<string, unknown>): string;
}

const load = async (file: string): Promise<unknown> => import(new URL(`../examples/value-at-risk/${file}`, import.meta.url).href);

const statistics = await load('statistics.js') as Statistics;
const {scales, countsByScale, simulate, simulatePaths} = await load('bootstrap.js') as Bootstrap;
const {splitMix64, Xoshiro128} = await load('random.js') as Random;
const {readHistory, parseCloses, dailyLogReturns} = await load('data.js') as HistoryFile;
const {drawDistribution} = await load('chart.js') as Chart;

const oneToTen = Float64Array.from({length: 10}, (_, index) => index + 1);

function closeTo(t: {true(value: boolean, message?: string): unknown}, actual: number, expected: number): void {
	t.true(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
}

test('a quantile lies between two values in proportion, as numpy has it', t => {
	closeTo(t, statistics.quantile(oneToTen, 0.05), 1.45);
	closeTo(t, statistics.quantile(oneToTen, 0.5), 5.5);
	t.is(statistics.quantile(oneToTen, 0), 1);
	t.is(statistics.quantile(oneToTen, 1), 10);
});

test('the mean of a tail counts its last value in part', t => {
	closeTo(t, statistics.lowerTailMean(oneToTen, 0.25), (1 + 2 + 1.5) / 2.5);
	closeTo(t, statistics.lowerTailMean(oneToTen, 0.05), 1);
	closeTo(t, statistics.lowerTailMean(oneToTen, 1), 5.5);
});

test('losses are positive, and the expected shortfall is no smaller than the value at risk', t => {
	const {valueAtRisk, expectedShortfall} = statistics.sampleRisk(oneToTen.map(value => value - 8), 0.8);
	closeTo(t, valueAtRisk, 5.2);
	closeTo(t, expectedShortfall, 6.5);
});

test('the values of a bin are taken to lie evenly in it', t => {
	const scale = {from: -2, step: 1, bins: 4};
	const counts = Float64Array.of(0, 4, 0, 12);
	closeTo(t, statistics.histogramQuantile(counts, scale, 0.125), -0.5);
	closeTo(t, statistics.histogramQuantile(counts, scale, 0.25), 0);
	closeTo(t, statistics.histogramQuantile(counts, scale, 0.625), 1.5);
	closeTo(t, statistics.histogramQuantile(counts, scale, 1), 2);
	closeTo(t, statistics.histogramLowerTailMean(counts, scale, 0.125), -0.75);
	closeTo(t, statistics.histogramLowerTailMean(counts, scale, 0.5), ((4 * -0.5) + (4 * (1 + (1 / 6)))) / 8);
	closeTo(t, statistics.histogramLowerTailMean(counts, scale, 1), ((4 * -0.5) + (12 * 1.5)) / 16);
});

test('returns of overlapping stretches are ascending, and one fewer than closes per day of the stretch', t => {
	t.deepEqual([...statistics.overlappingReturns(Float64Array.of(100, 200, 100, 50), 2)], [-0.75, 0]);
});

test('a drawdown is measured from the highest close before it', t => {
	t.is(statistics.deepestDrawdown(Float64Array.of(100, 80, 160, 120, 140, 100, 200)), 0.375);
	t.is(statistics.deepestDrawdown(Float64Array.of(1, 2, 3)), 0);
});

test('the generators give the numbers that their authors publish', t => {
	t.deepEqual(splitMix64(1_477_776_061_723_855_037n, 3), [1_985_237_415_132_408_290n, 2_979_275_885_539_914_483n, 13_511_426_838_097_143_398n]);
	const random = new Xoshiro128([1, 2, 3, 4]);
	t.deepEqual(Array.from({length: 6}, () => random.next()), [11_520, 0, 5_927_040, 70_819_200, 2_031_721_883, 1_637_235_492]);
});

test('a path without a new block follows the history, and goes on at its start', t => {
	const logReturns = Float64Array.of(Math.log(1.01), Math.log(0.98), 0);
	// Half of all numbers: the middle day, and never below the bound of a new block.
	const counts = countsByScale(simulatePaths(logReturns, {next: () => 2 ** 31}, 1));
	const lowerEdge = (name: keyof Counts): number => scales[name].from + (scales[name].step * counts[name].indexOf(1));
	const isIn = (name: keyof Counts, value: number): void => {
		t.is(counts[name].reduce((sum, number) => sum + number), 1);
		t.true(lowerEdge(name) <= value + 1e-9 && value < lowerEdge(name) + scales[name].step + 1e-9, `${name}: ${value}`);
	};

	const after = (falls: number, rises: number): number => (0.98 ** falls) * (1.01 ** rises);
	isIn('day', -0.02);
	isIn('tenDays', after(4, 3) - 1);
	isIn('year', after(84, 83) - 1);
	isIn('drawdown', 1 - after(84, 83));
});

test('a task gives the same counts whenever it runs, and another task gives others', t => {
	const counts = simulate(7, 500);
	t.deepEqual(simulate(7, 500), counts);
	t.notDeepEqual(simulate(8, 500), counts);
	for (const part of Object.values(countsByScale(counts))) {
		t.is(part.reduce((sum, number) => sum + number), 500);
	}
});

test('task 0 gives known counts', t => {
	const {day, year, drawdown} = countsByScale(simulate(0, 500));
	t.is(day.indexOf(Math.max(...day)), 297);
	closeTo(t, statistics.histogramQuantile(year, scales.year, 0.05), -0.232);
	closeTo(t, statistics.histogramQuantile(drawdown, scales.drawdown, 0.5), 0.152_444_444_444_444_47);
});

test('single days of the paths are distributed as those of the history', t => {
	const {day} = countsByScale(simulate(1, 20_000));
	const returns = statistics.overlappingReturns(readHistory().closes, 1);
	for (const probability of [0.05, 0.25, 0.5, 0.75, 0.95]) {
		const difference = statistics.histogramQuantile(day, scales.day, probability) - statistics.quantile(returns, probability);
		t.true(Math.abs(difference) < 0.001, `${probability}: ${difference}`);
	}
});

test('the history is complete', t => {
	const {dates, closes} = readHistory();
	t.is(dates.length, 5105);
	t.is(closes.length, 5105);
	t.is(dates[0], '2000-01-03');
	t.is(closes[0], 1455.219_971);
	t.is(dates.at(-1), '2020-04-17');
	t.is(closes.at(-1), 2874.560_059);
	closeTo(t, dailyLogReturns(closes).reduce((sum, value) => sum + value), Math.log(2874.560_059 / 1455.219_971));
});

for (const [fault, csv, message] of [
	['a missing column', 'date,open\n2000-01-03,1', 'The closes need the columns date and close. Found: date, open'],
	['dates in another order', 'date,close\n2000-01-04,1\n2000-01-03,1', 'Line 3 of the closes: 2000-01-03 is no date after that of the line before.'],
	['a close that is no number', 'close,date\nnull,2000-01-03', 'Line 2 of the closes: null is no price.'],
] as const) {
	test(`${fault} is an error that names the place`, t => {
		t.throws(() => parseCloses(csv), {message});
	});
}

test('the picture shows every share of the distribution, also what lies outside of its axis', t => {
	const scale = {from: -1, step: 0.5, bins: 4};
	const facts = {
		title: 'A & B', subtitle: ['<b>'], source: '', valueAtRisk95: 0.2, valueAtRisk99: 0.4, median: -0.05,
		simulated: {counts: Float64Array.of(1, 1, 1, 1), scale},
		historical: {counts: Float64Array.of(0, 1, 1, 0), scale},
	};
	const svg = drawDistribution(facts);
	const bars = /<g id="bars">(?<rectangles>.*?)<\/g>/sv.exec(svg)?.groups?.['rectangles']?.match(/<rect /gv) ?? [];
	t.is(bars.length, 4);
	t.true(svg.includes('>A &amp; B<'));
	t.true(svg.includes('>&lt;b&gt;<'));
	t.true(svg.includes('99 % VaR: 40.0 %'));
	t.true(svg.includes('median: −5.0 %'));
	t.is(drawDistribution(facts), svg);
});
