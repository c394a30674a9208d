/** Ours, by what the package exports and nothing else. */
import process from 'node:process';
import {ProcessPoolExecutor} from '../../../../dist/index.js';
import {heapFlags, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	const flags = heapFlags(options);
	const executor = new ProcessPoolExecutor({
		maxWorkers: options.workers,
		...(flags.length > 0 && {env: {NODE_OPTIONS: [process.env.NODE_OPTIONS, ...flags].filter(Boolean).join(' ')}}),
	});
	const tasks = executor.module(workerFile('tasks', options));
	return {
		run: (name, argument) => tasks[name](argument),
		runTimeout: (name, argument, milliseconds) => executor.with({timeout: milliseconds}).submit(tasks[name], argument),
		close: () => executor.shutdown({killWorkers: true}),
	};
}
