/**
 * How much can be lost on the S&P 500 in a day, in ten days, in a year? Millions of years that might have been are
 * simulated by thousands of tasks over all cores; on the way a worker is killed, and the result does not change.
 *
 *     npm start
 *     node examples/value-at-risk/main.js --help
 */
import assert from 'node:assert/strict';
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {ProcessPoolExecutor} from 'loky';
import {countsByScale, scales, tradingYear} from './bootstrap.js';
import {drawDistribution} from './chart.js';
import {readHistory} from './data.js';
import {formatCount, formatSeconds} from './format.js';
import {histogramOf} from './histogram.js';
import {readOptions, usage} from './options.js';
import {startProgress} from './progress.js';
import {drawdownTable, riskTable} from './report.js';
import {simulateAlone, simulateInWorkers} from './simulation.js';
import {histogramQuantile, histogramRisk, overlappingReturns} from './statistics.js';

const pathsPerTask = 3000;

async function main({tasks, workers, withKill, output}) {
	// Before all the work, so that a wrong path is told now.
	mkdirSync(path.dirname(output), {recursive: true});
	const history = readHistory();
	const span = `${history.dates[0]} to ${history.dates.at(-1)}`;
	const years = tasks * pathsPerTask;
	console.log(`S&P 500: ${formatCount(history.closes.length)} daily closes, ${span} (${history.file} of vega-datasets)`);
	console.log(`Simulating ${formatCount(years)} years of ${tradingYear} trading days: ${formatCount(tasks)} tasks of ${formatCount(pathsPerTask)} paths\n`);

	// Before and after the workers' run, so that a machine that gets slower or faster meanwhile favours neither side.
	const sample = Math.max(1, Math.min(100, Math.floor(tasks / 20)));
	const before = simulateAlone(0, sample, pathsPerTask);
	const undisturbed = await runInWorkers({tasks, workers, withKill: false});
	const after = simulateAlone(tasks - sample, tasks, pathsPerTask);
	const disturbed = withKill ? await runInWorkers({tasks, workers, withKill: true}) : undefined;

	const {counts, fingerprints, checksum} = undisturbed.outcome;
	for (const {outcome} of [before, after]) {
		outcome.fingerprints.forEach((fingerprint, task) => { // eslint-disable-line unicorn/no-array-for-each -- passes over the tasks that the sample leaves out
			assert.equal(fingerprint, fingerprints[task], `Task ${task} gave another result in this thread than in a worker.`);
		});
	}

	console.log(riskTable(history.closes, counts).join('\n'));
	console.log(`\n${drawdownTable(history.closes, counts).join('\n')}\n`);

	const alone = (before.duration + after.duration) / (2 * sample) * tasks;
	console.log(`One process alone: ${formatSeconds(alone)}, scaled up from ${2 * sample} of the ${formatCount(tasks)} tasks, run in this thread with equal results`);
	console.log(`${undisturbed.workers} workers: ${formatSeconds(undisturbed.duration)} with their start, which is ${(alone / undisturbed.duration).toFixed(2)} times as fast`);
	if (disturbed) {
		console.log(`${disturbed.workers} workers, one killed: ${formatSeconds(disturbed.duration)}; ${formatCount(disturbed.outcome.repeated)} of ${formatCount(tasks)} tasks had to run again`);
		assert.equal(disturbed.outcome.checksum, checksum, 'The run with a killed worker gave another result.');
		console.log(`Checksum of all results: ${checksum} undisturbed, ${disturbed.outcome.checksum} with the kill: equal`);
	} else {
		console.log(`Checksum of all results: ${checksum}`);
	}

	console.log(`Picture: ${drawPicture(output, history, counts, years)}`);
}

async function runInWorkers({tasks, workers, withKill}) {
	const start = performance.now();
	const executor = new ProcessPoolExecutor({maxWorkers: workers});
	console.log(`${executor.maxWorkers} workers${withKill ? ', one of which will be killed' : ', undisturbed'}`);
	const progress = startProgress('tasks', tasks);
	let killAt = withKill ? Math.ceil(tasks * 0.4) : Number.POSITIVE_INFINITY;
	try {
		const outcome = await simulateInWorkers(executor, {
			tasks,
			paths: pathsPerTask,
			onProgress(done) {
				progress.update(done);
				if (done === killAt) {
					progress.note(killBusyWorker(executor));
					// If it dies between two tasks, nobody's task fails and it all was for nothing: then the next one.
					killAt += 2 * executor.maxWorkers;
				}
			},
			onDeath(task, {name, code, pid, signal}) {
				killAt = Number.POSITIVE_INFINITY;
				progress.note(`${name} (${code}): worker ${pid} died of ${signal} in task ${task}, which alone is run again`);
			},
		});
		return {outcome, workers: executor.maxWorkers, duration: performance.now() - start};
	} finally {
		progress.stop();
		console.log();
		// The tasks are done, unless one has failed for good: then nobody wants the others.
		await executor.shutdown({killWorkers: true});
	}
}

function killBusyWorker(executor) {
	const worker = executor.workers.find(({state}) => state === 'busy');
	if (!worker) {
		return 'No worker is busy at this moment, so none is killed';
	}

	process.kill(worker.pid, 'SIGKILL');
	return `kill -9 ${worker.pid} (worker ${worker.index})`;
}

/** @returns {string} where the picture is */
function drawPicture(output, {file, dates, closes}, counts, years) {
	const {year} = countsByScale(counts);
	const risk = level => histogramRisk(year, scales.year, level).valueAtRisk;
	writeFileSync(output, drawDistribution({
		title: 'S&P 500: value at risk over one year',
		subtitle: [`${formatCount(years)} simulated years of ${tradingYear} trading days, drawn in blocks from the daily returns since ${dates[0].slice(0, 4)}`],
		source: `Daily closes ${dates[0]} to ${dates.at(-1)}: ${file} of vega-datasets. Stationary bootstrap, blocks of 20 days on average.`,
		simulated: {counts: year, scale: scales.year},
		historical: {counts: histogramOf(overlappingReturns(closes, tradingYear), scales.year), scale: scales.year},
		valueAtRisk95: risk(0.95),
		valueAtRisk99: risk(0.99),
		median: histogramQuantile(year, scales.year, 0.5),
	}));
	return path.relative('', output);
}

let options;
try {
	options = readOptions();
} catch (error) {
	console.error(`${error.message}\n\n${usage}`);
	process.exitCode = 2;
}

if (options?.help) {
	console.log(usage);
} else if (options) {
	await main(options);
}
