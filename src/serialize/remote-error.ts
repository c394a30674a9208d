/**
 * How what a task threw comes back: with its class where the parent has it, with its fields and causes, and with the
 * worker's stack.
 */
import {RemoteError, SerializationError} from '../errors.js';
import {mappedStack} from '../functions/mapped-stack.js';
import {CaptureNeeded} from './capture-on-demand.js';
import {decodeWithFunctions, encode, type EncodingOptions} from './codec.js';
import {ownErrorClasses} from './own-errors.js';
import {
	describeThrown, indescribable, type ErrorNode, type Link, type ThrownClasses, type ThrownDescription,
} from './thrown-description.js';
import {ImportUnderWay} from './reducers.js';
import {errorClasses} from './wire.js';

/** What arrives: the classes are apart, since they may not be had. */
type ThrownPayload = {readonly description: ThrownDescription; readonly classes: Uint8Array | null};

/**
The bytes of what a task threw, for {@link decodeError}. Valid until the next call, as those of `encode`.

@param options how functions and classes travel, and the fields of errors
@throws CaptureNeeded and nothing else
*/
export function encodeError(thrown: unknown, options: EncodingOptions = {}): Uint8Array {
	try {
		const {description, classes} = describeThrown(thrown, options);
		const payload: ThrownPayload = {description, classes: classes.length === 0 ? null : new Uint8Array(encode(classes, 'result', [], options))};
		return encode(payload, 'result', [], options);
	} catch (error) {
		if (error instanceof CaptureNeeded) {
			throw error;
		}

		const payload: ThrownPayload = {description: indescribable(error), classes: null};
		return encode(payload, 'result');
	}
}

const hide = (error: Error, name: string, value: unknown): void => {
	Object.defineProperty(error, name, {value, writable: true, configurable: true});
};

function createError({origin, name, message}: ErrorNode, errorClass: unknown): Error {
	switch (origin) {
		case 'language': {
			const ErrorClass = errorClasses.get(name);
			if (ErrorClass === undefined) {
				throw new Error('an error class is unknown');
			}

			return ErrorClass === AggregateError ? new AggregateError([], message) : new (ErrorClass as ErrorConstructor)(message);
		}

		case 'loky': {
			const ownClass = ownErrorClasses.get(name);
			if (ownClass === undefined) {
				throw new Error('an error class is unknown');
			}

			// Its constructor would make the fields anew; they come with the error.
			return Object.setPrototypeOf(new Error(message), ownClass.prototype) as Error;
		}

		case 'platform': {
			return new DOMException(message, name);
		}

		case 'remote': {
			if (typeof errorClass === 'function') {
				return Object.setPrototypeOf(new Error(message), errorClass.prototype as object) as Error;
			}

			return new RemoteError(message, {remoteName: name});
		}
	}
}

function fillError(error: Error, node: ErrorNode, follow: (link: Link) => unknown): void {
	for (const [key, link] of node.fields) {
		Object.defineProperty(error, key, {
			value: follow(link), writable: true, configurable: true, enumerable: true,
		});
	}

	for (const link of node.cause) {
		hide(error, 'cause', follow(link));
	}

	if (node.errors !== null) {
		hide(error, 'errors', node.errors.map(link => follow(link)));
	}

	if (node.hiddenName !== null) {
		hide(error, 'name', node.hiddenName);
	}

	const stack = node.stack === null ? null : mappedStack(node.stack);
	if (stack !== null) {
		hide(error, 'stack', stack);
	}

	hide(error, 'remoteStack', stack);
	hide(error, 'droppedFields', node.droppedFields);
}

/**
What a task threw: an error, which always has `remoteStack` (string or null) and `droppedFields` (paths of what could not
travel), or the same value if it was no error. For bytes that are damaged it is a SerializationError.

@throws ImportUnderWay the module of a class is being imported: decode again when it is
*/
export const decodeError = (bytes: Uint8Array): unknown => read(bytes, classes => decodeWithFunctions(classes, 'parent') as ThrownClasses);

/** As `decodeError`, at once: an error whose class would have to be imported is a RemoteError. Never throws. */
export function decodeErrorNow(bytes: Uint8Array): unknown {
	try {
		return decodeError(bytes);
	} catch {
		return readWithoutClasses(bytes);
	}
}

function readWithoutClasses(bytes: Uint8Array): unknown {
	try {
		return read(bytes, () => []);
	} catch (error) {
		return new SerializationError('What the task threw holds values whose modules could not be imported here.', {side: 'parent', cause: error});
	}
}

function read(bytes: Uint8Array, readClasses: (bytes: Uint8Array) => ThrownClasses): unknown {
	try {
		// What is no description fails below, in one way or another.
		const {description: {thrown, nodes}, classes: encoded} = decodeWithFunctions(bytes, 'parent') as ThrownPayload;
		const classes = encoded === null ? [] : classesOf(encoded, readClasses);
		const errors = nodes.map((node, index) => createError(node, classes[index]));
		const follow = (link: Link): unknown => 'node' in link ? errors[link.node] : link.value;
		for (const [index, node] of nodes.entries()) {
			fillError(errors[index]!, node, follow);
		}

		return follow(thrown);
	} catch (error) {
		if (error instanceof ImportUnderWay) {
			throw error;
		}

		return error instanceof SerializationError ? error : new SerializationError('What the task threw arrived damaged.', {side: 'parent', cause: error});
	}
}

/** Without its class an error is still an error. */
function classesOf(encoded: Uint8Array, readClasses: (bytes: Uint8Array) => ThrownClasses): ThrownClasses {
	try {
		return readClasses(encoded);
	} catch (error) {
		if (error instanceof ImportUnderWay) {
			throw error;
		}

		return [];
	}
}
