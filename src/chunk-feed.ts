import {AsyncResource} from 'node:async_hooks';
import {ignoreFailure} from './ignore-failure.js';
import type {Inputs, Row} from './inputs.js';

// Kept from the time the package was loaded: see timer.ts.
const {setImmediate} = globalThis;

/** Who takes the chunks of a feed. */
export interface ChunkTaker {
	/** Whether one more chunk may be submitted. */
	hasRoom(): boolean;
	/** Whether no chunk is being worked on. */
	isIdle(): boolean;
	take(chunk: readonly Row[]): void;
	/** The inputs have ended, all their chunks are taken; with an error when an input threw it. */
	end(failure?: {readonly error: unknown}): void;
}

/**
 * Cuts the rows of the inputs into chunks, for as long as the taker has room.
 *
 * `awaited`: an asynchronous input owes an item. `closing`: the shortest input has ended, the others are cleaning up.
 */
export class ChunkFeed {
	readonly #inputs: Inputs;
	readonly #chunksize: number;
	readonly #taker: ChunkTaker;
	// The inputs are the caller's code: they run in its context, whoever makes room for the next chunk.
	readonly #context = new AsyncResource('LokyMap');
	#state: 'open' | 'pulling' | 'awaited' | 'closing' | 'closed' = 'open';
	#partialChunk: Row[] = [];
	#flushIsPlanned = false;

	constructor(inputs: Inputs, chunksize: number, taker: ChunkTaker) {
		this.#inputs = inputs;
		this.#chunksize = chunksize;
		this.#taker = taker;
	}

	/** Whether nothing more comes. */
	get isClosed(): boolean {
		return this.#state === 'closed';
	}

	/** Pulls until the taker has no room, an input lets us wait, or the inputs end. */
	fill(): void {
		this.#context.runInAsyncScope(() => {
			while (this.#state === 'open' && this.#taker.hasRoom()) {
				// An input may call back into its map: it must not be pulled inside its own pull.
				this.#state = 'pulling';
				this.#pull();
			}
		});
	}

	/**
	 * A chunk that waits for its next item while no worker has anything to do goes as it is. After one turn of the event loop: an
	 * asynchronous input that has its items at hand fills whole chunks.
	 */
	planFlush(): void {
		const isStuck = (): boolean => this.#state === 'awaited' && this.#partialChunk.length > 0 && this.#taker.isIdle();
		if (this.#flushIsPlanned || !isStuck()) {
			return;
		}

		this.#flushIsPlanned = true;
		setImmediate(() => {
			this.#flushIsPlanned = false;
			if (isStuck()) {
				this.#context.runInAsyncScope(() => {
					this.#flush();
				});
			}
		});
	}

	/**
	 * Ends the inputs; what was pulled and not taken is dropped. Resolves when they have cleaned up, but does not wait for one that is
	 * busy with an item: it may never have one. Rejects with what an input throws meanwhile.
	 */
	async close(): Promise<void> {
		const state = this.#state;
		this.#state = 'closed';
		this.#partialChunk = [];
		if (state === 'closing' || state === 'closed') {
			return;
		}

		const closing = this.#context.runInAsyncScope(async () => this.#inputs.close());
		if (state === 'open') {
			await closing;
		} else {
			void ignoreFailure(closing);
		}
	}

	#pull(): void {
		let row: Row | undefined | Promise<Row | undefined>;
		try {
			row = this.#inputs.pull();
		} catch (error) {
			this.#endWithFailure(error);
			return;
		}

		if (row instanceof Promise) {
			void this.#acceptLater(row);
		} else {
			this.#accept(row);
		}
	}

	async #acceptLater(pending: Promise<Row | undefined>): Promise<void> {
		if (this.#state === 'pulling') {
			this.#state = 'awaited';
		}

		this.planFlush();
		try {
			const row = await pending;
			if (this.#state === 'awaited') {
				this.#state = 'pulling';
				this.#accept(row);
				this.fill();
			}
		} catch (error) {
			this.#endWithFailure(error);
		}
	}

	#accept(row: Row | undefined): void {
		// The code of an input may have closed this feed.
		if (this.#state !== 'pulling') {
			return;
		}

		if (row === undefined) {
			void this.#end();
			return;
		}

		this.#partialChunk.push(row);
		if (this.#partialChunk.length === this.#chunksize) {
			this.#flush();
		}

		this.#reopen();
	}

	/** Unless taking the chunk has closed this feed: values of the caller may run code while they are encoded. */
	#reopen(): void {
		if (this.#state === 'pulling') {
			this.#state = 'open';
		}
	}

	#flush(): void {
		const chunk = this.#partialChunk;
		if (chunk.length > 0) {
			this.#partialChunk = [];
			this.#taker.take(chunk);
		}
	}

	async #end(): Promise<void> {
		this.#state = 'closing';
		this.#flush();
		try {
			await this.#inputs.close();
			this.#announceEnd();
		} catch (error) {
			this.#announceEnd({error});
		}
	}

	#announceEnd(failure?: {readonly error: unknown}): void {
		if (this.#state !== 'closed') {
			this.#state = 'closed';
			this.#taker.end(failure);
		}
	}

	#endWithFailure(error: unknown): void {
		if (this.#state === 'closed') {
			return;
		}

		this.#flush();
		void ignoreFailure(this.#inputs.close());
		this.#announceEnd({error});
	}
}
