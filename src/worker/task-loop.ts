/**
 * Takes frames as they come and runs tasks one after the other.
 *
 * A task is claimed right before it starts, and its result is written before the next one is claimed: so a death at any
 * moment concerns exactly one task.
 */
import process from 'node:process';
import {performance} from 'node:perf_hooks';
import {
	frameKind, frameRow, type FrameBatch, type NativeWorker,
} from '../native.js';
import {decode} from '../serialize/codec.js';
import {received, type Pickler} from '../serialize/pickler.js';
import {decodeWhenImported, WhenImported} from '../serialize/reducers.js';
import type {Application} from '../functions/shipped-function.js';
import {applyToEach, isThenable} from './each.js';
import {Functions, type Call, type ShippedCallable} from './functions.js';
import {initialize, type Initialization} from './initialize.js';
import type {WorkerOutput} from './output.js';
import {Replies} from './replies.js';
import {printStrayError, runAsTask, watchStrayErrors} from './stray-errors.js';

// Captured at the start: a task may replace any global.
const {setImmediate, Atomics} = globalThis;

// Places in the remarks.
const loading = 0;
const debugPort = 1;

// How long tasks may follow one another before timers and sockets of earlier tasks get their turn, in ms.
const longestTurn = 2;

type PreparedCall
	= | (Call & {readonly application: 'call'})
		| {readonly application: 'each'; readonly callable: ShippedCallable; readonly items: ReadonlyArray<readonly unknown[]>};

const noFrames: FrameBatch = {
	count: 0, table: new Uint32Array(0), payloads: new Uint8Array(0),
};

/** As Node does after an error that nobody handled. */
function leave(): never {
	return process.exit(1);
}

/** Without a `this`. */
const callFreely = ({fn, args}: Call): unknown => fn(...args);

/** The run loop of a worker. */
export class TaskLoop {
	readonly #end: NativeWorker;
	readonly #claims: Int32Array;
	readonly #output: WorkerOutput;
	readonly #remarks: Int32Array;
	readonly #functions = new Functions();
	readonly #replies: Replies;
	#pickler: Pickler | null = null;
	#batch = noFrames;
	/** Read while a task was under way. */
	readonly #laterBatches: FrameBatch[] = [];
	/** The next row of the batch, and where its payload starts. */
	#row = 0;
	#offset = 0;
	/** A task, the initializer or an import is under way: frames wait. */
	#isBusy = false;
	/** The sequence of the task that is under way, or 0. */
	#running = 0;
	/** Nobody handled an error, so no other task begins here. */
	#isLeaving = false;

	constructor(end: NativeWorker, output: WorkerOutput) {
		this.#end = end;
		this.#output = output;
		this.#claims = end.claims();
		this.#remarks = end.remarks();
		// A worker that somebody debugs is late for that reason. The port is the one to come, too: SIGUSR1 opens it.
		this.#remarks[debugPort] = process.debugPort;
		this.#replies = new Replies(end, output, () => this.#row >= this.#batch.count && this.#laterBatches.length === 0);
	}

	/** There may be something to read. */
	wake(): void {
		if (!this.#isBusy && !this.#isLeaving) {
			this.#drain();
			return;
		}

		// Left in the pipe, they would wake the event loop again and again until the task is over.
		const batch = this.#end.read();
		if (batch.count > 0) {
			this.#laterBatches.push(batch);
		}
	}

