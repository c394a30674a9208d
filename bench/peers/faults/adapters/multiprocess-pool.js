import {Pool} from 'multiprocess-pool';
import {limitHeapByEnvironment, workerFile} from '../worker-setup.js';

export function open(mode, options) {
	limitHeapByEnvironment(options);
	const file = workerFile('multiprocess-pool', options);
	// Its processes start here, and get the environment of this moment.
	const pool = new Pool(options.workers);
	return {
		run: (name, argument) => pool.apply({name, argument}, file),
		runTimeout: (name, argument, milliseconds) => pool.apply({name, argument}, file, {timeout: milliseconds}),
		close: () => pool.terminate(),
	};
}
