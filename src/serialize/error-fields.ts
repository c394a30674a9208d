/** What makes up an error object. */
import type {Decoration} from '../functions/captured-function.js';
import {errorClasses} from './wire.js';

/** Own properties of errors that are not enumerable where the language puts them. */
export const hiddenFields: ReadonlySet<string> = new Set(['message', 'stack', 'cause', 'errors']);

/** @returns the name of the language's error class that the error is or extends. */
export function errorClassOf(error: Error): string {
	let prototype: unknown = Object.getPrototypeOf(error);
	while (prototype !== null) {
		for (const [name, errorClass] of errorClasses) {
			if (errorClass.prototype === prototype) {
				return name;
			}
		}

		prototype = Object.getPrototypeOf(prototype);
	}

	// From another context, whose classes are not ours.
	return errorClasses.has(error.name) ? error.name : 'Error';
}

/**
 * @returns name and value of all that an error carries
 * @param decoration what travels otherwise
 */
export function errorFields(error: Error, decoration: Decoration | null): Array<[string, unknown]> {
	const fields = new Map<string, unknown>();
	const others = new Set<string | symbol>(decoration?.properties.map(([key]) => key));
	for (const name of hiddenFields) {
		if (Object.hasOwn(error, name) && !others.has(name)) {
			fields.set(name, (error as unknown as Record<string, unknown>)[name]);
		}
	}

	for (const name of Object.keys(error)) {
		if (!hiddenFields.has(name) && !others.has(name)) {
			fields.set(name, (error as unknown as Record<string, unknown>)[name]);
		}
	}

	return [...fields];
}
