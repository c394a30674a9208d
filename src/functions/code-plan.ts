/**
 * What the syntax of a script tells about one function or class in it: how its text travels, and which variables have to be read.
 */
import type {Code, ExportStep} from './code.js';
import type {Refusal} from './function-refusal.js';

/** Of which variable a captured parameter is; parallel to `Code.captured`. */
export interface PlannedVariable {
	/** Its name in the script. For `key`: the text of the key; for `superclass`: `extends`; for `privateStatic`: `#name`. */
	readonly name: string;
	/**
	 * `declared`: a variable of the script. `undeclared`: nobody in the script declares it: a global, or nothing. `unknown`: the text is all
	 * that is known, so it may be either.
	 */
	readonly origin: 'declared' | 'undeclared' | 'unknown';
	/** Whether it can never change once it is initialised: read once per function object. */
	readonly isStable: boolean;
	/** When every use is `name.member`: the members. Null otherwise. */
	readonly members: readonly string[] | null;
	/** Whether each use is the operand of `typeof`. */
	readonly isOnlyTypeof: boolean;
	/**
	 * The name of the function itself, when its text is all that is known: where no variable of that name is around the function, the name
	 * means the function.
	 */
	readonly isOwnName: boolean;
	/** The position of the name's first use in the script, counted from 1; for messages. */
	readonly line: number;
	readonly column: number;
}

/** A method, accessor or computed key that the text of a class defines. */
export interface ClassMember {
	readonly isStatic: boolean;
	readonly kind: 'method' | 'get' | 'set' | 'field';
	/** Null for a computed one. */
	readonly key: string | null;
	/** The index in `Code.captured` of a computed key; null for another. */
	readonly keyParameter: number | null;
	/** The place of its function as V8 tells it, counted from 0; null for a field. */
	readonly location: {readonly line: number; readonly column: number} | null;
}

/** One function or class of a script. */
export interface CodePlan {
	/** `url` is that of the script. `name` is what the syntax gives: see `functionName`. */
	readonly code: Code;
	readonly variables: readonly PlannedVariable[];
	/** Why it cannot travel by value, whatever its variables are. Null when it can. */
	readonly refusal: Refusal | null;
	/** Names that are never a variable of the script: globals that the text uses without assigning to them. They are checked at each submit. */
	readonly globals: readonly string[];
	/** Where importers of the script find it, when the syntax alone tells that for certain. */
	readonly exportPath: readonly ExportStep[] | null;
	/** The `length` that the syntax gives. */
	readonly length: number;
	/** Of a class; null for a function. */
	readonly members: readonly ClassMember[] | null;
}
