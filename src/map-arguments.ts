/**
 * The arguments of `map`: inputs, and options behind them.
 */
import {argumentTypeError} from './errors.js';
import type {Input} from './inputs.js';

/** One input per parameter of the function. */
export type InputsOf<A extends readonly unknown[]> = {readonly [K in keyof A]: Input<A[K]>};

/** @throws {TypeError} There is no input, or something before the options cannot be iterated. */
export function splitMapArguments(inputsAndOptions: readonly unknown[]): {readonly iterables: readonly Input[]; readonly options: unknown} {
	const last = inputsAndOptions.at(-1);
	const hasOptions = typeof last === 'object' && last !== null && !isIterable(last);
	const iterables = hasOptions ? inputsAndOptions.slice(0, -1) : inputsAndOptions;
	if (iterables.length === 0) {
		throw argumentTypeError('iterables', 'at least one iterable or async iterable', hasOptions ? last : undefined);
	}

	return {
		iterables: iterables.map((input, index) => {
			if (!isIterable(input)) {
				throw argumentTypeError(`iterables[${index}]`, 'an iterable or an async iterable', input);
			}

			return input;
		}),
		options: hasOptions ? last : undefined,
	};
}

function isIterable(value: unknown): value is Input {
	return typeof value === 'string'
		|| ((typeof value === 'object' || typeof value === 'function') && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value));
}
