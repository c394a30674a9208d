/**
 * One run of all tasks in an executor of its own, with its progress, and with a murder on request.
 */
import process from 'node:process';
import {ProcessPoolExecutor} from 'loky';
import {startProgress} from './progress.js';
import {simulateInWorkers} from './simulation.js';

/**
 * @param {object} settings
 * @param {number} settings.tasks
 * @param {number} settings.paths of each task
 * @param {number} [settings.workers]
 * @param {boolean} settings.withKill whether a worker is killed after 40 % of the tasks
 */
export async function runInWorkers({tasks, paths, workers, withKill}) {
	const start = performance.now();
	const executor = new ProcessPoolExecutor({maxWorkers: workers});
	console.log(`${executor.maxWorkers} workers${withKill ? ', one of which will be killed' : ', undisturbed'}`);
	const progress = startProgress('tasks', tasks);
	let killAt = withKill ? Math.ceil(tasks * 0.4) : Number.POSITIVE_INFINITY;
	let timer;
	try {
		const outcome = await simulateInWorkers(executor, {
			tasks,
			paths,
			onProgress(done) {
				progress.update(done);
				if (done === killAt) {
					// Not at once: whoever has just finished a task dies before the next one, and fails nobody's.
					timer = setTimeout(() => {
						progress.note(killBusyWorker(executor));
					}, 3);
					// Should that happen all the same, another one has to go.
					killAt += 5 * executor.maxWorkers;
				}
			},
			onDeath(task, {name, code, pid, signal}) {
				killAt = Number.POSITIVE_INFINITY;
				progress.note(`${name} (${code}): worker ${pid} died of ${signal} in task ${task}, which alone is run again`);
			},
		});
		return {outcome, workers: executor.maxWorkers, duration: performance.now() - start};
	} finally {
		clearTimeout(timer);
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
