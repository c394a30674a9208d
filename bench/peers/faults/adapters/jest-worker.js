import process from 'node:process';
import {Worker} from 'jest-worker';
import {heapFlags, threadLimits, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	const pool = new Worker(workerFile('tasks', options), {
		numWorkers: options.workers,
		enableWorkerThreads: mode === 'thread',
		exposedMethods: options.tasks,
		maxRetries: 0,
		...(mode === 'thread' ? threadLimits(options) : {forkOptions: {execArgv: heapFlags(options)}}),
	});
	pool.getStdout().pipe(process.stdout);
	pool.getStderr().pipe(process.stderr);
	return {
		run: (name, argument) => pool[name](argument),
		close: () => pool.end(),
	};
}
