import {StaticPool} from 'node-worker-threads-pool';
import {threadLimits, workerFile} from '../worker-setup.js';

/** The pool sends the text of this function to its threads. */
function call({file, name, argument}) {
	return this.require(file)[name](argument);
}

export function open(mode, options) {
	const pool = new StaticPool({size: options.workers, task: call, ...threadLimits(options)});
	const file = workerFile('tasks', options);
	return {
		run: (name, argument) => pool.exec({file, name, argument}),
		runTimeout: (name, argument, milliseconds) => pool.createExecutor().setTimeout(milliseconds).exec({file, name, argument}),
		close: () => pool.destroy(),
	};
}
