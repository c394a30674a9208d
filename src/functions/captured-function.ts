/**
 * A function as the writer of a payload sees it: either a name under which the other side has it, or a code and the values around it.
 */
import type {FunctionPlace} from '../errors.js';
import type {BuiltinReference} from './builtin-functions.js';
import type {Code, ModuleFunctionReference} from './code.js';

/** A variable that some function assigns to. All functions of a payload that see it have the same one. */
export class SharedVariable {
	/** As `instanceof` would, without a look at prototypes, among which a Proxy may be. */
	static is(value: object): value is SharedVariable {
		return #isOne in value;
	}

	v: unknown;
	readonly #isOne = true;

	constructor(value: unknown) {
		this.v = value;
	}
}

/** What makes an object more than its kind: see `operation.decorated`. */
export interface Decoration {
	/** Undefined where it is that of the kind. */
	readonly prototype: object | null | undefined;
	readonly properties: ReadonlyArray<readonly [key: string | symbol, descriptor: PropertyDescriptor]>;
	/** Properties that the kind has and the object has not. */
	readonly deletions: readonly string[];
	readonly integrity: 'extensible' | 'nonExtensible' | 'sealed' | 'frozen';
}

/** A function that travels by its text. */
export interface CapturedCode {
	readonly kind: 'code';
	readonly code: Code;
	/** In the order of `code.captured`. Those of cells are {@link SharedVariable}s. */
	readonly values: readonly unknown[];
	/** How each is called in paths. */
	readonly names: readonly string[];
	/** Of a class; null for a function. */
	readonly classId: string | null;
	readonly decoration: Decoration | null;
	/** Changes made to the object that is its `prototype`; null for none. */
	readonly prototypeDecoration: Decoration | null;
	readonly place: FunctionPlace;
	/** Whether the values are the same at each capture, as long as `isUnchanged` says so. */
	readonly isStable: boolean;
	/** Whether neither its own properties nor the globals it uses have changed since. */
	isUnchanged(): boolean;
}

export type CapturedFunction
	= | CapturedCode
		| {readonly kind: 'module'; readonly reference: ModuleFunctionReference}
		| {readonly kind: 'builtin'; readonly reference: BuiltinReference}
		| {readonly kind: 'knownClass'; readonly id: string}
		| {readonly kind: 'bound'; readonly target: unknown; readonly self: unknown; readonly args: readonly unknown[]; readonly decoration: Decoration | null};

/** Where a variable is, and what it and its neighbours are at this moment. */
export interface VariablePlace {
	readonly name: string;
	/** How many contexts lie between the function and the variable; null where that is not known, -1 for a global. */
	readonly hops: number | null;
	readonly value: unknown;
	/** Another variable of the scope, whose value is told from those of other activations; undefined for none. */
	readonly shown: unknown;
}

/** The variables of one payload that are shared by functions. */
export interface SharedVariables {
	of(fn: object, place: VariablePlace): SharedVariable;
}

/** Finds out how functions travel. It is given to the codec, so that a process that never sends functions need not load a parser. */
export interface FunctionCapture {
	/**
	 * Runs no code of the program.
	 *
	 * @throws {CaptureRefusal} It cannot travel.
	 */
	capture(fn: object, variables: SharedVariables): CapturedFunction;
	createVariables(): SharedVariables;
	/** An object of the runtime that is no function, such as `Math`. */
	builtinOf(value: object): BuiltinReference | undefined;
	/** The URL of a module of which this is the namespace. */
	namespaceUrl(value: object): string | undefined;
	/** The name of the class of Node that an object is an instance of, also by a class that extends it. */
	internalClassOf(instance: object): string | undefined;
	/** Whether an instance of the class holds state that nothing outside the class can read; its name for the message. */
	privateNameOf(instance: object): string | undefined;
}

/** Why a function cannot travel, from the place that found it to the one that knows the path. */
export class CaptureRefusal extends Error {
	readonly code: string;
	/** Continue the sentence that a label begins. */
	readonly words: string;
	/** The steps from the function to the culprit. */
	readonly variable: string | null;
	readonly shown: string;
	readonly place: FunctionPlace;

	constructor(shown: string, place: FunctionPlace, {code, words, variable}: {readonly code: string; readonly words: string; readonly variable?: string}) {
		super(`${shown} ${words}`);
		this.code = code;
		this.words = words;
		this.variable = variable ?? null;
		this.shown = shown;
		this.place = place;
	}
}
