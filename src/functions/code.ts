/**
 * A function as it travels by value: its text, and what has to be put in place of the variables around it.
 *
 * The text is compiled once per process, as the body of a **factory** whose parameters stand for everything outside the text. Each
 * payload then gives the factory the values of the variables at the time of the submit, and has functions of its own.
 */

/**
 * Something outside the text that is the same for every function of this code. Relative to `Code.url`.
 *
 * - `namespace`: the namespace of an imported module. The text reads `parameter.name`, so the binding is the module's own, and live.
 * - `required`: what `require(specifier)`, and then `.path[0].path[1]…` of it, gives.
 * - `commonJs`: a variable that Node gives every CommonJS module.
 * - `importMeta`: `import.meta`, with `url`, `filename`, `dirname` and `resolve`.
 * - `identity`: a function that returns its argument. `$identity($counter.v)()` calls without a `this`, and begins with a word.
 */
export type FixedParameter
	= | {readonly kind: 'namespace'; readonly parameter: string; readonly specifier: string; readonly attributes: Readonly<Record<string, string>> | null}
		| {readonly kind: 'required'; readonly parameter: string; readonly specifier: string; readonly path: readonly string[]}
		| {readonly kind: 'commonJs'; readonly parameter: string; readonly name: 'require' | 'module' | 'exports' | '__filename' | '__dirname'}
		| {readonly kind: 'importMeta' | 'identity'; readonly parameter: string};

/**
 * What the value of a parameter is that every payload gives anew.
 *
 * - `value`: the variable; the parameter has its name.
 * - `constant`: as `value`; the text assigns to it, which must throw.
 * - `cell`: an object whose `v` is the variable, because some function assigns to it. All functions of a payload that see the variable
 *   have the same object. The text says `parameter.v`.
 * - `superclass`, `key`, `privateStatic`: what was evaluated when a class was defined: needed to create it, and so never late.
 */
export type CapturedKind = 'value' | 'constant' | 'cell' | 'superclass' | 'key' | 'privateStatic';

export interface CapturedParameter {
	readonly kind: CapturedKind;
	readonly parameter: string;
}

/** Plain data. */
export interface Code {
	readonly kind: 'function' | 'class';
	/** An expression whose value is the function or class. */
	readonly text: string;
	/** The `name` that the function has; the text alone may give it another. */
	readonly name: string;
	readonly isStrict: boolean;
	/** Whether the text has `import()`, which takes a hook of the loader to compile. */
	readonly hasDynamicImport: boolean;
	/** The script that the text stood in, as stack traces name it; null when that is not known. */
	readonly url: string | null;
	/** Where the first character of the text stood, counted from 0. */
	readonly line: number;
	readonly column: number;
	readonly fixed: readonly FixedParameter[];
	/** The early ones (`superclass`, `key`, `privateStatic`) come first. */
	readonly captured: readonly CapturedParameter[];
}

/** Whether a parameter is needed to create a class, and not only when its code runs. */
export const isEarly = ({kind}: CapturedParameter): boolean => kind === 'superclass' || kind === 'key' || kind === 'privateStatic';

/** One step from the namespace of a module to a function: a property, or the getter or setter of one. */
export type ExportStep = {readonly kind: 'value' | 'get' | 'set'; readonly key: string};

/** A function that a module exports, directly or as a member of something exported. */
export interface ModuleFunctionReference {
	readonly url: string;
	/** For a CommonJS module the steps begin at `module.exports`. */
	readonly isCommonJs: boolean;
	readonly path: readonly ExportStep[];
	/** SHA-256 of the file as it was loaded here, base64url; null where there is no file. */
	readonly fileHash: string | null;
	/** SHA-256 of the text of the function, base64url; null where it is not known: then none is checked. */
	readonly textHash: string | null;
}
