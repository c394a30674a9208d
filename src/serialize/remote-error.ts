/** How what a task threw comes back: with its class where the parent has it, with its fields, with the worker's stack. */
import {decode, encode} from './codec.js';

/** The bytes of what a task threw. Never throws. */
export const encodeError = (thrown: unknown): Uint8Array => encode(thrown, 'result');

/** What a task threw: an error with `remoteStack` and `droppedFields`, or the same value if it was no error. */
export const decodeError = (bytes: Uint8Array): unknown => decode(bytes, 'parent');
