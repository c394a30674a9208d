/** For the adapters: which file the workers load, and how their heap is limited. */
import process from 'node:process';
import {fileURLToPath} from 'node:url';

/**
 * The file that workers load: the tasks themselves, or the peer's own `name`, which loads them. With `broken` the module of the tasks throws.
 */
export function workerFile(name, {broken}) {
	if (broken) {
		process.env.LOKY_FAULTS_TASKS = './broken.cjs';
	}

	return fileURLToPath(new URL(`workers/${broken && name === 'tasks' ? 'broken' : name}.cjs`, import.meta.url));
}

/** Limits of a thread, in the words of node:worker_threads. */
export const threadLimits = ({heapMegabytes}) => heapMegabytes === undefined ? {} : {resourceLimits: {maxOldGenerationSizeMb: heapMegabytes}};

/** Flags of a process. */
export const heapFlags = ({heapMegabytes}) => heapMegabytes === undefined ? [] : [`--max-old-space-size=${heapMegabytes}`];

/** For pools whose processes take no flags: the environment, which they inherit. */
export function limitHeapByEnvironment(options) {
	const flags = heapFlags(options);
	if (flags.length > 0) {
		process.env.NODE_OPTIONS = flags.join(' ');
	}
}

