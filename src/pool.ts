/**
 * The JavaScript half of a pool: it turns calls into submissions and notices into settled futures. Every decision is
 * made by the other half.
 */
import {AbortableTasks} from './abortable-tasks.js';
import {Attempts} from './attempts.js';
import {watchExit} from './exit.js';
import {BrokenProcessPool, ShutdownExecutorError} from './errors.js';
import type {EventListeners} from './executor-events.js';
import {
	FunctionRegistry, type AnyFunction, type OutgoingTask, type TaskEncoding,
} from './function-registry.js';
import {
	createFuture, observeFuture, rejectFuture, watchFuture, type Future, type FutureOwner,
} from './future.js';
import {
	startExecutor, type NativeBreak, type NativeExecutor, type NativeFact, type NativeSettings, type NativeWorkerState,
} from './native.js';
import {isImporting} from './functions/imports-under-way.js';
import type {MapChunk} from './map-chunk.js';
import {readNotices, type NoticeReceiver} from './notices.js';
import {brokenPoolError, workerExit} from './outcome.js';
import {Outbox, type TaskTerms} from './outbox.js';
import {finishParentOutput} from './parent-output.js';
import {PendingTasks} from './pending-tasks.js';
import {RetainedFunctions} from './retained-functions.js';
import {received} from './serialize/pickler.js';
import {decodeErrorNow} from './serialize/remote-error.js';
import {countWorkers, type ExecutorStats} from './stats.js';
import {TaskObserver} from './task-observation.js';
import {unlimited, type TaskLimits} from './task-options.js';
import {warnOfDroppedText, type TextReceiver} from './worker-text.js';

// Kept from the time the package was loaded: a program may replace them.
const {queueMicrotask} = globalThis;

/** How to close: finish everything, or kill. Either may follow the other; a kill stays a kill. */
export type Closing = 'drain' | 'kill';

type PoolState
	= | {readonly name: 'new'}
		| {readonly name: 'open' | 'closing'; readonly native: NativeExecutor}
		| {readonly name: 'broken'; readonly native: NativeExecutor | null; readonly createError: () => Error}
		| {readonly name: 'closed'};

/** What a future gives, from the decoded result. Called without a receiver. */
type Receive = (decoded: unknown) => unknown;

const asItIs: Receive = decoded => decoded;

/** A function that many chunks are submitted with. */
export interface ChunkFunction {
	/** One call for each list of arguments. */
	submit(chunk: MapChunk, list: readonly unknown[][]): Future<unknown>;
	/** There will be no more chunks. */
	release(): void;
}

/** A task that may have to be sent again. */
interface SubmittedTask {
	readonly task: number;
	readonly future: Future<unknown>;
	readonly outgoing: OutgoingTask;
	readonly terms: TaskTerms;
}

const isAborted = (signal: AbortSignal | null): boolean => signal?.aborted === true;

/** For a submission to a pool that broke before it. */
const brokenEarlier = (cause: Error): Error => new BrokenProcessPool(`The process pool broke earlier and takes no more tasks; start another executor. ${cause.message}`, {cause});

