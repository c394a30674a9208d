/**
 * What pools do when something breaks: every scenario with every peer, each in a fresh program.
 *
 * node bench/peers/faults/run.js [--peer piscina] [--peer tinypool/process] [--row 5] [--rounds 3] [--parallel 4] [--patience 4000]
 *                                [--output output] [--docs] [--verbose]
 *
 * Writes faults.json and faults.md to the output folder; with --docs also the results and the table of docs/reliability.md. With --verbose it prints
 * what each program saw. Needs Linux: it looks for what is left behind in /proc. Without `npm ci` in bench/peers only loky can be run, and loky must have been built.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {observe} from './cell.js';
import {judge, summary} from './judge.js';
import {peers} from './peers.js';
import {scenarios} from './scenarios/index.js';
import {markdown} from './table.js';
import {writePage} from './page.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const {values} = parseArgs({
	options: {
		peer: {type: 'string', multiple: true},
		row: {type: 'string', multiple: true},
		rounds: {type: 'string', default: '3'},
		parallel: {type: 'string', default: String(os.availableParallelism() * 4)},
		patience: {type: 'string', default: '4000'},
		output: {type: 'string', default: path.join(root, 'output')},
		docs: {type: 'boolean', default: false},
		verbose: {type: 'boolean', default: false},
	},
});
const rounds = Number(values.rounds);
const patience = Number(values.patience);

function chosen(all, wanted, matches, what) {
	for (const one of wanted ?? []) {
		if (!all.some(candidate => matches(candidate, one))) {
			console.error(`There is no ${what} ${one}.`);
			process.exit(2);
		}
	}

	return wanted === undefined ? all : all.filter(candidate => wanted.some(one => matches(candidate, one)));
}

const chosenPeers = chosen(peers, values.peer, ({id, name}, wanted) => id === wanted || name === wanted, 'peer');
const chosenScenarios = chosen(scenarios, values.row, ({row}, wanted) => row === Number(wanted), 'row');

function versionOf(name) {
	const file = name === 'loky' ? path.join(root, 'package.json') : path.join(root, 'bench/peers/node_modules', name, 'package.json');
	const needed = name === 'loky' ? path.join(root, 'dist/index.js') : file;
	if (!fs.existsSync(needed)) {
		console.error(`${name} is missing: run \`${name === 'loky' ? 'npm run build' : 'npm ci --prefix bench/peers'}\` first.`);
		process.exit(2);
	}

	return JSON.parse(fs.readFileSync(file, 'utf8')).version;
}

if (values.docs && (chosenPeers.length < peers.length || chosenScenarios.length < scenarios.length)) {
	console.error('The page shows all peers and all rows: --docs goes without --peer and --row.');
	process.exit(2);
}

const versions = Object.fromEntries(chosenPeers.map(({name}) => [name, versionOf(name)]));

const applicable = (peer, scenario) => scenario.fits?.(peer) ?? true;
const cells = chosenScenarios.flatMap(scenario => chosenPeers.map(peer => ({peer, scenario, rounds: []})));
const runs = Array.from({length: rounds}, () => cells.filter(({peer, scenario}) => applicable(peer, scenario))).flat();

let finished = 0;
async function run(cell) {
	const {peer, scenario} = cell;
	const seen = [];
	for (const variant of scenario.variants ?? ['']) {
		seen.push(await observe({
			peer, scenario, variant, patience,
		}));
	}

	const round = judge(scenario, seen);
	cell.rounds.push(round);
	if (values.verbose) {
		console.log(JSON.stringify({
			peer: peer.id, row: scenario.row, ...round, seen,
		}, undefined, '\t'));
	}

	finished++;
	if (process.stderr.isTTY) {
		process.stderr.write(`\r${finished} of ${runs.length}`);
	}
}

async function runAll(queue, parallel) {
	const waiting = [...queue];
	await Promise.all(Array.from({length: parallel}, async () => {
		for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) {
			await run(cell);
		}
	}));
}

// Others at work make everything later: the page says so.
const [load] = os.loadavg();
const began = performance.now();
await runAll(runs.filter(({scenario}) => !scenario.alone), Number(values.parallel));
await runAll(runs.filter(({scenario}) => scenario.alone), 1);
const seconds = Math.round((performance.now() - began) / 1000);

const missing = {
	text: '-', stable: true, seen: ['-'], figures: [], note: '',
};
const results = {
	date: new Date().toISOString(),
	versions,
	machine: {
		node: process.version,
		kernel: os.release(),
		model: os.cpus()[0].model.trim(),
		processors: os.availableParallelism(),
		load: Math.round(load),
		memoryGigabytes: Math.round(os.totalmem() / (1024 ** 3)),
	},
	rounds,
	patience,
	seconds,
	peers: chosenPeers.map(({id, name, mode}) => ({id, name, mode})),
	scenarios: chosenScenarios.map(({row, title}) => ({row, title})),
	cells: Object.fromEntries(chosenPeers.map(peer => [peer.id, Object.fromEntries(cells
		.filter(cell => cell.peer === peer)
		.map(cell => [cell.scenario.row, cell.rounds.length === 0 ? missing : summary(cell.rounds)]))])),
};
fs.mkdirSync(values.output, {recursive: true});
fs.writeFileSync(path.join(values.output, 'faults.json'), `${JSON.stringify(results, undefined, '\t')}\n`);
fs.writeFileSync(path.join(values.output, 'faults.md'), `${markdown(results)}\n`);
if (values.docs) {
	writePage(results);
}

console.log(`${markdown(results)}\n\n${runs.length} runs in ${seconds} s; faults.json and faults.md are in ${values.output}`);
