import workerFarm from 'worker-farm';
import {heapFlags, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	const farm = workerFarm({
		maxConcurrentWorkers: options.workers,
		maxConcurrentCallsPerWorker: 1,
		maxRetries: 0,
		...(options.deadline !== undefined && {maxCallTime: options.deadline}),
		workerOptions: {execArgv: heapFlags(options)},
	}, workerFile('worker-farm', options), options.tasks);
	const run = (name, argument) => new Promise((resolve, reject) => {
		farm[name](argument, (error, value) => {
			// A callback that is given nothing as its error reports a success: that is all its convention can say.
			if (error) {
				reject(error);
			} else {
				resolve(value);
			}
		});
	});
	return {
		run,
		runTimeout: run,
		close: () => new Promise(resolve => {
			workerFarm.end(farm, resolve);
		}),
	};
}
