/**
 * The tasks of a pool whose futures are not settled, and how they are. A task leaves here when it settles, so nothing
 * can settle twice.
 */
import {CancelledError} from './errors.js';
import {
	cancelFuture, observeFuture, rejectFuture, resolveFuture, type Future,
} from './future.js';
import type {Attempts, FailureKind} from './attempts.js';
import type {NativeDeath} from './native.js';
import {terminatedWorkerError} from './outcome.js';
import {decodeWithFunctions} from './serialize/codec.js';
import {decodeWhenImported, WhenImported} from './serialize/reducers.js';
import {decodeError, decodeErrorNow} from './serialize/remote-error.js';
import type {TaskObservation, TaskObserver} from './task-observation.js';
import {createFailureGroup, type FailureGroup} from './unobserved-failures.js';

interface PendingTask {
	readonly future: Future<unknown>;
	/** What the future gives, from the decoded result. */
	readonly receive: (decoded: unknown) => unknown;
	readonly observation: TaskObservation | null;
	/** What must not be collected before the result is there. */
	readonly classes: readonly object[];
	/** The task's own limit, in ms. */
	readonly timeout: number | null;
	/** Null for a task that is tried once. */
	readonly attempts: Attempts | null;
}

/** By their numbers. What is said of a task that is not here concerns one that was cancelled meanwhile. */
export class PendingTasks {
	readonly #tasks = new Map<number, PendingTask>();
	/** The many futures that fail of one kill or one break warn once, if nobody looks at any of them. */
	readonly #commonFate = createFailureGroup();

	readonly #observer: TaskObserver;
	readonly #settledLater: () => void;

	/** @param settledLater called when a task has settled outside of a call */
	constructor(observer: TaskObserver, settledLater: () => void) {
		this.#observer = observer;
		this.#settledLater = settledLater;
	}

	get size(): number {
		return this.#tasks.size;
	}

	has(task: number): boolean {
		return this.#tasks.has(task);
	}

	add(task: number, pending: PendingTask): void {
		this.#tasks.set(task, pending);
	}

	/** Settles with an encoded result. */
	returned(task: number, payload: Uint8Array): void {
		const pending = this.#tasks.get(task);
		if (pending === undefined) {
			return;
		}

		let value;
		try {
			value = decodeWhenImported(() => pending.receive(decodeWithFunctions(payload, 'parent')));
		} catch (error) {
			this.#fail(task, error, 'error');
			return;
		}

		if (value instanceof WhenImported) {
			void this.#returnedLater(task, value.decoded);
			return;
		}

		this.#tasks.delete(task);
		resolveFuture(pending.future, value);
		this.#observer.settled(task, pending.future, pending.observation);
	}

	/** Settles with an encoded error. */
	threw(task: number, payload: Uint8Array): void {
		if (!this.#tasks.has(task)) {
			return;
		}

		const error = decodeWhenImported(() => decodeError(payload));
		if (error instanceof WhenImported) {
			void this.#threwLater(task, error.decoded, payload);
		} else {
			this.#fail(task, error, 'error');
		}
	}

	/** Settles with the death of a worker, or has the task tried again. `timeout`: it was killed for this task. */
	died(task: number, death: NativeDeath, kind: 'death' | 'timeout'): void {
		const pending = this.#tasks.get(task);
		if (pending !== undefined) {
			this.#fail(task, terminatedWorkerError(death, {
				attempt: (death.attempt ?? 1) + (pending.attempts?.number ?? 1) - 1,
				timeout: kind === 'timeout' ? pending.timeout : null,
				reportPath: null,
			}), kind);
		}
	}

	/** Settles with an error that many tasks have in common; each gets an object of its own, if there is somebody to get it. */
	rejectTogether(task: number, createError: () => Error): void {
		this.#settle(task, createError, this.#commonFate);
	}

	/** Settles with the reason of a signal. Whoever aborts a task knows of it, so it is not warned about. */
	abort(task: number, reason: unknown): void {
		const pending = this.#take(task);
		if (pending !== undefined) {
			observeFuture(pending.future);
			rejectFuture(pending.future, reason);
			this.#observer.settled(task, pending.future, pending.observation);
		}
	}

	rejectAll(createError: () => Error): void {
		for (const task of this.#tasks.keys()) {
			this.rejectTogether(task, createError);
		}
	}

	cancel(task: number): void {
		const pending = this.#take(task);
		if (pending !== undefined) {
			cancelFuture(pending.future, new CancelledError());
			this.#observer.settled(task, pending.future, pending.observation);
		}
	}

	/** Settles with the error of a task, or has the task tried again. */
	#fail(task: number, error: unknown, kind: FailureKind): void {
		if (this.#tasks.get(task)?.attempts?.goOn(error, kind) !== true) {
			this.#settle(task, () => error);
		}
	}

	#settle(task: number, createError: () => unknown, group?: FailureGroup): void {
		const pending = this.#take(task);
		if (pending !== undefined) {
			rejectFuture(pending.future, createError(), group);
			this.#observer.settled(task, pending.future, pending.observation);
		}
	}

	/** As `returned`, once the modules are there that rebuild parts of the result. */
	async #returnedLater(task: number, decoding: WhenImported['decoded']): Promise<void> {
		let decoded: Awaited<typeof decoding>;
		try {
			decoded = await decoding;
		} catch (error) {
			this.#fail(task, error, 'error');
			this.#settledLater();
			return;
		}

		const pending = this.#take(task);
		if (pending !== undefined) {
			resolveFuture(pending.future, decoded.value);
			this.#observer.settled(task, pending.future, pending.observation);
		}

		this.#settledLater();
	}

	/** As `threw`, once the modules of the error's classes are there, or cannot be had. */
	async #threwLater(task: number, decoding: WhenImported['decoded'], payload: Uint8Array): Promise<void> {
		let error: unknown;
		try {
			const decoded = await decoding;
			error = decoded.value;
		} catch {
			error = decodeErrorNow(payload);
		}

		this.#fail(task, error, 'error');
		this.#settledLater();
	}

	#take(task: number): PendingTask | undefined {
		const pending = this.#tasks.get(task);
		this.#tasks.delete(task);
		return pending;
	}
}
