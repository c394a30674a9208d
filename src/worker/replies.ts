/**
 * What a worker tells its parent.
 */
import type {FunctionCapture} from '../functions/captured-function.js';
import {inheritedMainScript} from '../functions/main-script.js';
import type {Application} from '../functions/shipped-function.js';
import {frameKind, type NativeWorker} from '../native.js';
import {captureOnDemand, CaptureNeeded} from '../serialize/capture-on-demand.js';
import {encode} from '../serialize/codec.js';
import {carried, type Pickler} from '../serialize/pickler.js';
import type {ReducerTable} from '../serialize/reducers.js';
import {encodeError} from '../serialize/remote-error.js';
import {maxSmallPayload, writeSmallValue} from '../serialize/small-payload.js';
import {encodeOutcomes, type Outcome, type ResultEncoder} from './each.js';
import type {WorkerOutput} from './output.js';

const nothing = new Uint8Array(0);
const small = new Uint8Array(maxSmallPayload);
const resultSteps: readonly string[] = ['result'];

/** Writes frames to the parent. What returns a promise has written only when that is fulfilled. */
export class Replies {
	/** Null for our own codec. */
	pickler: Pickler | null = null;
	/** Of the classes whose instances travel otherwise. */
	reducers: ReducerTable | null = null;
	readonly #end: NativeWorker;
	readonly #output: WorkerOutput;
	readonly #isLast: () => boolean;
	#capture: FunctionCapture = captureOnDemand;
	readonly #encoder: ResultEncoder = {
		carried: value => this.pickler === null ? value : carried(value, this.pickler, 'result', resultSteps),
		result: value => encode(value, 'result', resultSteps, {reducers: this.reducers, capture: this.#capture}),
		thrown: error => encodeError(error, {reducers: this.reducers, capture: this.#capture}),
	};

	/** @param isLast whether no task waits here */
	constructor(end: NativeWorker, output: WorkerOutput, isLast: () => boolean) {
		this.#end = end;
		this.#output = output;
		this.#isLast = isLast;
	}

	ready(): void {
		this.#end.write(frameKind.ready, 0, nothing, true);
	}

	/** The task is claimed, and begins. */
	started(sequence: number): void {
		this.#end.write(frameKind.started, sequence, nothing, true);
	}

	/** Nobody handled an error, which the task with this sequence has left; 0 where that is not known. */
	strayError(sequence: number, error: unknown): Promise<void> | undefined {
		return this.#write(frameKind.strayError, sequence, () => this.#encoder.thrown(error));
	}

	startFailed(error: unknown): Promise<void> | undefined {
		return this.#write(frameKind.startFailed, 0, () => this.#encoder.thrown(error));
	}

	/** The task's value; where it cannot travel, the error that says why. */
	returned(sequence: number, value: unknown, application: Application): Promise<void> | undefined {
		const length = this.pickler === null && application === 'call' ? writeSmallValue(value, small, 0) : -1;
		if (length !== -1) {
			this.#answer(frameKind.returned, sequence, small.subarray(0, length));
			return undefined;
		}

		let payload;
		try {
			payload = application === 'each' ? encodeOutcomes(value as Outcome[], this.#encoder) : this.#encoder.result(this.#encoder.carried(value));
		} catch (error) {
			return error instanceof CaptureNeeded
				? this.#whenLoaded(async () => this.returned(sequence, value, application))
				: this.threw(sequence, error);
		}

		this.#answer(frameKind.returned, sequence, payload);
		return undefined;
	}

	threw(sequence: number, error: unknown): Promise<void> | undefined {
		return this.#write(frameKind.threw, sequence, () => this.#encoder.thrown(error));
	}

	undecodable(sequence: number, error: unknown): Promise<void> | undefined {
		return this.#write(frameKind.undecodable, sequence, () => this.#encoder.thrown(error));
	}

	async loadCapture(): Promise<void> {
		const {functionCapture} = await import('../functions/capture.js');
		this.#capture = functionCapture('parent', inheritedMainScript().isImported);
	}

	#write(kind: number, sequence: number, encodePayload: () => Uint8Array): Promise<void> | undefined {
		let payload;
		try {
			payload = encodePayload();
		} catch (error) {
			if (error instanceof CaptureNeeded) {
				return this.#whenLoaded(async () => this.#write(kind, sequence, encodePayload));
			}

			throw error;
		}

		this.#answer(kind, sequence, payload);
		return undefined;
	}

	/** What the task has printed comes first. */
	#answer(kind: number, sequence: number, payload: Uint8Array): void {
		// A stray error ends no task: another one may go on to print.
		if (kind !== frameKind.strayError) {
			this.#output.taskEnded();
		}

		this.#end.write(kind, sequence, payload, this.#isLast());
	}

	async #whenLoaded(again: () => Promise<void> | undefined): Promise<void> {
		await this.loadCapture();
		await again();
	}
}
