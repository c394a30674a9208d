import {createRequire} from 'node:module';
import path from 'node:path';
import {threadLimits, workerFile} from '../worker-setup.js';

const {Pool, Worker, spawn} = createRequire(import.meta.url)('threads');

export function open(mode, options) {
	// It joins even an absolute path to the folder of its caller.
	const file = path.relative(import.meta.dirname, workerFile('threads', options));
	const pool = Pool(() => spawn(new Worker(file, threadLimits(options))), {size: options.workers}); // eslint-disable-line new-cap
	return {
		run: (name, argument) => pool.queue(tasks => tasks[name](argument)),
		close: () => pool.terminate(true),
	};
}
