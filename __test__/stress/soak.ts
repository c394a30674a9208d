/**
 * Hours of deaths in minutes, with oracles outside the pool. Each part prints a line of figures and ends with a verdict; the exit
 * code is 1 where an invariant did not hold.
 *
 *     npm run soak [-- stubs deaths pids nodes parents]
 *
 * `stubs`, `deaths` and `pids` use workers that are small Rust programs: to replace a Node worker takes about 0.1 s of a core, too much
 * for a kill every 50 ms. They are tests in `crates/supervisor/tests/soak.rs`.
 */
import assert from 'node:assert';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {killParent, type ParentKill} from '../helpers/parent-kill.js';
import {eventually} from '../helpers/deadline.js';
import {childrenOf, openDescriptors, sharedMappings} from '../helpers/processes.js';
import {RecordedRuns} from '../helpers/recorded-runs.js';
import {soak} from '../helpers/soak.js';

async function rust(test: string): Promise<void> {
	const cargo = ['test', '--quiet', '--release', '-p', 'supervisor', '--test', 'soak', '--', '--ignored', '--exact', '--nocapture', test];
	const [code] = await once(spawn('cargo', cargo, {stdio: 'inherit'}), 'exit') as [number | null];
	assert.equal(code, 0, `cargo ${cargo.join(' ')}`);
}

async function nodes(): Promise<void> {
	// The first executor makes Node open descriptors of its own that stay.
	await soak({
		tasks: 100, workers: 1, killEvery: 1000, stops: 0, cancelled: 5, endless: 1,
	});
	const descriptors = openDescriptors().length;
	const figures = await soak({
		tasks: 200_000, workers: 4, killEvery: 2000, stops: 5, cancelled: 5, endless: 1, options: {maxTasksPerWorker: 1000},
	});
	await eventually(() => childrenOf(), children => children.length === 0, 2000);
	await eventually(() => openDescriptors().length, count => count <= descriptors, 2000);
	assert.equal(sharedMappings().length, 0);
	console.log(`nodes: 200000 tasks on 4 workers, ${JSON.stringify(figures)}; 0 lost, 0 run twice, 0 left behind`);
}

async function parents(): Promise<void> {
	const kills: ParentKill[] = [];
	for (let round = 0; round < 500; round++) {
		const runs = new RecordedRuns();
		try {
			kills.push(await killParent(runs.file, round % 2 === 0 ? 'started' : 'loaded', Math.random() * 300, 500));
			assert.ok(runs.read(2000).every(run => run.begun <= 1 && run.ended <= run.begun), 'a task ran twice');
		} finally {
			runs.remove();
		}
	}

	const times = kills.map(({gone}) => gone).toSorted((a, b) => a - b);
	const processes = kills.reduce((sum, kill) => sum + kill.processes, 0);
	console.log(`parents: ${kills.length} killed with ${processes} processes, all gone after ${times[250]!.toFixed(0)} ms (median), ${times[494]!.toFixed(0)} ms (p99), ${times.at(-1)!.toFixed(0)} ms at most`);
}

const parts: Record<string, () => Promise<void>> = {
	stubs: async () => rust('million'),
	deaths: async () => rust('deaths'),
	pids: async () => rust('pids'),
	nodes,
	parents,
};

const {positionals} = parseArgs({allowPositionals: true});
const unknown = positionals.filter(name => !Object.hasOwn(parts, name));
assert.deepEqual(unknown, [], `the parts are ${Object.keys(parts).join(', ')}`);
for (const [name, run] of Object.entries(parts)) {
	if (positionals.length > 0 && !positionals.includes(name)) {
		continue;
	}

	const start = performance.now();
	try {
		await run();
		console.log(`${name}: all held, ${((performance.now() - start) / 60_000).toFixed(1)} min\n`);
	} catch (error) {
		console.error(`${name}: VIOLATED\n`, error);
		process.exitCode = 1;
	}
}
