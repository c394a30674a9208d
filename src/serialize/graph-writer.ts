/** Walks a value once and writes the tokens of its payload: see wire.ts. Each property is read once. */
import {Buffer} from 'node:buffer';
import {types} from 'node:util';
import {
	SerializationError, type FunctionPlace, type PathStep, type SerializationSide,
} from '../errors.js';
import {SharedVariable, type Decoration, type FunctionCapture} from '../functions/captured-function.js';
import {BufferTable} from './buffer-table.js';
import {
	writeArray, writeFields, writeMap, writeRecord, writeSet,
} from './content-writer.js';
import {
	flagsOf, plainItems, writeDecoration, type MoreProperties,
} from './decoration-writer.js';
import {
	decorationOf, isNaturalPrototype, isUndecorated, kindOf,
} from './decorations.js';
import {errorClassOf, errorFields} from './error-fields.js';
import {FunctionWriter, itself} from './function-writer.js';
import {Identities, type Shapes} from './known-objects.js';
import {writeLeaf} from './leaves.js';
import {travelsAsUtf8} from './plain-text.js';
import {
	inheritsFromProxy, pathText, refusal, unclonableKind,
} from './refusal.js';
import {writeSymbol} from './symbols.js';
import {
	decoration as decorationFlag, hasCodes, hasReferences, laterKind, operation,
} from './wire.js';
import {wrappedIn} from './wrapped.js';
import {WritePosition, type PutOff} from './write-position.js';

const minInt64 = -(2n ** 63n);
const maxUint64 = (2n ** 64n) - 1n;

/** Knows the objects that travel otherwise. */
export interface ReductionWriter {
	/** The payload of what a reducer made of the object; undefined where it has none. */
	bytesOf(value: object, place: WritingPlace): Uint8Array | undefined;
	/** The payload of a wrapper and what is in it. */
	wrappedBytes(wrapper: object, value: object, place: WritingPlace): Uint8Array;
}

/** Where the walk is. */
export interface WritingPlace {
	path(): readonly PathStep[];
}

export interface WriterSettings {
	readonly maxDepth: number;
	readonly reduction: ReductionWriter | null;
	/** Without it, functions and symbols are refused, and instances lose their class. */
	readonly capture: FunctionCapture | null;
}

export class GraphWriter {
	/** The first is the header, written last. */
	readonly tokens: unknown[] = [0];
	readonly side: SerializationSide;
	readonly position: WritePosition;
	shapes: Shapes | null = null;
	readonly #maxDepth: number;
	readonly #identities = new Identities();
	readonly #capture: FunctionCapture | null;
	readonly #reduction: ReductionWriter | null;
	#flags = 0;
	#buffers: BufferTable | null = null;
	#putOff: PutOff[] | null = null;
	#functions: FunctionWriter | null = null;

	constructor(side: SerializationSide, root: readonly PathStep[], {maxDepth, reduction, capture}: WriterSettings) {
		this.side = side;
		this.#reduction = reduction;
		this.#maxDepth = maxDepth;
		this.position = new WritePosition(root, maxDepth);
		this.#capture = capture;
	}

	/** Null as long as no function was met. */
	get functions(): FunctionWriter | null {
		return this.#functions;
	}

	/** Gives an object the number 0 without writing it: the reader has it already. Before anything else. */
	assume(value: object): void {
		this.#identities.numberOf(value);
	}

	/** Writes one of the values that the payload consists of. */
	writeRoot(value: unknown, root: readonly PathStep[] = this.position.root): void {
		this.position.root = root;
		this.write(value);
	}

	/** As `writeRoot`, of a list that the package itself has made: it is what it looks like, and met nowhere else. */
	writeOwnList(list: readonly unknown[], root: readonly PathStep[]): void {
		this.position.root = root;
		this.#identities.numberOf(list);
		writeArray(list, this);
	}

