/**
 * Objects that the inspector can show without running code of the program. It describes every error that it meets by the error's name,
 * message and stack, and reads these as the program would, accessors included.
 */

import {types} from 'node:util';

const describing = ['name', 'message', 'stack'] as const;

// V8's own accessor, which errors have from V8 13 on.
const ownStack = Object.getOwnPropertyDescriptor(new Error('sample'), 'stack');

/** Whether neither the object, its prototype nor a value of its properties is an error with accessors of the program. */
export function isQuiet(object: object): boolean {
	if (isLoudError(object) || isLoudError(Object.getPrototypeOf(object))) {
		return false;
	}

	for (const key of Reflect.ownKeys(object)) {
		if (isLoudError(Object.getOwnPropertyDescriptor(object, key)?.value)) {
			return false;
		}
	}

	return true;
}

const isLoudError = (value: unknown): boolean => types.isNativeError(value) && describing.some(key => !isPlain(value, key));

/** Whether reading a property, also an inherited one, runs no code. */
function isPlain(object: object, key: string): boolean {
	for (let owner: object | null = object; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
		if (types.isProxy(owner)) {
			return false;
		}

		const descriptor = Object.getOwnPropertyDescriptor(owner, key);
		if (descriptor) {
			return descriptor.get === undefined || descriptor.get === ownStack?.get;
		}
	}

	return true;
}
