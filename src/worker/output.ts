/**
 * What tasks print with `process.stdout`, `process.stderr` and `console`.
 */
import {Buffer} from 'node:buffer';
import process from 'node:process';

type Stream = NodeJS.WriteStream;
type Write = (...args: unknown[]) => boolean;

/** See `marks.rs`, which takes it out of the text again. */
const mark = (sequence: number): Uint8Array => Buffer.from(`\0loky:${sequence}\0`, 'latin1');
const endMark = mark(0);

/**
 * Node makes its end of a pipe one that does not wait, for the programs that a task starts, too. What a full pipe does not take is kept in
 * memory, and lost when the process exits. Ours waits, so what was printed is written.
 */
function makeBlocking(stream: Stream): void {
	(stream as {_handle?: {setBlocking?: (isBlocking: boolean) => unknown} | null})._handle?.setBlocking?.(true);
}

/** The two streams of a worker. They exist already: Node makes them with the first import of `node:process`. */
export class WorkerOutput {
	/** Of the task that runs, 0 for none. */
	#sequence = 0;
	/** How a mark is written to each stream that has one open. */
	readonly #marked = new Map<Stream, Write>();

	constructor() {
		makeBlocking(process.stdout);
		makeBlocking(process.stderr);
	}

	/** Has the text of each task marked from now on. To be called before anything of the user runs. */
	markTasks(): void {
		this.#markText(process.stdout);
		this.#markText(process.stderr);
	}

	taskStarted(sequence: number): void {
		this.#sequence = sequence;
	}

	/** To be called before the parent is told. */
	taskEnded(): void {
		this.#sequence = 0;
		if (this.#marked.size > 0) {
			for (const write of this.#marked.values()) {
				write(endMark);
			}

			this.#marked.clear();
		}
	}

	#markText(stream: Stream): void {
		const original = stream.write as Write;
		const write: Write = (...args) => Reflect.apply(original, stream, args);
		stream.write = (...args: unknown[]): boolean => {
			if (this.#sequence !== 0 && !this.#marked.has(stream)) {
				this.#marked.set(stream, write);
				write(mark(this.#sequence));
			}

			return write(...args);
		};
	}
}
