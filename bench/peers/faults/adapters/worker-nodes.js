import WorkerNodes from 'worker-nodes';
import {limitHeapByEnvironment, threadLimits, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	if (mode === 'process') {
		limitHeapByEnvironment(options);
	}

	const pool = new WorkerNodes(workerFile('tasks', options), {
		workerType: mode,
		autoStart: true,
		minWorkers: options.workers,
		maxWorkers: options.workers,
		...(options.deadline !== undefined && {taskTimeout: options.deadline}),
		...(mode === 'thread' && threadLimits(options)),
	});
	const run = (name, argument) => pool.call[name](argument);
	return {run, runTimeout: run, close: () => pool.terminate()};
}
