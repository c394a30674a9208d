import {FixedClusterPool, FixedThreadPool} from 'poolifier';
import {heapFlags, threadLimits, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	const common = {enableTasksQueue: true, errorHandler: options.notice};
	const pool = mode === 'process'
		? new FixedClusterPool(options.workers, workerFile('poolifier-cluster', options), {
			...common, settings: {serialization: 'advanced', execArgv: heapFlags(options)},
		})
		: new FixedThreadPool(options.workers, workerFile('poolifier-thread', options), {...common, workerOptions: threadLimits(options)});
	pool.emitter?.on('error', options.notice);
	return {
		run: (name, argument) => pool.execute(argument, name),
		runTimeout: (name, argument, milliseconds) => pool.execute(argument, name, AbortSignal.timeout(milliseconds)),
		close: () => pool.destroy(),
	};
}
