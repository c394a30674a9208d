/**
 * The tasks of a pool whose futures are not settled, and how they are. A task leaves here when it settles, so nothing
 * can settle twice.
 */
import {CancelledError} from './errors.js';
import {
	cancelFuture, observeFuture, rejectFuture, resolveFuture, type Future,
} from './future.js';
import type {Attempts, FailureKind} from './attempts.js';
import type {NativeDeath, NativeTaskStart} from './native.js';
import {terminatedWorkerError} from './outcome.js';
import {decodeWithFunctions} from './serialize/codec.js';
import {decodeWhenImported, WhenImported} from './serialize/reducers.js';
import {decodeError, decodeErrorNow} from './serialize/remote-error.js';
import {taskName} from './task-name.js';
import type {TaskObservation, TaskObserver} from './task-observation.js';
import {TaskTable} from './task-table.js';
import {createFailureGroup, type FailureGroup} from './unobserved-failures.js';

/** To collect the frames, all of this package, for each of a hundred thousand errors takes seconds and helps nobody. */
function withoutFrames<T>(create: () => T): T {
	const {stackTraceLimit} = Error;
	// It fails where a program has frozen it, and the frames are there then.
	Reflect.set(Error, 'stackTraceLimit', 0);
	try {
		return create();
	} finally {
		Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
	}
}

/** What is not the same for all tasks. */
export interface TaskDetails {
	/** What the future gives, from the decoded result. */
	readonly receive: (decoded: unknown) => unknown;
	readonly observation: TaskObservation | null;
	/** What must not be collected before the result is there. */
	readonly classes: readonly object[];
	/** The task's own limit, in ms. */
	readonly timeout: number | null;
	/** What it calls; null where that is not kept. */
	readonly fn: object | null;
	/** Null for a task that is tried once. */
	readonly attempts: Attempts | null;
}

const asItIs = (decoded: unknown): unknown => decoded;

const ordinary: TaskDetails = {
	receive: asItIs, observation: null, classes: [], timeout: null, fn: null, attempts: null,
};

/** Each retry is an attempt, and so is each worker that died before it could start the task, which the pool counts. */
const attemptOf = ({attempts}: TaskDetails, counted: number): number => counted + (attempts?.number ?? 1) - 1;

/** By their numbers. What is said of a task that is not here concerns one that was cancelled meanwhile. */
export class PendingTasks {
	readonly #futures = new TaskTable<Future<unknown>>();
	/** Of the tasks that are not ordinary. */
	readonly #details = new Map<number, TaskDetails>();
	/** What nobody handled while a task ran, which is why its worker dies: soon, so there are few. */
	readonly #strayErrors = new Map<number, unknown>();
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
		return this.#futures.size;
	}

	has(task: number): boolean {
		return this.#futures.get(task) !== undefined;
	}

	/** @param details null for an ordinary task: its result as it is, one attempt, no limit, nobody who listens */
	add(task: number, future: Future<unknown>, details: TaskDetails | null): void {
		this.#futures.add(task, future);
		if (details !== null) {
			this.#details.set(task, details);
		}
	}

	/** Told only of tasks whose start somebody wants to know. */
	started(task: number, {workerIndex, pid, attempt}: NativeTaskStart): void {
		const details = this.#detailsOf(task);
		if (this.has(task) && details.observation !== null) {
			this.#observer.started(details.observation, {
				task, pid, workerIndex, attempt: attemptOf(details, attempt),
			});
		}
	}

	/** Nobody handled an error of the task. One that is settled is not here any more. */
	leftError(task: number, error: unknown): void {
		if (this.has(task)) {
			this.#strayErrors.set(task, error);
		}
	}

	/** Settles with an encoded result. */
	returned(task: number, payload: Uint8Array): void {
		if (!this.has(task)) {
			return;
		}

		const {receive} = this.#detailsOf(task);
		this.#receive(task, () => receive(decodeWithFunctions(payload, 'parent')));
	}

	/** Settles with a result that is decoded. */
	returnedSmall(task: number, value: unknown): void {
		if (this.#details.has(task)) {
			const {receive} = this.#detailsOf(task);
			this.#receive(task, () => receive(value));
		} else {
			this.#resolve(task, value);
		}
	}

	/** Settles with an encoded error. */
	threw(task: number, payload: Uint8Array): void {
		if (!this.has(task)) {
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
		if (this.has(task)) {
			const details = this.#detailsOf(task);
			const cause = this.#strayErrors.get(task) ?? null;
			this.#strayErrors.delete(task);
			this.#fail(task, terminatedWorkerError(death, {
				attempt: attemptOf(details, death.attempt ?? 1),
				timeout: kind === 'timeout' ? details.timeout : null,
				reportPath: null,
				cause,
				name: details.fn === null ? '' : taskName(details.fn),
			}), kind);
		}
	}

	/** Settles with an error that many tasks have in common; each gets an object of its own, if there is somebody to get it. */
	rejectTogether(task: number, createError: () => Error): void {
		this.#settle(task, () => withoutFrames(createError), this.#commonFate);
	}

	/** Settles with the reason of a signal. Whoever aborts a task knows of it, so it is not warned about. */
	abort(task: number, reason: unknown): void {
		this.#takeOut(task, future => {
			observeFuture(future);
			rejectFuture(future, reason);
		});
	}

	rejectAll(createError: () => Error): void {
		for (const task of this.#futures.numbers()) {
			this.rejectTogether(task, createError);
		}
	}

	cancel(task: number): void {
		this.#takeOut(task, future => {
			cancelFuture(future, new CancelledError());
		});
	}

	/** Settles with the error of a task, or has the task tried again. */
	#fail(task: number, error: unknown, kind: FailureKind): void {
		if (!this.has(task) || this.#detailsOf(task).attempts?.goOn(error, kind) !== true) {
			this.#settle(task, () => error);
		}
	}

	#settle(task: number, createError: () => unknown, group?: FailureGroup): void {
		this.#takeOut(task, future => {
			rejectFuture(future, createError(), group);
		});
	}

	#receive(task: number, receive: () => unknown): void {
		let value;
		try {
			value = decodeWhenImported(receive);
		} catch (error) {
			this.#fail(task, error, 'error');
			return;
		}

		if (value instanceof WhenImported) {
			void this.#returnedLater(task, value.decoded);
		} else {
			this.#resolve(task, value);
		}
	}

	#resolve(task: number, value: unknown): void {
		this.#takeOut(task, future => {
			resolveFuture(future, value);
		});
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

		this.#resolve(task, decoded.value);
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

	#detailsOf(task: number): TaskDetails {
		return this.#details.get(task) ?? ordinary;
	}

	#takeOut(task: number, settle: (future: Future<unknown>) => void): void {
		const future = this.#futures.take(task);
		if (future === undefined) {
			return;
		}

		const {observation} = this.#detailsOf(task);
		this.#details.delete(task);
		if (this.#strayErrors.size > 0) {
			this.#strayErrors.delete(task);
		}

		settle(future);
		this.#observer.settled(task, future, observation);
	}
}
