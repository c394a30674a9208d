import {SerializationError, type SerializationSide} from '../errors.js';
import {namedPlace} from './function-refusal.js';

/** Why something that a function refers to cannot be had in this process. */
export type ReferenceProblem = 'ERR_REFERENCE_MISSING' | 'ERR_REFERENCE_IMPORT' | 'ERR_REFERENCE_CHANGED';

export const referenceError = (code: ReferenceProblem, message: string, side: SerializationSide, cause: unknown = null, name: string | null = null, url: string | null = null): SerializationError =>
	new SerializationError(message, {
		side, code, function: name === null ? null : namedPlace(name, url), cause,
	});

export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);
