/**
 * The standard output and the standard error of this program, for the text of workers. One of each for all executors.
 *
 * Where nobody reads, text waits here and the event loop goes on; how much, the supervisors decide.
 */
import {fstatSync, writeSync} from 'node:fs';
import process from 'node:process';
import {isMainThread} from 'node:worker_threads';
import {watchExit} from './exit.js';

// Kept from the time the package was loaded: a program may replace them.
const {Atomics, Date, SharedArrayBuffer} = globalThis;

/** Which of the two. */
export type StreamName = 'stdout' | 'stderr';

interface Waiting {
	readonly bytes: Uint8Array;
	/** Called when all of it is written, or will never be. */
	readonly taken: () => void;
}

// A pipe takes so much whole or not at all (POSIX), so at any moment it is known what is written and what is not. In bytes.
const pieceLength = 4096;

/** How long a program that exits waits for a reader that reads nothing, in ms, and how long between two looks. */
const exitPatience = 1000;
const glance = 2;

const descriptors: Readonly<Record<StreamName, number>> = {stdout: 1, stderr: 2};

/** After these nothing can be written any more. */
const finalErrors = new Set(['EPIPE', 'EBADF', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

const ignoreError = (): void => undefined;
const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

/** What a descriptor refers to; null for nothing. */
function identity(descriptor: number): string | null {
	try {
		const {dev, ino, rdev} = fstatSync(descriptor);
		return `${dev} ${ino} ${rdev}`;
	} catch {
		return null;
	}
}

/** One of the two streams. */
class ParentStream {
	readonly #name: StreamName;
	readonly #queue: Waiting[] = [];
	/** How much of the first one in the queue is written. */
	#offset = 0;
	/** A piece waits in Node for room. */
	#isWaiting = false;
	/** Its reader is gone. */
	#isEnded = false;
	/** What the descriptor is when this package is loaded: nothing is written into what has its number later. */
	readonly #identity: string | null;

	constructor(name: StreamName) {
		this.#name = name;
		this.#identity = identity(descriptors[name]);
	}

	write(waiting: Waiting): void {
		this.#queue.push(waiting);
		this.#advance();
		if (this.#isWaiting) {
			watchExit(this, () => {
				this.finish();
			});
		}
	}

	/** At the exit of the program: no event will tell of room any more. */
	finish(): void {
		if (!this.#isWaiting || !isMainThread) {
			return;
		}

		// Node will not write the piece that it has any more, so all that is left is written from here.
		let lastProgress = Date.now();
		while (this.#queue.length > 0 && !this.#isEnded) {
			try {
				this.#advanceBy(writeSync(descriptors[this.#name], this.#piece()));
				lastProgress = Date.now();
			} catch (error) {
				this.#isEnded = codeOf(error) !== 'EAGAIN' || Date.now() - lastProgress > exitPatience;
				Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, glance);
			}
		}
	}

	#advance(): void {
		this.#isEnded ||= !this.#isOpen();
		while (this.#queue.length > 0 && !this.#isWaiting) {
			if (this.#isEnded) {
				this.#advanceBy(this.#piece().length);
			} else {
				this.#writePiece(this.#piece());
			}
		}
	}

	#writePiece(piece: Uint8Array): void {
		const stream = process[this.#name];
		let isLate = false;
		const written = (error?: Error | null): void => {
			if (error !== undefined && error !== null) {
				this.#failed(stream, error);
			}

			if (isLate && this.#isWaiting) {
				this.#isWaiting = false;
				this.#advanceBy(piece.length);
				this.#advance();
				if (this.#queue.length === 0) {
					watchExit(this, null);
				}
			}
		};

		try {
			stream.write(piece, written);
		} catch (error) {
			this.#failed(stream, error);
		}

		// Zero also where somebody has put a function of his own in place of `write`.
		if (stream.writableLength > 0 && !this.#isEnded) {
			isLate = true;
			this.#isWaiting = true;
		} else {
			this.#advanceBy(piece.length);
		}
	}

	/** A program that prints nothing itself is not to end because of what its workers print. */
	#failed(stream: NodeJS.WriteStream, error: unknown): void {
		this.#isEnded ||= finalErrors.has(codeOf(error) as string);
		if (stream.listenerCount('error') === 0) {
			stream.once('error', ignoreError);
		}
	}

	#isOpen(): boolean {
		return !isMainThread || (this.#identity !== null && identity(descriptors[this.#name]) === this.#identity);
	}

	#piece(): Uint8Array {
		return this.#queue[0]!.bytes.subarray(this.#offset, this.#offset + pieceLength);
	}

	#advanceBy(length: number): void {
		this.#offset += length;
		if (this.#offset >= this.#queue[0]!.bytes.length) {
			this.#offset = 0;
			this.#queue.shift()!.taken();
		}
	}
}

const streams: Readonly<Record<StreamName, ParentStream>> = {stdout: new ParentStream('stdout'), stderr: new ParentStream('stderr')};

/** Writes text behind what was written before. `taken` is called when it waits no longer. */
export function writeToParent(name: StreamName, bytes: Uint8Array, taken: () => void): void {
	streams[name].write({bytes, taken});
}

/** At the exit of the program: writes what waits, as long as somebody reads. */
export function finishParentOutput(): void {
	streams.stdout.finish();
	streams.stderr.finish();
}
