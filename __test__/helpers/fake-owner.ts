import {CancelledError} from '#dist/errors.js';
import {cancelFuture, createFuture, type Future} from '#dist/future.js';

/** An owner without processes: a task can be taken back until the test says that it runs. */
export class FakeOwner {
	readonly running = new Set<number>();
	readonly #futures: Array<Future<unknown>> = [];

	submit<T = unknown>(): Future<T> {
		const future = createFuture<T>(this, this.#futures.length);
		this.#futures.push(future);
		return future;
	}

	cancel(task: number): boolean {
		return !this.running.has(task) && cancelFuture(this.#futures[task]!, new CancelledError());
	}

	isRunning(task: number): boolean {
		return this.running.has(task);
	}
}
