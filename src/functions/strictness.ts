/** Whether a function runs in strict mode, as far as the function object tells. */

// Kept from the time the package was loaded, so that no code of the program runs.
const argumentsGetter = Object.getOwnPropertyDescriptor(Function.prototype, 'arguments')?.get;

/**
 * Plain sloppy functions have the legacy properties `arguments` and `caller`, and no others have them. They are the function's own up to
 * V8 13; from V8 14 on they are accessors of Function.prototype, which throw for every other function.
 */
function hasLegacyProperties(fn: object): boolean {
	if (Object.hasOwn(fn, 'caller')) {
		return true;
	}

	try {
		argumentsGetter?.call(fn);
		return argumentsGetter !== undefined;
	} catch {
		return false;
	}
}

/** Arrow functions, methods, classes and asynchronous functions look the same in both modes. */
function isPlain(fn: object): boolean {
	const prototype = Object.getOwnPropertyDescriptor(fn, 'prototype');
	return prototype?.writable === true && Object.getOwnPropertyDescriptor(prototype.value, 'constructor') !== undefined;
}

/** Whether the function object shows that it is strict: of plain functions only. */
export const showsStrictness = (fn: object): boolean => isPlain(fn) && !hasLegacyProperties(fn);
