import {onAbort} from './abort-listeners.js';
import {ChunkFeed} from './chunk-feed.js';
import {TimeoutError} from './errors.js';
import {
	futureError,
	futureState,
	futureValue,
	observeFuture,
	watchFuture,
	type Future,
} from './future.js';
import {ignoreFailure} from './ignore-failure.js';
import type {Inputs, Row} from './inputs.js';
import {startTimer} from './timer.js';

/** What became of one item. */
export type ItemOutcome<R = unknown> = {readonly ok: true; readonly value: R} | {readonly ok: false; readonly error: unknown};

/** Who runs the chunks of a map. */
export interface MapBackend {
	/** The most chunks that are submitted and not yet consumed. */
	readonly window: number;
	/** Gives one outcome for each argument list, in their order. Must not throw. */
	submitChunk(argumentLists: readonly Row[]): Future<readonly ItemOutcome[]>;
	/** There will be no more chunks. May be called again. */
	release(): void;
}

/** How a map is cut and bounded; the timeout in ms, `null` is none. */
export interface MapBounds {
	readonly timeout: number | null;
	readonly chunksize: number;
	/** Ends the run as the timeout does, with its reason. The chunks have it too; it ends the wait for an input. */
	readonly signal?: AbortSignal | null;
}

interface ChunkPlace<R> {
	readonly kind: 'chunk';
	readonly future: Future<ReadonlyArray<ItemOutcome<R>>>;
}

interface FailurePlace {
	readonly kind: 'failure';
	readonly error: unknown;
}

/** A place in the order of the results: a chunk, or an error at which the results end. */
type Place<R> = ChunkPlace<R> | FailurePlace;

/**
 * One run of `map`: submits chunks as far ahead of the consumer as the window allows, and hands out what became of the items, in their
 * order. The first failure that is handed out ends the run.
 */
export class MapRun<R> {
	readonly #backend: MapBackend;
	readonly #feed: ChunkFeed;
	/** Of the timer and the signal. */
	readonly #stopWatching: () => void;
	#onProgress: (() => void) | undefined;
	#places: Array<Place<R>> = [];
	#inFlight = 0;

	// The chunk that is being handed out.
	#outcomes: ReadonlyArray<ItemOutcome<R>> = [];
	#position = 0;

	constructor(backend: MapBackend, inputs: Inputs, {timeout, chunksize, signal = null}: MapBounds) {
		this.#backend = backend;
		this.#feed = new ChunkFeed(inputs, chunksize, {
			hasRoom: () => this.#places.length + (this.#outcomes.length === 0 ? 0 : 1) < backend.window,
			isIdle: () => this.#inFlight === 0,
			take: chunk => {
				this.#submit(chunk);
			},
			end: failure => {
				if (failure !== undefined) {
					this.#places.push({kind: 'failure', ...failure});
				}

				this.#advance();
			},
		});
		const stopTimer = startTimer(timeout, () => {
			this.#expire(new TimeoutError(undefined, {timeout}));
		});
		const stopListening = signal === null || signal.aborted
			? () => undefined
			: onAbort(signal, () => {
				this.#expire(signal.reason);
			});
		this.#stopWatching = () => {
			stopTimer();
			stopListening();
		};

		if (signal?.aborted === true) {
			this.#expire(signal.reason);
		} else {
			this.#feed.fill();
		}
	}

	/** Calls `listener` whenever {@link MapRun.next} may have more to give. There is one listener. */
	watchProgress(listener: () => void): void {
		this.#onProgress = listener;
	}

	/** What became of the next item; `'pending'` while that is not known, `'end'` after the last. */
	next(): ItemOutcome<R> | 'pending' | 'end' {
		const outcome = this.#outcomes[this.#position];
		if (outcome === undefined) {
			return this.#openNextPlace();
		}

		this.#position++;
		if (!outcome.ok) {
			return this.#fail(outcome.error);
		}

		if (this.#position === this.#outcomes.length) {
			this.#outcomes = [];
			this.#feed.fill();
		}

		return outcome;
	}

	/** Cancels what is pending and ends the inputs; resolves and rejects as {@link ChunkFeed.close} does. */
	async stop(): Promise<void> {
		const places = this.#places;
		this.#places = [];
		this.#outcomes = [];
		this.#stopWatching();
		const closing = this.#feed.close();
		cancelAll(places);
		this.#backend.release();
		await closing;
	}

	#openNextPlace(): ItemOutcome<R> | 'pending' | 'end' {
		const place = this.#places[0];
		if (place === undefined) {
			return this.#feed.isClosed ? 'end' : 'pending';
		}

		if (place.kind === 'failure') {
			return this.#fail(place.error);
		}

		switch (futureState(place.future)) {
			case 'pending': {
				return 'pending';
			}

			case 'rejected':
			case 'cancelled': {
				return this.#fail(futureError(place.future));
			}

			case 'fulfilled': {
				this.#places.shift();
				this.#outcomes = futureValue(place.future);
				this.#position = 0;
				return this.next();
			}
		}
	}

	#fail(error: unknown): ItemOutcome<R> {
		void ignoreFailure(this.stop());
		return {ok: false, error};
	}

	#submit(chunk: readonly Row[]): void {
		const future = this.#backend.submitChunk(chunk) as Future<ReadonlyArray<ItemOutcome<R>>>;
		observeFuture(future);
		if (this.#feed.isClosed) {
			future.cancel();
			return;
		}

		this.#places.push({kind: 'chunk', future});
		if (futureState(future) === 'pending') {
			this.#inFlight++;
			watchFuture(future, () => {
				this.#inFlight--;
				this.#feed.planFlush();
				this.#advance();
			});
		} else {
			this.#advance();
		}
	}

	#advance(): void {
		if (this.#feed.isClosed && this.#inFlight === 0) {
			// Every result is there: what the consumer still takes is not the map's time.
			this.#stopWatching();
			this.#backend.release();
		}

		this.#onProgress?.();
	}

	/** Results that are there already stay, also for a consumer that comes late. */
	#expire(error: unknown): void {
		const firstPending = this.#places.findIndex(place => place.kind === 'chunk' && futureState(place.future) === 'pending');
		const dropped = firstPending === -1 ? [] : this.#places.splice(firstPending);
		this.#places.push({kind: 'failure', error});
		void ignoreFailure(this.#feed.close());
		cancelAll(dropped);
		this.#advance();
	}
}

function cancelAll(places: ReadonlyArray<Place<unknown>>): void {
	for (const place of places) {
		if (place.kind === 'chunk') {
			place.future.cancel();
		}
	}
}
