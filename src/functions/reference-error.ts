import {SerializationError, type SerializationSide} from '../errors.js';
import {namedPlace} from './function-refusal.js';

/** Why something that a function refers to cannot be had in this process. */
export type ReferenceProblem = 'ERR_REFERENCE_MISSING' | 'ERR_REFERENCE_IMPORT' | 'ERR_REFERENCE_CHANGED';

interface Circumstances {
	readonly side: SerializationSide;
	/** The function concerned. */
	readonly name?: string | null;
	readonly url?: string | null;
	readonly cause?: unknown;
}

export const referenceError = (code: ReferenceProblem, message: string, {side, name = null, url = null, cause = null}: Circumstances): SerializationError =>
	new SerializationError(message, {
		side, code, function: name === null && url === null ? null : namedPlace(name, url), cause,
	});

export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);
