/** Worker side: what was thrown, as plain data that certainly travels. Nothing here throws, whatever the thrown value does. */
import {inspect, types} from 'node:util';
import {CaptureNeeded} from './capture-on-demand.js';
import {encode, type EncodingOptions} from './codec.js';
import {hiddenFields} from './error-fields.js';
import {ownErrorClasses} from './own-errors.js';
import {pathText} from './refusal.js';
import {errorClasses} from './wire.js';

/** Another error by its number, or a value. */
export type Link = {readonly node: number} | {readonly value: unknown};

/** One error of a graph of errors. */
export type ErrorNode = {
	/** Where to find the class on arrival: the language, this package, the platform, or nowhere. */
	readonly origin: 'language' | 'loky' | 'platform' | 'remote';
	readonly name: string;
	readonly message: string;
	readonly stack: string | null;
	readonly fields: ReadonlyArray<readonly [string, Link]>;
	/** One link, or none. */
	readonly cause: readonly Link[];
	/** Those of an AggregateError. */
	readonly errors: readonly Link[] | null;
	/** A `name` of its own that is not enumerable, as an AssertionError has it. */
	readonly hiddenName: string | null;
	readonly droppedFields: readonly string[];
};

export type ThrownDescription = {readonly thrown: Link; readonly nodes: readonly ErrorNode[]};

/** Of each error the class that it has besides those of its node; null for none. It is imported or rebuilt where the error arrives. */
export type ThrownClasses = ReadonlyArray<object | null>;

/** Longer texts are cut: an error is not the place for megabytes. */
const maxText = 2 ** 24;

const attempt = <T>(read: () => T, otherwise: T): T => {
	try {
		return read();
	} catch (error) {
		if (error instanceof CaptureNeeded) {
			throw error;
		}

		return otherwise;
	}
};

const cut = (text: string): string => text.length > maxText ? `${text.slice(0, maxText)}… (${text.length - maxText} more characters)` : text;

const textOf = (read: () => unknown): string | null => attempt(() => {
	const text = read();
	return typeof text === 'string' ? cut(text) : null;
}, null);

const travels = (value: unknown, options: EncodingOptions): boolean => attempt(() => {
	encode(value, 'result', [], options);
	return true;
}, false);

const hiddenValue = (error: Error, key: string): unknown => {
	const own = Object.getOwnPropertyDescriptor(error, key);
	return own?.enumerable === false ? own.value : null;
};

const isError = (value: unknown): value is Error => attempt(() => types.isNativeError(value) || value instanceof Error, false);

function classOf(error: Error): Pick<ErrorNode, 'origin' | 'name'> {
	const prototype = attempt<unknown>(() => Object.getPrototypeOf(error), null);
	for (const [name, errorClass] of errorClasses) {
		if (errorClass.prototype === prototype) {
			return {origin: 'language', name};
		}
	}

	for (const [name, errorClass] of ownErrorClasses) {
		if (errorClass.prototype === prototype) {
			return {origin: 'loky', name};
		}
	}

	const name = textOf(() => error.name);
	if (attempt(() => prototype === DOMException.prototype, false)) {
		return {origin: 'platform', name: name ?? 'Error'};
	}

	// Node's own errors: their class says no more than the one that it extends.
	const constructor = attempt(() => error.constructor.name, '');
	if (constructor === 'NodeError' && name !== null && errorClasses.has(name)) {
		return {origin: 'language', name};
	}

	// A class that sets no name inherits that of the class it extends, which says less than its own.
	const className = textOf(() => error.constructor.name);
	const names = name !== null && errorClasses.has(name) ? [className, name] : [name, className];
	return {origin: 'remote', name: names.find(candidate => candidate !== null && candidate !== '') ?? 'Error'};
}

class Description {
	readonly nodes: ErrorNode[] = [];
	readonly classes: Array<object | null> = [];
	readonly #options: EncodingOptions;
	/** Errors by number. The list grows while it is worked off, which keeps a long chain of causes off the stack. */
	readonly #errors: Error[] = [];
	readonly #numbers = new Map<Error, number>();

	constructor(options: EncodingOptions) {
		this.#options = options;
	}

