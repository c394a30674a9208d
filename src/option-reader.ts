import {closestName} from './closest-name.js';
import {argumentRangeError, argumentTypeError, unknownOptionError} from './errors.js';

/** The options a caller gave, each read once: own properties only, so that nothing added to `Object.prototype` counts as an option. */
export type OptionCopy = Readonly<Record<string, unknown>>;

/** A record without a prototype: any name is just a name in it. */
export function emptyRecord<Value>(): Record<string, Value> {
	const record: Record<string, Value> = {};
	Object.setPrototypeOf(record, null);
	return record;
}

/**
 * Copies the options given to `functionName`, and refuses names that are not among `known`: a misspelt option that is silently ignored
 * is found much later.
 */
export function copyOptions(functionName: string, options: unknown, known: readonly string[]): OptionCopy {
	const copy = emptyRecord<unknown>();
	if (options === undefined) {
		return copy;
	}

	if (typeof options !== 'object' || options === null || Array.isArray(options)) {
		throw argumentTypeError('options', 'an object', options);
	}

	for (const name of Object.getOwnPropertyNames(options)) {
		const value: unknown = Reflect.get(options, name);
		if (!known.includes(name)) {
			throw unknownNameError(functionName, name, value, known);
		}

		copy[name] = value;
	}

	return copy;
}

function unknownNameError(functionName: string, name: string, value: unknown, known: readonly string[]): TypeError {
	const suggestion = closestName(name, known);
	const error = unknownOptionError(name, known, value);
	return suggestion === undefined
		? error
		: Object.assign(new TypeError(`${name} is not an option of ${functionName}. Did you mean ${suggestion}?`), {code: error.code, option: name, value});
}

/** A duration in ms; `null` is none. `nullable` says whether the caller may write `null` for that too, `positive` whether 0 is refused. */
export function readTimeout(options: OptionCopy, name: string, {nullable = false, positive = false, byDefault = null}: {
	readonly nullable?: boolean;
	readonly positive?: boolean;
	readonly byDefault?: number | null;
} = {}): number | null {
	const value = options[name];
	if (value === undefined) {
		return byDefault;
	}

	if (value === null && nullable) {
		return null;
	}

	if (typeof value !== 'number') {
		throw argumentTypeError(name, nullable ? 'a number of ms or null' : 'a number of ms', value);
	}

	if (Number.isNaN(value) || value < 0 || (positive && value === 0)) {
		throw argumentRangeError(name, `a number of ms ${positive ? 'above 0' : 'from 0 up'}, or Infinity for no limit`, value);
	}

	return value === Number.POSITIVE_INFINITY ? null : value;
}

/** A whole number, from `minimum` up and to `maximum` where there are such. */
export function readCount(options: OptionCopy, name: string, {minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER, byDefault}: {
	readonly minimum?: number;
	readonly maximum?: number;
	readonly byDefault: () => number;
}): number {
	const value = options[name];
	if (value === undefined) {
		return byDefault();
	}

	if (typeof value !== 'number') {
		throw argumentTypeError(name, 'a whole number', value);
	}

	if (!Number.isSafeInteger(value) || value < minimum || value > maximum) {
		const from = minimum === Number.MIN_SAFE_INTEGER ? '' : ` from ${minimum} ${maximum === Number.MAX_SAFE_INTEGER ? 'up' : `to ${maximum}`}`;
		throw argumentRangeError(name, `a whole number${from}`, value);
	}

	return value;
}

/** As {@link readCount}, or null where nothing is given. */
export function readOptionalCount(options: OptionCopy, name: string, {minimum}: {readonly minimum: number}): number | null {
	return options[name] === undefined ? null : readCount(options, name, {minimum, byDefault: () => minimum});
}

/** One of a few words. */
export function readChoice<const Choice extends string>(options: OptionCopy, name: string, choices: readonly Choice[], byDefault: Choice): Choice {
	const value = options[name];
	if (value === undefined) {
		return byDefault;
	}

	if (typeof value !== 'string') {
		throw argumentTypeError(name, 'a string', value);
	}

	const choice = choices.find(each => each === value);
	if (choice === undefined) {
		throw argumentRangeError(name, `one of ${choices.map(each => `'${each}'`).join(', ')}`, value);
	}

	return choice;
}

export function readBoolean(options: OptionCopy, name: string, byDefault: boolean): boolean {
	const value = options[name];
	if (value === undefined) {
		return byDefault;
	}

	if (typeof value !== 'boolean') {
		throw argumentTypeError(name, 'a boolean', value);
	}

	return value;
}

/** By shape, as Node checks it: a signal of another realm is one too. */
export function readSignal(options: OptionCopy, name: string): AbortSignal | null {
	const value = options[name];
	if (value === undefined) {
		return null;
	}

	if (!isAbortSignal(value)) {
		throw argumentTypeError(name, 'an AbortSignal', value);
	}

	return value;
}

const isAbortSignal = (value: unknown): value is AbortSignal =>
	typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
