/** What the readers of the parts of a payload share. */
import type {SerializationSide} from '../errors.js';
import type {PreparedCode} from '../functions/prepared-code.js';
import type {Container} from './containers.js';
import type {LeafSource} from './leaf-reader.js';

/** What a payload may hold besides plain data, and what it means here. */
export interface ReadingContext {
	/** Where this happens, for errors. */
	readonly side: SerializationSide;
	/** Makes an object of the payload of a reduced one; null where none may come. */
	readonly rebuild: ((bytes: unknown) => object) | null;
	/** Of the functions, by number, unless the payload brings its own; null where no function may come. */
	readonly codes: readonly PreparedCode[] | null;
	/** Prepares the codes that a payload brings, as they lie in its header. */
	readonly prepare: (bytes: unknown) => readonly PreparedCode[];
	/** Takes number 0, although the payload does not hold it; null for none. */
	readonly first: object | null;
}

export const plainContext: ReadingContext = {
	side: 'parent',
	rebuild: null,
	codes: null,
	prepare: () => [],
	first: null,
};

/** An object that was announced and is not complete: its turn comes. */
export abstract class Announced {
	readonly object: object;

	constructor(object: object) {
		this.object = object;
	}
}

/** What an operation fills; null when it begins an object. */
export type Target = Container | Announced | null;

export interface ObjectSource extends LeafSource {
	readonly context: ReadingContext;
	readonly codes: unknown;
	/** Takes the number of an object that does not exist yet; refer to it before it is placed, and the payload is malformed. */
	begin(): number;
	place(number: number, object: object): void;
	/** Numbers an object that is there. */
	add<T extends object | symbol>(object: T): T;
	/** Goes down by a level, of which there are not many. */
	enter(): void;
	leave(): void;
	/** Takes the beginning of this operation, if it is the next. */
	takeOperation(code: number): boolean;
	/** Reads an operation which fills the target. */
	readInto(target: Target): unknown;
}