	#drain(): void {
		const start = performance.now();
		while (this.#hasFrame()) {
			if (this.#takeFrame()) {
				return;
			}

			if (performance.now() - start > longestTurn) {
				this.#isBusy = true;
				setImmediate(() => {
					this.#resume();
				});
				return;
			}
		}
	}

	#resume(): void {
		this.#isBusy = false;
		this.#running = 0;
		if (this.#isLeaving) {
			leave();
		}

		this.#drain();
	}

	#hasFrame(): boolean {
		if (this.#row < this.#batch.count) {
			return true;
		}

		this.#batch = this.#laterBatches.shift() ?? this.#end.read();
		this.#row = 0;
		this.#offset = 0;
		return this.#batch.count > 0;
	}

	/** Whether the frame is still under way when this returns: `#resume` is called then. */
	#takeFrame(): boolean {
		const {table, payloads} = this.#batch;
		const row = this.#row++ * frameRow;
		const kind = table[row]!;
		const sequence = table[row + 1]!;
		const id = table[row + 2]!;
		const start = this.#offset;
		this.#offset = start + table[row + 3]!;
		switch (kind) {
			case frameKind.task: {
				return this.#claim(sequence) && this.#begin(sequence, id, payloads, start);
			}

			case frameKind.observedTask: {
				if (!this.#claim(sequence)) {
					return false;
				}

				this.#replies.started(sequence);
				return this.#begin(sequence, id, payloads, start);
			}

			case frameKind.function: {
				this.#functions.add(id, payloads.subarray(start, this.#offset));
				return false;
			}

			case frameKind.forget: {
				this.#functions.forget(id);
				return false;
			}

			case frameKind.init: {
				this.#isBusy = true;
				void this.#initialize(payloads.subarray(start, this.#offset));
				return true;
			}

			case frameKind.exit: {
				// Code 0 and the user's own exit handlers: a worker that leaves is a program that ends.
				return process.exit(0);
			}

			default: {
				throw new Error(`The parent sent a frame of kind ${kind}, which a worker of this version does not know.`);
			}
		}
	}

	/** False: the parent has taken the task back. */
	#claim(sequence: number): boolean {
		const slot = sequence % this.#claims.length;
		return Atomics.compareExchange(this.#claims, slot, sequence, -sequence) === sequence;
	}

	async #initialize(payload: Uint8Array): Promise<void> {
		try {
			const initialization = decode(payload, 'worker') as Initialization;
			if (initialization.marksOutput) {
				this.#output.markTasks();
			}

			const {reducers, pickler} = await initialize(initialization);
			this.#pickler = pickler;
			this.#replies.pickler = pickler;
			if (reducers !== null) {
				await this.#replies.loadCapture();
				this.#replies.reducers = reducers;
			}
		} catch (error) {
			await this.#replies.startFailed(error);
			process.exit(1);
		}

		// Before, an error ends the process as it does any other, and fails its start.
		watchStrayErrors((error, origin) => {
			this.#takeStrayError(error, origin);
		});
		this.#replies.ready();
		this.#resume();
	}

	/**
	 * Nobody knows what the error has left half done, so the process ends. But a task that runs and has nothing to do with it
	 * may finish first. Where the origin is not known, the task that runs may wait for ever for what has failed.
	 */
	#takeStrayError(error: unknown, origin: number): void {
		this.#isLeaving = true;
		const endsNow = this.#running === 0 || origin === 0 || origin === this.#running;
		printStrayError(error);
		void this.#tellStrayError(error, origin, endsNow);
	}

	async #tellStrayError(error: unknown, origin: number, endsNow: boolean): Promise<void> {
		const telling = this.#replies.strayError(origin, error);
		if (telling !== undefined) {
			await telling;
		}

		// A task that was under way may have finished meanwhile.
		if (endsNow || this.#running === 0) {
			leave();
		}
	}

	#begin(sequence: number, id: number, payloads: Uint8Array, start: number): boolean {
		this.#running = sequence;
		const isUnderWay = runAsTask(sequence, () => this.#runTask(sequence, id, payloads, start));
		if (!isUnderWay) {
			this.#running = 0;
		}

		return isUnderWay;
	}

	#runTask(sequence: number, id: number, payloads: Uint8Array, start: number): boolean {
		this.#output.taskStarted(sequence);
		const end = this.#offset;
		// While this is said, the task may take no longer than a start, and a death is one of loading.
		this.#remarks[loading] = sequence;
		let call;
		try {
			call = this.#pickler === null ? this.#functions.smallCall(id, payloads, start, end - start) : null;
			call ??= decodeWhenImported(() => this.#prepareCall(id, payloads.subarray(start, end)));
		} catch (error) {
			this.#remarks[loading] = 0;
			return this.#isAnswering(this.#replies.undecodable(sequence, error));
		}

		if (call instanceof WhenImported) {
			this.#isBusy = true;
			void this.#callWhenDecoded(sequence, call);
			return true;
		}

		return this.#call(sequence, call as PreparedCall);
	}

	#prepareCall(id: number, payload: Uint8Array): PreparedCall {
		const callable = this.#functions.get(id);
		if (callable.application === 'each') {
			return {application: 'each', callable, items: this.#received(callable.itemsOf(payload))};
		}

		const {fn, args} = callable.callOf(payload);
		return {application: 'call', fn, args: this.#received(args)};
	}

	#received<T>(value: T): T {
		return this.#pickler === null ? value : received(value, this.#pickler, 'worker') as T;
	}

	/** Whether the task is still under way when this returns. */
	#call(sequence: number, call: PreparedCall): boolean {
		this.#remarks[loading] = 0;
		let result;
		try {
			result = call.application === 'each' ? applyToEach(() => call.callable.instance(), call.items) : callFreely(call);
			if (isThenable(result)) {
				this.#isBusy = true;
				void this.#settle(sequence, result, call.application);
				return true;
			}
		} catch (error) {
			return this.#isAnswering(this.#replies.threw(sequence, error));
		}

		return this.#isAnswering(this.#replies.returned(sequence, result, call.application));
	}

	#isAnswering(answer: Promise<void> | undefined): boolean {
		if (answer === undefined) {
			return false;
		}

		this.#isBusy = true;
		void this.#resumeAfter(answer);
		return true;
	}

	async #resumeAfter(answer: Promise<void>): Promise<void> {
		await answer;
		this.#resume();
	}

	async #callWhenDecoded(sequence: number, decoding: WhenImported): Promise<void> {
		let call;
		try {
			call = await decoding.decoded;
		} catch (error) {
			this.#remarks[loading] = 0;
			await this.#replies.undecodable(sequence, error);
			this.#resume();
			return;
		}

		if (!this.#call(sequence, call.value as PreparedCall)) {
			this.#resume();
		}
	}

	async #settle(sequence: number, result: PromiseLike<unknown>, application: Application): Promise<void> {
		let value;
		try {
			value = await result;
		} catch (error) {
			await this.#replies.threw(sequence, error);
			this.#resume();
			return;
		}

		await this.#replies.returned(sequence, value, application);
		this.#resume();
	}
}
