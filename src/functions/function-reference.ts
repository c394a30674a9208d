/**
 * How a function travels to another process: as plain data that names it, or that holds its text.
 */

import {types} from 'node:util';
import {SerializationError} from '../errors.js';
import {builtinReferenceOf, isNative, type BuiltinReference} from './builtin-functions.js';
import {
	exportIt, functionName, labelOf, refusalError, type Refusal,
} from './function-refusal.js';
import {exportReferenceOf, type ExportReference} from './module-handle.js';
import {globalState} from './pristine-globals.js';
import {describeSource, type DescribedSource, type SourceReference} from './source-function.js';

export type {BuiltinReference} from './builtin-functions.js';
export type {SourceReference} from './source-function.js';

/** How a function travels: plain data. */
export type FunctionReference = ExportReference | BuiltinReference | SourceReference;

type Description = {readonly reference: FunctionReference; readonly globals: DescribedSource['globals']};

const descriptions = new WeakMap<object, Description>();

/**
 * How a function travels to another process. It runs no code of the program.
 *
 * @throws {SerializationError} when the function cannot travel: `ERR_CAPTURE_…` says why
 */
export function describeFunction(fn: (...args: never[]) => unknown): FunctionReference {
	const known = descriptions.get(fn);
	if (known?.globals.every(([name, state]) => globalState(name) === state)) {
		return known.reference;
	}

	const description = describe(fn);
	descriptions.set(fn, description);
	return description.reference;
}

function describe(fn: (...args: never[]) => unknown): Description {
	const exported = exportReferenceOf(fn);
	if (exported) {
		return {reference: exported, globals: []};
	}

	if (types.isProxy(fn)) {
		throw refusalError({name: null, shown: 'The function'}, proxyRefusal);
	}

	// Not its own toString, which the program may have replaced.
	const text = Function.prototype.toString.call(fn);
	if (isNative(text)) {
		const reference = builtinReferenceOf(fn);
		if (reference) {
			return {reference, globals: []};
		}

		throw refusalError(labelOf(fn, functionName(fn)), functionName(fn).startsWith('bound ') ? boundRefusal : nativeRefusal);
	}

	try {
		return describeSource(fn, text);
	} catch (error) {
		// Much of Node is written in JavaScript: what cannot travel by its text may be found under its name.
		const reference = error instanceof SerializationError ? builtinReferenceOf(fn) : undefined;
		if (reference) {
			return {reference, globals: []};
		}

		throw error;
	}
}

const proxyRefusal: Refusal = {
	code: 'ERR_CAPTURE_UNSUPPORTED',
	words: 'is a Proxy, whose handler cannot travel. Submit the function behind it, or export the Proxy from a module and call it through executor.module(url).',
};

const boundRefusal: Refusal = {
	code: 'ERR_CAPTURE_UNSUPPORTED',
	words: `was made with bind, and its bound values cannot travel. Submit the function itself and pass them as arguments. ${exportIt}`,
};

const nativeRefusal: Refusal = {
	code: 'ERR_INTERNAL_FUNCTION',
	words: `is native and made at run time, so no other process can find it. Make it inside the task. ${exportIt}`,
};
