/**
 * How much can be lost on the S&P 500 in a day, in ten days, in a year? Millions of years that might have been are
 * simulated by thousands of tasks over all cores; on the way a worker is killed, and the result does not change.
 *
 *     npm start
 *     node examples/value-at-risk/main.js --help
 */
import assert from 'node:assert/strict';
import {mkdirSync} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {tradingYear} from './bootstrap.js';
import {readHistory} from './data.js';
import {formatCount, formatSeconds} from './format.js';
import {readOptions, usage} from './options.js';
import {drawPicture} from './picture.js';
import {drawdownTable, riskTable} from './report.js';
import {runInWorkers} from './run.js';
import {simulateAlone} from './simulation.js';

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
	const job = {tasks, paths: pathsPerTask, workers};
	const sample = Math.max(1, Math.min(100, Math.floor(tasks / 20)));
	const before = simulateAlone(0, sample, pathsPerTask);
	const undisturbed = await runInWorkers({...job, withKill: false});
	const after = simulateAlone(tasks - sample, tasks, pathsPerTask);
	const disturbed = withKill ? await runInWorkers({...job, withKill: true}) : undefined;

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

	drawPicture(output, history, counts);
	console.log(`Picture: ${path.relative('', output)}`);
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