	linkTo(value: unknown): Link | null {
		if (!isError(value)) {
			return travels(value, this.#options) ? {value} : null;
		}

		let node = this.#numbers.get(value);
		if (node === undefined) {
			node = this.#errors.push(value) - 1;
			this.#numbers.set(value, node);
		}

		return {node};
	}

	describeAll(): void {
		for (const error of this.#errors) {
			const node = this.#describe(error);
			this.nodes.push(node);
			this.classes.push(node.origin === 'remote' ? this.#classOf(error) : null);
		}
	}

	/** The class of an error that is not one of the language's, if it can be had where the error arrives. */
	#classOf(error: Error): object | null {
		const found = attempt<unknown>(() => {
			const prototype = Object.getPrototypeOf(error) as object;
			const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
			return typeof constructor === 'function' && Object.getOwnPropertyDescriptor(constructor, 'prototype')?.value === prototype ? constructor : null;
		}, null);
		// Without its private fields it would be a broken instance.
		const isWhole = (): boolean => attempt(() => this.#options.capture?.privateNameOf(error) === undefined, false);
		return found !== null && travels(found, this.#options) && isWhole() ? found as object : null;
	}

	#describe(error: Error): ErrorNode {
		const droppedFields = attempt<string[]>(() => {
			const earlier: unknown = (error as {readonly droppedFields?: unknown}).droppedFields;
			return Array.isArray(earlier) ? earlier.filter(path => typeof path === 'string') : [];
		}, []);
		const link = (path: string, read: () => unknown): Link[] => {
			const found = attempt(() => this.linkTo(read()), null);
			if (found === null) {
				droppedFields.push(path);
				return [];
			}

			return [found];
		};

		const record = error as unknown as Readonly<Record<string, unknown>>;
		const errors = attempt(() => error instanceof AggregateError && Array.isArray(error.errors) ? [...error.errors as unknown[]] : null, null);
		const fields = attempt(() => Object.keys(error), [])
			.filter(key => !hiddenFields.has(key) || (key === 'errors' && errors === null))
			.flatMap(key => link(pathText([key]), () => record[key]).map(value => [key, value] as const));
		const message = textOf(() => error.message);
		if (message === null) {
			droppedFields.push('message');
		}

		return {
			...classOf(error),
			message: message ?? '',
			stack: textOf(() => error.stack),
			fields,
			cause: attempt(() => 'cause' in error, false) ? link('cause', () => error.cause) : [],
			errors: errors?.flatMap((inner, index) => link(pathText(['errors', index]), () => inner)) ?? null,
			hiddenName: textOf(() => hiddenValue(error, 'name')),
			droppedFields,
		};
	}
}

const remoteNode = (name: string, message: string, droppedFields: readonly string[]): ErrorNode => ({
	origin: 'remote', name, message, stack: null, fields: [], cause: [], errors: null, hiddenName: null, droppedFields,
});

/** Stands for something thrown that is no error and cannot travel either. */
function degraded(thrown: unknown): ThrownDescription {
	const shown = attempt(() => inspect(thrown, {
		depth: 1, customInspect: false, maxArrayLength: 10, maxStringLength: 1000,
	}), 'something that cannot be shown');
	const kind = typeof thrown;
	const message = `The task threw ${kind === 'object' ? 'an' : 'a'} ${kind} that cannot be copied to another process: ${shown}. Throw an Error, with the facts as its properties.`;
	return {thrown: {node: 0}, nodes: [remoteNode(`Thrown${kind[0]!.toUpperCase()}${kind.slice(1)}`, message, ['thrown'])]};
}

/**
@returns the description of anything thrown; each value in it has been encoded once without trouble
@throws CaptureNeeded
*/
export function describeThrown(thrown: unknown, options: EncodingOptions): {readonly description: ThrownDescription; readonly classes: ThrownClasses} {
	const description = new Description(options);
	const link = description.linkTo(thrown);
	if (link === null) {
		return {description: degraded(thrown), classes: []};
	}

	description.describeAll();
	const {nodes, classes} = description;
	return {description: {thrown: link, nodes}, classes: classes.every(found => found === null) ? [] : classes};
}

/** @returns what stands for an error of which not even the parts can be encoded. */
export const indescribable = (reason: unknown): ThrownDescription => ({
	thrown: {node: 0},
	nodes: [remoteNode('Error', `The task threw something that cannot be described: ${textOf(() => (reason as Error).message) ?? 'no reason is known'}`, ['thrown'])],
});
