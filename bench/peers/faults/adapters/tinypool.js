import process from 'node:process';
import {Tinypool} from 'tinypool';
import {heapFlags, threadLimits, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	const pool = new Tinypool({
		filename: workerFile('tasks', options),
		minThreads: options.workers,
		maxThreads: options.workers,
		idleTimeout: 1e9,
		...(mode === 'process'
			? {
				runtime: 'child_process', serialization: 'advanced', execArgv: heapFlags(options), ...(!options.byDefault && {env: {...process.env}}),
			}
			: {runtime: 'worker_threads', ...threadLimits(options)}),
	});
	pool.on('error', options.notice);
	return {
		run: (name, argument) => pool.run(argument, {name}),
		runTimeout: (name, argument, milliseconds) => pool.run(argument, {name, signal: AbortSignal.timeout(milliseconds)}),
		close: () => pool.destroy(),
	};
}
