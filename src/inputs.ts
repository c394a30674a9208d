import {argumentTypeError} from './errors.js';

/** What `map` takes as one of its inputs. */
export type Input<T = unknown> = Iterable<T> | AsyncIterable<T>;

/** One item of each input. */
export type Row = unknown[];

interface OpenInput {
	readonly isAsync: boolean;
	readonly iterator: Iterator<unknown> | AsyncIterator<unknown>;
	hasEnded: boolean;
}

/**
 * Several inputs read in step, as Python's zip does: in their order, and to the end of the shortest.
 *
 * Rows of synchronous inputs come without a promise, since one for each item would cost more than the item.
 */
export class Inputs {
	readonly #inputs: readonly OpenInput[];

	/** @throws {TypeError} Something is not iterable. */
	constructor(iterables: readonly unknown[]) {
		const openings = iterables.map((iterable, index) => iteratorMethod(iterable, index));
		this.#inputs = openings.map(open => open());
	}

	/** The next row, or `undefined` when an input has ended. Throws, or rejects with, what an input throws. */
	pull(): Row | undefined | Promise<Row | undefined> {
		const row: Row = [];
		for (const input of this.#inputs) {
			const step = nextOf(input);
			if (step instanceof Promise) {
				return this.#pullRest(row, step);
			}

			if (!accept(row, input, step)) {
				return undefined;
			}
		}

		return row.length === 0 ? undefined : row;
	}

	/** Calls `return()` of the inputs that have not ended, all of them before anything is awaited. Rejects with the first error. */
	async close(): Promise<void> {
		const open = this.#inputs.filter(input => !input.hasEnded);
		await Promise.all(open.map(async input => {
			input.hasEnded = true;
			await input.iterator.return?.();
		}));
	}

	async #pullRest(row: Row, first: Promise<IteratorResult<unknown>>): Promise<Row | undefined> {
		let step: IteratorResult<unknown> | undefined = await first;
		for (const input of this.#inputs.slice(row.length)) {
			// One after the other: an input behind the one that ends must not lose an item.
			// eslint-disable-next-line no-await-in-loop
			step ??= await nextOf(input);
			if (!accept(row, input, step)) {
				return undefined;
			}

			step = undefined;
		}

		return row;
	}
}

/** Puts the item into the row; false when the input has ended. */
function accept(row: Row, input: OpenInput, step: IteratorResult<unknown>): boolean {
	if (step.done) {
		input.hasEnded = true;
		return false;
	}

	row.push(step.value);
	return true;
}

function nextOf(input: OpenInput): IteratorResult<unknown> | Promise<IteratorResult<unknown>> {
	try {
		const step = input.iterator.next();
		return input.isAsync ? settleStep(input, step) : step;
	} catch (error) {
		// An iterator that throws has ended itself: its return() is not called.
		input.hasEnded = true;
		throw error;
	}
}

async function settleStep(input: OpenInput, step: IteratorResult<unknown> | Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> {
	try {
		return await step;
	} catch (error) {
		input.hasEnded = true;
		throw error;
	}
}

function iteratorMethod(iterable: unknown, index: number): () => OpenInput {
	if (isAsyncIterable(iterable)) {
		return () => ({isAsync: true, iterator: iterable[Symbol.asyncIterator](), hasEnded: false});
	}

	if (isIterable(iterable)) {
		return () => ({isAsync: false, iterator: iterable[Symbol.iterator](), hasEnded: false});
	}

	throw argumentTypeError(`iterables[${index}]`, 'iterable', iterable);
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
	isObject(value) && typeof value[Symbol.asyncIterator] === 'function';

const isIterable = (value: unknown): value is Iterable<unknown> =>
	typeof value === 'string' || (isObject(value) && typeof value[Symbol.iterator] === 'function');

const isObject = (value: unknown): value is Readonly<Record<symbol, unknown>> =>
	(typeof value === 'object' && value !== null) || typeof value === 'function';
