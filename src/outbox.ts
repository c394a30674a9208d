/**
 * Submitted tasks on their way to the supervisor: one table and one stretch of bytes for everything that a turn of the
 * event loop submits, because crossing into Rust once per task costs more than the task.
 */
import {submissionRow} from './native.js';
import {maxSmallPayload, writeSmallArguments} from './serialize/small-payload.js';

/** How a task is to be run. */
export interface TaskTerms {
	/** In ms; null for none. */
	readonly timeout: number | null;
	/** Whether its start is to be told. */
	readonly isObserved: boolean;
	/** The higher the sooner; 0 is that of tasks without one. */
	readonly priority: number;
}

const ordinaryTerms: TaskTerms = {timeout: null, isObserved: false, priority: 0};

const initialTasks = 64;
const initialBytes = 16 * 1024;

// A batch that is as full as this goes out before the turn ends, so that workers start while a long loop still submits.
const fullTasks = 1024;
const fullBytes = 256 * 1024;

/** Collects tasks. Its memory is used again after each batch. */
export class Outbox {
	#table = new Float64Array(initialTasks * submissionRow);
	#payloads = new Uint8Array(initialBytes);
	#count = 0;
	#length = 0;

	/** Tasks that have not gone out. */
	get count(): number {
		return this.#count;
	}

	get isFull(): boolean {
		return this.#count >= fullTasks || this.#length >= fullBytes;
	}

	/** Copies the payload: encoders reuse their memory. */
	add(task: number, functionId: number, payload: Uint8Array, terms: TaskTerms): void {
		const start = this.#length;
		this.#makeRoom(payload.length);
		this.#payloads.set(payload, start);
		this.#addRow(task, functionId, start + payload.length, terms);
	}

	/** Under ordinary terms. False, and nothing happens, for arguments that are not a few primitives. */
	addSmall(task: number, functionId: number, args: readonly unknown[]): boolean {
		this.#makeRoom(maxSmallPayload);
		const end = writeSmallArguments(args, this.#payloads, this.#length);
		if (end === -1) {
			return false;
		}

		this.#addRow(task, functionId, end, ordinaryTerms);
		return true;
	}

	/** Hands everything over, which must copy it, and is empty then. */
	empty(submit: (table: Float64Array, count: number, payloads: Uint8Array) => void): void {
		const count = this.#count;
		const payloads = this.#payloads;
		this.#count = 0;
		this.#length = 0;
		submit(this.#table, count, payloads);
		if (payloads.length > fullBytes * 2) {
			// One huge argument must not hold its size for the life of the executor.
			this.#payloads = new Uint8Array(initialBytes);
		}
	}

	#makeRoom(bytes: number): void {
		const end = this.#length + bytes;
		if (end > this.#payloads.length) {
			const payloads = new Uint8Array(Math.max(end, this.#payloads.length * 2));
			payloads.set(this.#payloads.subarray(0, this.#length));
			this.#payloads = payloads;
		}
	}

	/** @param end where its payload ends */
	#addRow(task: number, functionId: number, end: number, {timeout, isObserved, priority}: TaskTerms): void {
		const row = this.#count * submissionRow;
		if (row === this.#table.length) {
			const table = new Float64Array(this.#table.length * 2);
			table.set(this.#table);
			this.#table = table;
		}

		this.#table[row] = task;
		this.#table[row + 1] = functionId;
		this.#table[row + 2] = end - this.#length;
		this.#table[row + 3] = timeout ?? -1;
		this.#table[row + 4] = isObserved ? 1 : 0;
		this.#table[row + 5] = priority;
		this.#count++;
		this.#length = end;
	}
}