	/** @param codes the texts of the functions, where they travel along */
	finish(codes: Uint8Array | null = null): unknown[] {
		const buffers = this.#buffers === null ? [] : this.#buffers.finish(this.tokens);
		if (codes === null) {
			this.tokens[0] = this.#buffers === null ? this.#flags : [this.#flags, ...buffers];
		} else {
			this.tokens[0] = [this.#flags + hasCodes, codes, ...buffers];
		}

		return this.tokens;
	}

	/** Writes what was put off, which may put off more. */
	writePutOff(): void {
		// The list grows while it is worked off.
		for (const part of this.#putOff ?? []) {
			this.position.moveTo(part);
			if (this.functions?.writeAnnounced(part.value) !== true) {
				this.#writeContents(part.value, true);
			}
		}
	}

	/** @returns the steps from the root of everything to the value that is being written. */
	path(): PathStep[] {
		return this.position.path();
	}

	/** @returns the error for a value of that kind, found here. */
	refuse(kind: string, code?: string): SerializationError {
		return refusal(kind, {
			path: this.path(), side: this.side, holder: this.position.holder, code: code ?? (this.position.holder === null ? 'ERR_SERIALIZATION' : 'ERR_CAPTURE_UNSUPPORTED'),
		});
	}

	buffers(): BufferTable {
		this.#buffers ??= new BufferTable();
		return this.#buffers;
	}

	write(value: unknown): void {
		switch (typeof value) {
			case 'number': {
				// Msgpackr takes -0 for an integer.
				if (value === 0 && 1 / value < 0) {
					this.tokens.push(null, operation.negativeZero);
				} else {
					this.tokens.push(value);
				}

				break;
			}

			case 'string': {
				this.writeText(value);
				break;
			}

			case 'boolean':
			case 'undefined': {
				this.tokens.push(value);
				break;
			}

			case 'object': {
				if (value === null) {
					this.tokens.push(null, operation.null);
				} else {
					this.#writeObject(value);
				}

				break;
			}

			case 'bigint': {
				if (value >= minInt64 && value <= maxUint64) {
					this.tokens.push(value);
				} else {
					this.tokens.push(null, operation.bigint, value.toString(16));
				}

				break;
			}

			case 'function': {
				if (this.#capture === null) {
					throw this.refuse('a function');
				}

				this.#writeObject(value);
				break;
			}

			case 'symbol': {
				this.writeSymbol(value);
				break;
			}
		}
	}

	writeText(text: string): void {
		if (travelsAsUtf8(text)) {
			this.tokens.push(text);
		} else {
			this.tokens.push(null, operation.utf16, Buffer.from(text, 'utf16le'));
		}
	}

	writeNamed(values: ReadonlyArray<readonly [PathStep, unknown]>, holder: FunctionPlace | null): void {
		const {position} = this;
		const {isCaptured, holder: outerHolder} = position;
		position.isCaptured = true;
		position.holder = holder ?? outerHolder;
		const depth = position.depth++;
		for (const [step, value] of values) {
			position.steps[depth] = step;
			if (value === itself) {
				this.tokens.push(null, operation.self);
			} else {
				this.write(value);
			}
		}

		position.depth = depth;
		position.isCaptured = isCaptured;
		position.holder = outerHolder;
	}

	writeNamedFlat(values: ReadonlyArray<readonly [PathStep, unknown]>, holder: FunctionPlace | null): void {
		const {nestingLimit} = this.position;
		this.position.nestingLimit = 0;
		this.writeNamed(values, holder);
		this.position.nestingLimit = nestingLimit;
	}

	/** @param more properties that are written by themselves */
	writeDecorated(decoration: Decoration | null, writeObject: () => void, more: MoreProperties = none): void {
		if (decoration === null) {
			writeObject();
			return;
		}

		this.tokens.push(null, operation.decorated, flagsOf(decoration, more[0]));
		writeObject();
		writeDecoration(decoration, more, this);
	}

	putOff(value: object): void {
		this.#putOff ??= [];
		this.#putOff.push(this.position.putOff(value));
	}

	writeSymbol(value: symbol): void {
		if (this.#capture === null) {
			throw this.refuse('a symbol');
		}

		const known = this.#identities.numberOf(value);
		if (known === undefined) {
			writeSymbol(value, this);
		} else {
			this.#refer(known);
		}
	}

	#functionWriter(capture: FunctionCapture): FunctionWriter {
		this.#functions ??= new FunctionWriter(capture, this);
		return this.#functions;
	}

