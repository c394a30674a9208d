/**
 * Functions that travel by their text: those that use nothing outside themselves but what a fresh process has too.
 */

import {enclosingScopes, type EnclosingScope} from './function-inspection.js';
import {analyzeFunction} from './free-names.js';
import type {FunctionFacts} from './function-facts.js';
import {
	exportIt, functionName, labelOf, refusalError, type Refusal,
} from './function-refusal.js';
import {parseFunctionText, type FunctionText} from './function-text.js';
import {namesRefusal, selfRefusal} from './outside-names.js';
import {globalState, type GlobalState} from './pristine-globals.js';
import {isInModule, isSensitiveToMode, ownStrictness} from './strictness.js';
import {surroundingsRefusal} from './surroundings.js';

/** A function that uses nothing outside itself, by its text. */
export interface SourceReference {
	readonly kind: 'source';
	/** An expression whose value is the function. */
	readonly text: string;
	readonly name: string;
	readonly isStrict: boolean;
	/** Whether the text has `import()`, which takes a hook of the loader to compile. */
	readonly hasImport: boolean;
	/** Where the text stood; null when that is not known. */
	readonly url: string | null;
	/** Counted from 1. */
	readonly line: number | null;
}

export type DescribedSource = {
	readonly reference: SourceReference;
	/** The globals it uses, as they were found: they may be replaced later. */
	readonly globals: ReadonlyArray<readonly [name: string, state: GlobalState]>;
};

/** What is around a function: read when it is first asked for, since that takes longer than all the rest. */
type Surroundings = {scopes(): readonly EnclosingScope[] | undefined};

/**
 * Describes a function by its text.
 *
 * @param text what Function.prototype.toString says
 * @throws {SerializationError} when it uses anything that stays behind
 */
export function describeSource(fn: object, text: string): DescribedSource {
	const refuse = (refusal: Refusal | undefined): void => {
		if (refusal) {
			throw refusalError(labelOf(fn, text), refusal);
		}
	};

	const parsed = parsedText(text);
	if (parsed === undefined || parsed === 'class' || parsed.hasHtmlComments) {
		throw refusalError(labelOf(fn, text), textRefusal(parsed));
	}

	let read: {readonly scopes: readonly EnclosingScope[] | undefined} | undefined;
	const surroundings: Surroundings = {
		scopes() {
			read ??= {scopes: enclosingScopes(fn)};
			return read.scopes;
		},
	};

	// In both modes it needs the same of its surroundings.
	refuse(surroundingsRefusal(analysis(parsed, true)[0]));
	const isStrict = strictness(fn, text, parsed, surroundings);
	refuse(isStrict === undefined ? modeRefusal : undefined);
	const [facts] = analysis(parsed, isStrict ?? true);
	const globals = [...facts.freeNames.keys()];
	if (globals.length > 0) {
		refuse(realmRefusal(fn));
		refuse(namesRefusal(facts, surroundings.scopes()));
	}

	refuse(selfRefusal(fn, facts, () => surroundings.scopes()));
	return {
		reference: {
			kind: 'source',
			text: parsed.expression,
			name: functionName(fn),
			isStrict: isStrict ?? true,
			hasImport: facts.dynamicImports.length > 0,
			url: null,
			line: null,
		},
		globals: globals.map(name => [name, globalState(name)]),
	};
}

/** True for strict, undefined when that matters and nothing tells. */
function strictness(fn: object, text: string, parsed: FunctionText, surroundings: Surroundings): boolean | undefined {
	const own = ownStrictness(fn, parsed.node);
	if (own !== 'unknown') {
		return own === 'strict';
	}

	const functions = analysis(parsed, false);
	if (functions[0].isStrict) {
		return true;
	}

	if (parseFunctionText(text, true) === undefined) {
		return false;
	}

	return !isSensitiveToMode(functions) || isInModule(surroundings.scopes()) ? true : undefined;
}

// By text: closures made in a loop are parsed once. Bounded, for programs that make up texts.
const texts = new Map<string, FunctionText | 'class' | undefined>();
const analyses = new WeakMap<FunctionText, Map<boolean, readonly [FunctionFacts, ...FunctionFacts[]]>>();
const rememberedTexts = 1000;

function parsedText(text: string): FunctionText | 'class' | undefined {
	if (texts.has(text)) {
		return texts.get(text);
	}

	const [oldest] = texts.keys();
	if (oldest !== undefined && texts.size >= rememberedTexts) {
		texts.delete(oldest);
	}

	const parsed = parseFunctionText(text, false);
	texts.set(text, parsed);
	return parsed;
}

function analysis(parsed: FunctionText, isStrict: boolean): readonly [FunctionFacts, ...FunctionFacts[]] {
	const modes = analyses.get(parsed) ?? new Map<boolean, readonly [FunctionFacts, ...FunctionFacts[]]>();
	analyses.set(parsed, modes);
	const functions = modes.get(isStrict) ?? analyzeFunction(parsed.node, isStrict);
	modes.set(isStrict, functions);
	return functions;
}

function textRefusal(parsed: FunctionText | 'class' | undefined): Refusal {
	if (parsed === undefined) {
		return {code: 'ERR_CAPTURE_UNSUPPORTED', words: `has a syntax that the parser of this version does not know. ${exportIt}`};
	}

	if (parsed === 'class') {
		return {code: 'ERR_CAPTURE_UNSUPPORTED', words: `is a class, and a task is a function. Write a function that uses the class. ${exportIt}`};
	}

	return {code: 'ERR_CAPTURE_UNSUPPORTED', words: 'has <!-- or -->, which is a comment in scripts and operators in modules. Put a space between the operators.'};
}

const modeRefusal: Refusal = {
	code: 'ERR_CAPTURE_UNSUPPORTED',
	words: `uses this, arguments or a function declared in a block, and nothing tells whether it is strict code, where they differ. Begin it with 'use strict'. ${exportIt}`,
};

const ownPrototypes: ReadonlySet<unknown> = new Set([Function.prototype, Object.getPrototypeOf(async () => undefined)]);

/** The globals of a function made in another vm context are not those that were checked. */
function realmRefusal(fn: object): Refusal | undefined {
	if (ownPrototypes.has(Object.getPrototypeOf(fn))) {
		return undefined;
	}

	return {
		code: 'ERR_CAPTURE_UNSUPPORTED',
		words: `was made in another vm context, or was given another prototype, so nothing tells what its globals are. ${exportIt}`,
	};
}