/** One pool of workers. Starts nothing before its first submission. */
export class Pool implements FutureOwner {
	readonly #settings: NativeSettings;
	readonly #receive: Receive;
	readonly #functions: FunctionRegistry;
	readonly #outbox = new Outbox();
	readonly #events: EventListeners;
	readonly #receiveText: TextReceiver;
	readonly #observer: TaskObserver;
	readonly #tasks: PendingTasks;
	readonly #abortable = new AbortableTasks((tasks, reason) => {
		this.#abort(tasks, reason);
	});

	readonly #retained = new RetainedFunctions(id => {
		this.#flush();
		this.#native()?.releaseFunction(id);
	});

	readonly #closeListeners: Array<() => void> = [];
	readonly #receiver: NoticeReceiver = {
		returned: (task, payload) => {
			this.#tasks.returned(task, payload);
		},
		returnedSmall: (task, value) => {
			this.#tasks.returnedSmall(task, value);
		},
		threw: (task, payload) => {
			this.#tasks.threw(task, payload);
		},
		cancelled: task => {
			this.#tasks.cancel(task);
		},
		poolClosed: task => {
			this.#tasks.rejectTogether(task, () => new ShutdownExecutorError());
		},
		poolBroken: (task, broken) => {
			this.#tasks.rejectTogether(task, () => this.#brokenError(broken));
		},
		fact: (task, fact) => {
			this.#takeFact(task, fact);
		},
	};

	#state: PoolState = {name: 'new'};
	#lastTask = 0;
	#workersStarted = 0;
	#workersDied = 0;
	#workersRecycled = 0;
	#isFlushScheduled = false;
	#isHeld = false;

	constructor(settings: NativeSettings, encoding: TaskEncoding, events: EventListeners, receiveText: TextReceiver) {
		this.#settings = settings;
		this.#events = events;
		this.#receiveText = receiveText;
		this.#observer = new TaskObserver(events);
		const {pickler} = encoding;
		this.#receive = pickler === null ? asItIs : decoded => received(decoded, pickler, 'parent');
		this.#functions = new FunctionRegistry({
			register: (id, payload) => {
				this.#open().registerFunction(id, payload);
			},
			release: id => {
				this.#retained.release(id);
			},
		}, encoding);
		this.#tasks = new PendingTasks(this.#observer, () => {
			this.#holdOrRelease();
		});
	}

	/** Never throws for what depends on the pool's state or on the values: that comes through the future. */
	submit(fn: AnyFunction, args: readonly unknown[], limits = unlimited): Future<unknown> {
		return (limits === unlimited ? this.#submitSmall(fn, args) : null) ?? this.#submit(fn, () => this.#functions.call(fn, args), this.#receive, limits);
	}

	/** The function as it is now. Where it cannot travel, the chunks fail. Each item of a chunk has the timeout. */
	chunkFunction(fn: AnyFunction, limits = unlimited): ChunkFunction {
		let snapshot: () => number;
		try {
			this.#openFirst();
			const functionId = this.#state.name === 'open' ? this.#functions.snapshot(fn, 'each') : 0;
			snapshot = () => functionId;
		} catch (error) {
			snapshot = () => {
				throw error;
			};
		}

		return {
			submit: (chunk, list) => this.#submit(
				fn,
				() => ({functionId: snapshot(), bytes: chunk.encode(list, this.#functions), classes: []}),
				decoded => chunk.receive(decoded, this.#receive),
				limits.timeout === null ? limits : {...limits, timeout: limits.timeout * list.length},
			),
			release: () => {
				try {
					this.#functions.release(snapshot());
				} catch {
					// There is nothing to free.
				}
			},
		};
	}

	cancel(task: number): boolean {
		const native = this.#native();
		if (native === null || !this.#tasks.has(task)) {
			return false;
		}

		this.#flush();
		if (!native.cancel(task)) {
			return false;
		}

		// Its notice comes later and finds nothing: the future is settled before this returns, as its caller expects.
		this.#tasks.cancel(task);
		this.#holdOrRelease();
		return true;
	}

	isRunning(task: number): boolean {
		const native = this.#native();
		return native !== null && this.#tasks.has(task) && native.isRunning(task);
	}

	workers(): NativeWorkerState[] {
		return this.#native()?.workers() ?? [];
	}

	stats(): ExecutorStats {
		const {running, ...workers} = countWorkers(this.workers());
		const {fulfilled, rejected, cancelled} = this.#observer.counts;
		return {
			...workers,
			// A task whose result is on its way here runs no more, and is not settled.
			pending: Math.max(0, this.#tasks.size - running),
			running,
			submitted: this.#lastTask,
			completed: fulfilled,
			failed: rejected,
			cancelled,
			workersStarted: this.#workersStarted,
			workersDied: this.#workersDied,
			workersRecycled: this.#workersRecycled,
		};
	}

	/** Resolves when every task is settled and every process is gone. */
	async close(how: Closing): Promise<void> {
		this.startClosing(how);
		if (this.#native() === null) {
			return;
		}

		await new Promise<void>(resolve => {
			this.#closeListeners.push(resolve);
			this.#holdOrRelease();
		});
	}

	startClosing(how: Closing): void {
		this.#flush();
		switch (this.#state.name) {
			case 'new': {
				this.#state = {name: 'closed'};
				return;
			}

			case 'open':
			case 'closing': {
				const {native} = this.#state;
				this.#state = {name: 'closing', native};
				native.shutdown(how);
				return;
			}

			case 'broken': {
				this.#state.native?.shutdown('kill');
				return;
			}

			case 'closed': {
				return;
			}

			default: {
				this.#state satisfies never;
			}
		}
	}

	/** Null for what needs more than a row in the outbox. Runs no code of the caller. */
	#submitSmall(fn: AnyFunction, args: readonly unknown[]): Future<unknown> | null {
		const isPossible = this.#state.name === 'open' && !this.#observer.isListening;
		const functionId = isPossible ? this.#functions.knownId(fn) : undefined;
		const task = this.#lastTask + 1;
		if (functionId === undefined || !this.#outbox.addSmall(task, functionId, args)) {
			return null;
		}

		this.#lastTask = task;
		const future = createFuture<unknown>(this, task);
		this.#tasks.add(task, future, null);
		this.#flushSoon();
		return future;
	}

	#submit(fn: AnyFunction, encodeTask: () => OutgoingTask, receive: Receive, limits: TaskLimits): Future<unknown> {
		const {signal, timeout} = limits;
		if (isAborted(signal)) {
			return this.#aborted(signal);
		}

		let outgoing;
		try {
			this.#openFirst();
			// Encoding runs getters of the caller, which may submit or shut down: state and number are taken after it.
			outgoing = this.#state.name === 'open' ? encodeTask() : null;
		} catch (error) {
			return this.#failed(error);
		}

		if (this.#state.name !== 'open' || outgoing === null) {
			return this.#failed(this.#refusal());
		}

		if (isAborted(signal)) {
			return this.#aborted(signal);
		}

		const task = ++this.#lastTask;
		const future = createFuture<unknown>(this, task);
		const observation = this.#observer.submitted(task);
		const terms: TaskTerms = {timeout, isObserved: observation?.isStartTold === true, priority: limits.priority};
		const attempts = limits.retries === 0
			? null
			: this.#attempts({
				task, future, outgoing, terms,
			}, limits);
		this.#tasks.add(task, future, {
			receive, timeout, fn, attempts, observation, classes: outgoing.classes,
		});
		if (isAborted(signal)) {
			// By a subscriber of a diagnostics channel, who has just been told of the task.
			this.#tasks.abort(task, signal?.reason);
			return future;
		}

		if (signal !== null) {
			this.#abortable.add(task, signal);
			watchFuture(future, () => {
				this.#abortable.delete(task, signal);
			});
		}

		this.#send(task, outgoing, terms);
		return future;
	}

	/** The number of the task stays, so it takes its old place in the queue. */
	#attempts({task, future, outgoing: {functionId, bytes}, terms}: SubmittedTask, limits: TaskLimits): Attempts {
		const outgoing = {functionId, bytes: new Uint8Array(bytes)};
		this.#retained.retain(functionId);
		watchFuture(future, () => {
			this.#retained.letGo(functionId);
		});
		return new Attempts(limits, () => {
			// A predicate may have cancelled the task, or closed the pool.
			const isPossible = this.#state.name === 'open' && this.#tasks.has(task);
			if (isPossible) {
				this.#send(task, outgoing, terms);
			}

			return isPossible;
		});
	}

	#send(task: number, {functionId, bytes}: Pick<OutgoingTask, 'functionId' | 'bytes'>, terms: TaskTerms): void {
		this.#outbox.add(task, functionId, bytes, terms);
		this.#flushSoon();
	}

	#flushSoon(): void {
		if (this.#isDue()) {
			this.#flush();
		} else if (!this.#isFlushScheduled) {
			this.#isFlushScheduled = true;
			queueMicrotask(() => {
				this.#isFlushScheduled = false;
				this.#flush();
			});
		}
	}

	#abort(tasks: readonly number[], reason: unknown): void {
		this.#flush();
		this.#native()?.abort(Float64Array.from(tasks));
		for (const task of tasks) {
			this.#tasks.abort(task, reason);
		}

		this.#holdOrRelease();
	}

	/** A worker starts while the first function is looked at. */
	#openFirst(): void {
		if (this.#state.name === 'new') {
			this.#open().expectWork();
		}
	}

	#native(): NativeExecutor | null {
		return 'native' in this.#state ? this.#state.native : null;
	}

	#open(): NativeExecutor {
		const running = this.#native();
		if (running !== null) {
			return running;
		}

		const native = this.#start();
		this.#state = {name: 'open', native};
		watchExit(this, () => {
			// The last output of workers is flushed before the parent exits, and nobody runs longer than it.
			native.flushOutput();
			this.#takeNotices();
			finishParentOutput();
			this.startClosing('kill');
			// After this nobody is left who would look for what tasks have started.
			native.killAndWait();
		});
		return native;
	}

	#start(): NativeExecutor {
		if (isImporting()) {
			throw new BrokenProcessPool('This worker is still importing a module that submits tasks itself: every worker would start workers without end. If it is the main module, or imports it, put what the program does under a guard that is false in a worker: if (import.meta.main) from Node.js 24 on, if (require.main === module) in CommonJS.');
		}

		try {
			return startExecutor(this.#settings, () => {
				this.#takeNotices();
			});
		} catch (error) {
			throw new BrokenProcessPool(`The supervisor of the process pool cannot start: ${(error as Error).message}. Its descriptors or threads may be used up.`, {cause: error});
		}
	}

	#refusal(): Error {
		return this.#state.name === 'broken' ? this.#state.createError() : new ShutdownExecutorError();
	}

	#aborted(signal: AbortSignal | null): Future<unknown> {
		const future = this.#failed(signal?.reason);
		observeFuture(future);
		return future;
	}

	#failed(error: unknown): Future<unknown> {
		const future = createFuture<unknown>(this, 0);
		rejectFuture(future, error);
		return future;
	}

	/**
	 * Whether the outbox should go out before the turn ends. The first tasks do at once, because the caller may go on to
	 * block the event loop; later ones when they are a fifth of what workers have to do, which keeps the crossings few.
	 */
	#isDue(): boolean {
		const sent = this.#tasks.size - this.#outbox.count;
		return sent < this.#settings.maxWorkers * 2 || this.#outbox.count * 4 >= sent || this.#outbox.isFull;
	}

	#flush(): void {
		const native = this.#native();
		if (this.#outbox.count === 0 || native === null) {
			return;
		}

		this.#outbox.empty((table, count, payloads) => {
			native.submit(table, count, payloads);
		});
		this.#holdOrRelease();
	}

	/** The event loop lives exactly while somebody waits for something. */
	#holdOrRelease(): void {
		const native = this.#native();
		const isWanted = this.#tasks.size > 0 || this.#closeListeners.length > 0;
		if (native === null || isWanted === this.#isHeld) {
			return;
		}

		this.#isHeld = isWanted;
		if (isWanted) {
			native.hold();
		} else {
			native.release();
		}
	}

	#takeNotices(): void {
		const native = this.#native();
		if (native === null) {
			return;
		}

		readNotices(native.take(), this.#receiver);
		this.#holdOrRelease();
	}

	#takeFact(task: number, fact: NativeFact): void {
		switch (fact.kind) {
			case 'worker-terminated': {
				this.#tasks.died(task, fact.death, 'death');
				return;
			}

			case 'task-started': {
				this.#tasks.started(task, fact);
				return;
			}

			case 'timed-out': {
				this.#tasks.died(task, fact.death, 'timeout');
				return;
			}

			// Its future is settled: see `#abort`.
			case 'aborted': {
				return;
			}

			case 'stdout':
			case 'stderr': {
				const {kind: stream, bytes, workerIndex, pid} = fact;
				const native = this.#native();
				this.#receiveText({
					stream, bytes, workerIndex, pid, task: task === 0 ? null : task,
				}, () => {
					native?.textTaken(bytes.length);
				});
				return;
			}

			case 'text-dropped': {
				warnOfDroppedText();
				return;
			}

			case 'broken': {
				this.#state = {name: 'broken', native: this.#native(), createError: () => brokenEarlier(this.#brokenError(fact))};
				this.#events.tell('broken', () => ({error: this.#brokenError(fact)}));
				return;
			}

			case 'failed': {
				this.#fail(fact.text);
				return;
			}

			case 'closed': {
				this.#close();
				return;
			}

			case 'worker-started': {
				const {pid, workerIndex} = fact;
				this.#workersStarted++;
				this.#events.tell('worker:start', () => ({pid, workerIndex}));
				return;
			}

			case 'worker-recycled': {
				const {pid, workerIndex, cause: reason, memory, finished: tasksDone} = fact;
				this.#workersRecycled++;
				this.#events.tell('recycle', () => ({
					pid, workerIndex, reason, memory, tasksDone,
				}));
				return;
			}

			case 'stray-error': {
				const {pid, workerIndex, bytes} = fact;
				const error = decodeErrorNow(bytes);
				this.#tasks.leftError(task, error);
				this.#events.tell('task:unhandled', () => ({
					task: task === 0 ? null : task, error, pid, workerIndex,
				}));
				return;
			}

			case 'worker-exited': {
				this.#workersDied += fact.death.reason === 'shutdown' ? 0 : 1;
				this.#events.tell('worker:exit', () => workerExit(fact.death));
				return;
			}

			// Comes with a task only.
			case 'pool-broken': {
				return;
			}

			default: {
				fact satisfies never;
			}
		}
	}

	/** A fresh object for each future: what one holder attaches to it must not show up in another's. */
	#brokenError(broken: NativeBreak): BrokenProcessPool {
		return brokenPoolError(broken, this.#settings.program, broken.cause === 'initializer-threw' ? decodeErrorNow(broken.bytes) : null);
	}

	/** The supervisor's thread is lost: nothing else will be told, so everything ends here. */
	#fail(words: string): void {
		const createError = (): BrokenProcessPool => new BrokenProcessPool(`The supervisor of the process pool failed: ${words}. This is a defect of loky; please report it.`);
		this.#state = {name: 'broken', native: null, createError};
		this.#events.tell('broken', () => ({error: createError()}));
		this.#tasks.rejectAll(createError);
		this.#tellClosed();
	}

	#close(): void {
		const native = this.#native();
		if (native !== null) {
			native.release();
			native.dispose();
			this.#isHeld = false;
		}

		this.#state = this.#state.name === 'broken' ? {...this.#state, native: null} : {name: 'closed'};

		this.#tellClosed();
	}

	#tellClosed(): void {
		watchExit(this, null);
		for (const listener of this.#closeListeners.splice(0)) {
			listener();
		}
	}
}