	#refer(number: number): void {
		this.#flags = hasReferences;
		this.tokens.push(null, operation.reference, number);
	}

	#writeObject(value: object): void {
		if (types.isProxy(value)) {
			this.#writeProxy(value);
			return;
		}

		if (this.position.isCaptured && this.#writeHomeObject(value)) {
			return;
		}

		const known = this.#identities.numberOf(value);
		if (known !== undefined) {
			this.functions?.referTo(value);
			this.#refer(known);
			return;
		}

		const reduced = this.#reduction?.bytesOf(value, this);
		if (reduced !== undefined) {
			this.#writeReduced(reduced);
			return;
		}

		if (this.#capture !== null && typeof value === 'object' && this.#writeShared(value, this.#capture)) {
			return;
		}

		const isDeep = this.position.depth >= this.position.nestingLimit;
		if (typeof value === 'function') {
			if (isDeep) {
				this.#checkDepth();
				this.#functionWriter(this.#capture!).writeLater(value);
			} else {
				this.#functionWriter(this.#capture!).write(value);
			}
		} else if (isDeep) {
			this.#writeLater(value);
		} else {
			this.#writeContents(value, false);
		}
	}

	#writeReduced(bytes: Uint8Array): void {
		this.tokens.push(null, operation.reduced, bytes);
		if (this.#functions !== null) {
			// What is in it may differ the next time.
			this.#functions.isStable = false;
		}
	}

	/** Only our own can travel. */
	#writeProxy(value: object): void {
		const wrapped = wrappedIn(value);
		if (wrapped === undefined || this.#reduction === null) {
			throw typeof value === 'function' ? this.refuse('a Proxy', 'ERR_CAPTURE_UNSUPPORTED') : this.refuse('a Proxy');
		}

		if (!wrapped.keepsWrapper) {
			this.#writeObject(wrapped.value);
			return;
		}

		const known = this.#identities.numberOf(value);
		if (known === undefined) {
			this.#writeReduced(this.#reduction.wrappedBytes(value, wrapped.value, this));
		} else {
			this.#refer(known);
		}
	}

	/** The object under `prototype` of a function is made with the function. It has no number. */
	#writeHomeObject(value: object): boolean {
		const home = homeOf(value);
		if (home === undefined) {
			return false;
		}

		this.tokens.push(null, operation.prototypeOf);
		this.write(home);
		return true;
	}

	/** Objects that every process has: those of the runtime, and modules. */
	#writeShared(value: object, capture: FunctionCapture): boolean {
		const builtin = this.position.isCaptured ? capture.builtinOf(value) : undefined;
		if (builtin !== undefined) {
			this.#functionWriter(capture).writeBuiltin(builtin);
			return true;
		}

		if (!types.isModuleNamespaceObject(value)) {
			return false;
		}

		const url = capture.namespaceUrl(value);
		if (url === undefined) {
			throw this.refuse('the namespace of a module', 'ERR_NAMESPACE_UNKNOWN');
		}

		this.tokens.push(null, operation.namespace);
		this.writeText(url);
		return true;
	}

	/** @param isAnnounced whether the reader has made the object, and waits for what is in it */
	#writeContents(value: object, isAnnounced: boolean): void {
		const prototype = Object.getPrototypeOf(value) as object | null;
		if (!this.position.isCaptured) {
			if (prototype === Object.prototype || prototype === null) {
				writeRecord(value, this);
				return;
			}

			if (prototype === Array.prototype && Array.isArray(value)) {
				writeArray(value, this);
				return;
			}
		}

		this.#writeWhole(value, prototype, isAnnounced);
	}

	/** An object of any class. */
	#writeWhole(value: object, prototype: object | null, isAnnounced: boolean): void {
		if (SharedVariable.is(value)) {
			this.tokens.push(null, operation.cell);
			this.write(value.v);
			return;
		}

		const kind = kindOf(value);
		const decoration = this.#decorationOf(value, kind, prototype);
		switch (kind) {
			case 'array': {
				this.writeDecorated(decoration, () => {
					writeArray(decoration === null ? value as unknown[] : plainItems(value as unknown[], decoration), this);
				});
				break;
			}

			case 'map': {
				this.writeDecorated(decoration, () => {
					writeMap(value as Map<unknown, unknown>, this);
				});
				break;
			}

			case 'set': {
				this.writeDecorated(decoration, () => {
					writeSet(value as Set<unknown>, this);
				});
				break;
			}

			case 'error': {
				this.writeDecorated(decoration, () => {
					this.tokens.push(null, operation.error, errorClassOf(value as Error));
					writeFields(errorFields(value as Error, decoration), this);
				});
				break;
			}

			case 'record': {
				this.writeDecorated(decoration, () => {
					writeRecord(decoration === null || decoration.properties.length === 0 ? value : emptyRecord, this);
				});
				break;
			}

			case 'leaf': {
				if (isAnnounced) {
					this.tokens.push(null, operation.decorated, flagsOf(decoration!, 0) + decorationFlag.announced);
					writeDecoration(decoration!, none, this);
				} else {
					this.writeDecorated(decoration, () => {
						writeLeaf(value, this);
					});
				}

				break;
			}

			default: {
				kind satisfies never;
			}
		}
	}

	/** Null where the contents say it all. */
	#decorationOf(value: object, kind: ReturnType<typeof kindOf>, prototype: object | null): Decoration | null {
		if (inheritsFromProxy(prototype)) {
			throw this.refuse('an object that inherits from a Proxy');
		}

		const isNatural = isNaturalPrototype(kind, prototype);
		if (this.#capture === null) {
			this.#refuseUnclonable(value, kind, prototype);
			return null;
		}

		if (!this.position.isCaptured && isNatural) {
			return null;
		}

		if (!isNatural) {
			this.#refuseUnclonable(value, kind, prototype);
			const privateName = this.#capture.privateNameOf(value);
			if (privateName !== undefined) {
				throw this.refuse(`an instance of ${privateName}, which has private fields`, 'ERR_CAPTURE_PRIVATE');
			}
		}

		// Errors of Node's own classes, whose fields say everything, and of classes that cannot travel keep the class of the language.
		const isLost = kind === 'error' && !isNatural && prototype !== null && !this.#functionWriter(this.#capture).travels(homeOf(prototype));
		const decoration = decorationOf(value, kind, isLost ? Error.prototype : prototype);
		return isUndecorated(decoration) ? null : decoration;
	}

	#refuseUnclonable(value: object, kind: ReturnType<typeof kindOf>, prototype: object | null): void {
		if (kind !== 'record' || prototype === null) {
			return;
		}

		const unclonable = unclonableKind(value, prototype);
		if (unclonable !== false) {
			throw this.refuse(unclonable);
		}

		const internal = this.#capture?.internalClassOf(value);
		if (internal !== undefined) {
			throw this.refuse(`an instance of ${internal}, a class of Node.js`);
		}
	}

	/** Writes but the kind of a container, so that neither end's stack grows with the depth of a value. */
	#writeLater(value: object): void {
		this.#checkDepth();
		if (SharedVariable.is(value)) {
			this.tokens.push(null, operation.later, laterKind.cell);
			this.putOff(value);
			return;
		}

		const kind = kindOf(value);
		switch (kind) {
			case 'error': {
				this.tokens.push(null, operation.later, laterKind.error, errorClassOf(value as Error));
				break;
			}

			case 'leaf': {
				if (this.#decorationOf(value, kind, Object.getPrototypeOf(value) as object | null) === null) {
					writeLeaf(value, this);
					return;
				}

				this.tokens.push(null, operation.later, laterKind.whole);
				writeLeaf(value, this);
				break;
			}

			case 'array':
			case 'map':
			case 'set':
			case 'record': {
				this.tokens.push(null, operation.later, laterKind[kind]);
				break;
			}

			default: {
				kind satisfies never;
			}
		}

		this.putOff(value);
	}

	#checkDepth(): void {
		if (this.position.level >= this.#maxDepth) {
			const path = this.path();
			throw new SerializationError(`${pathText(path)} lies more than ${this.#maxDepth} levels deep. Pass a flatter value: an array in place of a linked list.`, {
				side: this.side, path, code: 'ERR_TOO_DEEP', function: this.position.holder,
			});
		}
	}
}

const none: MoreProperties = [0, () => undefined];
const emptyRecord = Object.freeze({});

/** The function under whose `prototype` the object is. */
function homeOf(value: object): object | undefined {
	const constructor: unknown = Object.getOwnPropertyDescriptor(value, 'constructor')?.value;
	return typeof constructor === 'function' && Object.getOwnPropertyDescriptor(constructor, 'prototype')?.value === value ? constructor : undefined;
}
