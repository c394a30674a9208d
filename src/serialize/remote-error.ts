/**
 * How what a task threw comes back: with its class where the parent has it, with its fields and causes, and with the
 * worker's stack.
 */
import {RemoteError, SerializationError} from '../errors.js';
import {decode, encode} from './codec.js';
import {ownErrorClasses} from './own-errors.js';
import {
	describeThrown, indescribable, type ErrorNode, type Link, type ThrownDescription,
} from './thrown-description.js';
import {errorClasses} from './wire.js';

/** The bytes of what a task threw, for {@link decodeError}. Never throws. Valid until the next call, as those of `encode`. */
export function encodeError(thrown: unknown): Uint8Array {
	try {
		return encode(describeThrown(thrown), 'result');
	} catch (error) {
		return encode(indescribable(error), 'result');
	}
}

const hide = (error: Error, name: string, value: unknown): void => {
	Object.defineProperty(error, name, {value, writable: true, configurable: true});
};

function createError({origin, name, message}: ErrorNode): Error {
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

	if (node.stack !== null) {
		hide(error, 'stack', node.stack);
	}

	hide(error, 'remoteStack', node.stack);
	hide(error, 'droppedFields', node.droppedFields);
}

/**
What a task threw: an error, which always has `remoteStack` (string or null) and `droppedFields` (paths of what could not
travel), or the same value if it was no error. For bytes that are damaged it is a SerializationError: never throws.
*/
export function decodeError(bytes: Uint8Array): unknown {
	try {
		// What is no description fails below, in one way or another.
		const {thrown, nodes} = decode(bytes, 'parent') as ThrownDescription;
		const errors = nodes.map(node => createError(node));
		const follow = (link: Link): unknown => 'node' in link ? errors[link.node] : link.value;
		for (const [index, node] of nodes.entries()) {
			fillError(errors[index]!, node, follow);
		}

		return follow(thrown);
	} catch (error) {
		return error instanceof SerializationError ? error : new SerializationError('What the task threw arrived damaged.', {side: 'parent', cause: error});
	}
}
