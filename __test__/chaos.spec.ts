/**
 * Workers are killed while thousands of tasks run. The long form is `npm run soak`.
 */
import test from 'ava';
import {within} from './helpers/deadline.js';
import {killParent} from './helpers/parent-kill.js';
import {RecordedRuns} from './helpers/recorded-runs.js';
import {soak} from './helpers/soak.js';
import {leavingNothing} from './helpers/with-executor.js';

test.serial('5,000 tasks settle once each while a worker is killed every second and one is stopped', async t => {
	t.timeout(180_000);
	await leavingNothing(t, async () => {
		const figures = await soak({
			tasks: 5000, workers: 4, killEvery: 1000, stops: 1, cancelled: 5, endless: 1,
		});
		t.log(JSON.stringify(figures));
		t.is(figures.stops, 1);
		t.true(figures.kills > 0);
	});
});

test.serial('a parent that is killed under load leaves no process behind, and no task ran twice', async t => {
	const runs = new RecordedRuns();
	try {
		const {processes} = await within(50_000, killParent(runs.file, 'loaded', 100, 5000));
		t.true(processes > 1);
		t.true(runs.read(2000).every(run => run.begun <= 1 && run.ended <= run.begun));
	} finally {
		runs.remove();
	}
});
