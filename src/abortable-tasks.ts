import {onAbort} from './abort-listeners.js';

interface Group {
	readonly tasks: Set<number>;
	readonly stopListening: () => void;
}

/** The unsettled tasks of a pool that signals may abort; all tasks of a signal are aborted together. */
export class AbortableTasks {
	readonly #groups = new Map<AbortSignal, Group>();
	readonly #abort: (tasks: readonly number[], reason: unknown) => void;

	constructor(abort: (tasks: readonly number[], reason: unknown) => void) {
		this.#abort = abort;
	}

	/** @param signal one that has not aborted */
	add(task: number, signal: AbortSignal): void {
		let group = this.#groups.get(signal);
		if (group === undefined) {
			group = {
				tasks: new Set(),
				stopListening: onAbort(signal, () => {
					this.#aborted(signal);
				}),
			};
			this.#groups.set(signal, group);
		}

		group.tasks.add(task);
	}

	delete(task: number, signal: AbortSignal): void {
		const group = this.#groups.get(signal);
		if (group?.tasks.delete(task) === true && group.tasks.size === 0) {
			this.#forget(signal, group);
		}
	}

	#aborted(signal: AbortSignal): void {
		const group = this.#groups.get(signal);
		if (group !== undefined) {
			this.#forget(signal, group);
			this.#abort([...group.tasks], signal.reason);
		}
	}

	#forget(signal: AbortSignal, group: Group): void {
		this.#groups.delete(signal);
		group.stopListening();
	}
}
