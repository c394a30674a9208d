import {Piscina} from 'piscina';
import {threadLimits, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	const pool = new Piscina({
		filename: workerFile('tasks', options),
		minThreads: options.workers,
		maxThreads: options.workers,
		idleTimeout: Infinity,
		stricterFIFO: options.inOrder,
		...threadLimits(options),
	});
	pool.on('error', options.notice);
	return {
		run: (name, argument) => pool.run(argument, {name}),
		runTimeout: (name, argument, milliseconds) => pool.run(argument, {name, signal: AbortSignal.timeout(milliseconds)}),
		close: () => pool.destroy(),
	};
}
