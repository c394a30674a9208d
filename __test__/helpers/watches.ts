/**
 * Both ways in which deaths are noticed. What must hold holds on kernels that refuse pidfds, too, where a thread waits for each worker.
 */
import test, {type ExecutionContext} from 'ava';
import type {ExecutorOptions, ProcessPoolExecutor} from 'loky';
import {withExecutor} from './with-executor.js';

export const watches: ReadonlyArray<readonly [name: string, env: ExecutorOptions['env']]> = [
	['watched by a pidfd', {}],
	['watched by a thread', {LOKY_TEST_DEATH_WATCH: 'thread'}],
];

/** Two tests, each with an executor and as {@link withExecutor}. */
export function onTwoWatches(title: string, options: ExecutorOptions, body: (t: ExecutionContext, executor: ProcessPoolExecutor) => Promise<void>): void {
	for (const [watch, env] of watches) {
		test.serial(`${title} (${watch})`, withExecutor({...options, env}, body));
	}
}
