import workerpool from 'workerpool';
import {heapFlags, threadLimits, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	const pool = workerpool.pool(workerFile('workerpool', options), {
		workerType: mode,
		minWorkers: options.workers,
		maxWorkers: options.workers,
		...(mode === 'process' ? {forkOpts: {serialization: 'advanced', execArgv: heapFlags(options)}} : {workerThreadOpts: threadLimits(options)}),
	});
	return {
		run: (name, argument) => pool.exec(name, [argument]),
		runTimeout: (name, argument, milliseconds) => pool.exec(name, [argument]).timeout(milliseconds),
		close: () => pool.terminate(true),
	};
}
