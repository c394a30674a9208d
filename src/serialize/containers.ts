/** Objects that hold others, empty: what a payload announces is made before it is filled. */
import {malformed, type LeafSource} from './leaf-reader.js';
import {errorClasses, laterKind} from './wire.js';

export type Container = Record<string, unknown> | unknown[] | Map<unknown, unknown> | Set<unknown> | Error;

export const isRecord = (container: Container): container is Record<string, unknown> => Object.getPrototypeOf(container) === Object.prototype;
export const isMap = (container: Container): container is Map<unknown, unknown> => container instanceof Map;
export const isSet = (container: Container): container is Set<unknown> => container instanceof Set;
export const isError = (container: Container): container is Error => container instanceof Error;

/** Sets an own property, whatever its name is and whatever the prototype has. */
export const define = (target: object, key: string, value: unknown, enumerable = true): void => {
	Object.defineProperty(target, key, {
		value, enumerable, writable: true, configurable: true,
	});
};

/** @returns an error of that class of the language, without a message. */
export function createError(className: string): Error {
	const ErrorClass = errorClasses.get(className);
	if (ErrorClass === undefined) {
		throw malformed('an error class is unknown');
	}

	if (ErrorClass === AggregateError) {
		const aggregate = new AggregateError([], 'none yet');
		// It comes with the fields, if there was one.
		Reflect.deleteProperty(aggregate, 'message');
		return aggregate;
	}

	return new (ErrorClass as ErrorConstructor)();
}

export function createContainer(kind: number, source: LeafSource): Container {
	switch (kind) {
		case laterKind.array: {
			return [];
		}

		case laterKind.record: {
			return {};
		}

		case laterKind.map: {
			return new Map();
		}

		case laterKind.set: {
			return new Set();
		}

		case laterKind.error: {
			return createError(source.text());
		}

		default: {
			throw malformed('a container has no known kind');
		}
	}
}
