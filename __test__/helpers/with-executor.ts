import type {ExecutionContext} from 'ava';
import {ProcessPoolExecutor, type ExecutorOptions} from 'loky';
import {eventually} from './deadline.js';
import {childrenOf, openDescriptors, sharedMappings} from './processes.js';

let isWarm = false;

/** The first executor makes Node open descriptors of its own that stay, such as those of a signal handler. */
async function warmUp(): Promise<void> {
	if (!isWarm) {
		isWarm = true;
		const executor = new ProcessPoolExecutor({maxWorkers: 1});
		await executor.submit(() => process.pid);
		await executor.shutdown();
	}
}

/**
 * A test with an executor, after which nothing may be left: no child, no zombie, no descriptor, no shared memory.
 * The executor may be shut down by the test itself.
 */
export function withExecutor(options: ExecutorOptions, body: (t: ExecutionContext, executor: ProcessPoolExecutor) => Promise<void>) {
	return async (t: ExecutionContext): Promise<void> => {
		await leavingNothing(t, async () => {
			const executor = new ProcessPoolExecutor(options);
			try {
				await body(t, executor);
			} finally {
				await executor.shutdown({killWorkers: true});
			}
		});
	};
}

/** Runs `body`, then looks for what it left behind. */
export async function leavingNothing(t: ExecutionContext, body: () => Promise<void>): Promise<void> {
	await warmUp();
	const descriptors = openDescriptors();
	const mappings = sharedMappings().length;
	await body();
	await eventually(() => childrenOf(), children => children.length === 0, 2000);
	await eventually(() => openDescriptors().length, count => count <= descriptors.length, 2000);
	t.deepEqual(added(openDescriptors(), descriptors), []);
	t.is(sharedMappings().length, mappings);
}

/** What is there more often than before. Node itself may have closed something meanwhile, such as a file that it reads as it starts. */
function added(now: readonly string[], before: readonly string[]): string[] {
	const left = [...before];
	return now.filter(descriptor => {
		const index = left.indexOf(descriptor);
		if (index !== -1) {
			left.splice(index, 1);
		}

		return index === -1;
	});
}
