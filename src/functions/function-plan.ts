/** The plan of a function object: from its script where that is known, otherwise from its own text. */
import type {Code} from './code.js';
import type {CodePlan} from './code-plan.js';
import {functionOrigin, type FunctionOrigin} from './function-origin.js';
import {inspectFunction} from './function-inspection.js';
import {withGlobals, withImports, withoutVariables} from './make-plan.js';
import {outlineModule, type ModuleOutline} from './module-outline.js';
import {markedUrl} from './mapped-stack.js';
import {planText} from './plan-text.js';
import type {ImportedName} from './script-bindings.js';
import {analyzeScript, type ScriptFacts} from './script-facts.js';
import {scriptSource, type ScriptSource} from './script-source.js';
import {showsStrictness} from './strictness.js';

/** Where a function comes from, and how its text travels. */
export interface FunctionPlan {
	readonly plan: CodePlan;
	/** That of the plan, with the URL of the script. */
	readonly code: Code;
	readonly script: ScriptSource | null;
	readonly origin: FunctionOrigin | null;
	/** Null when nothing but the text is known. */
	readonly facts: ScriptFacts | null;
	/** What is known of a module too large for more; null otherwise. */
	readonly outline: ModuleOutline | null;
}

/** Beyond this many characters a script takes seconds to parse. */
const largestParsed = 500_000;

const factsOfScripts = new Map<number, ScriptFacts | null>();
const codes = new WeakMap<CodePlan, Code>();
const changedPlans = new WeakMap<CodePlan, Map<string, CodePlan>>();

/**
 * Undefined when the parser does not know the syntax of the text.
 *
 * @param text what Function.prototype.toString says
 */
export function planOf(fn: object, text: string): FunctionPlan | undefined {
	const origin = functionOrigin(fn);
	const script = scriptSource(fn) ?? null;
	const facts = script === null ? null : factsOf(script);
	const plan = (origin && facts?.planAt(origin.line, origin.column)) ?? planAlone(fn, text, origin, script);
	if (plan === undefined) {
		return undefined;
	}

	return {
		plan, code: codeOf(plan, script), script, origin, facts, outline: facts === null && script !== null ? outlineOf(script) : null,
	};
}

function planAlone(fn: object, text: string, origin: FunctionOrigin | null, script: ScriptSource | null): CodePlan | undefined {
	if (origin === null) {
		return planOfText(fn, text, null, script);
	}

	// One place of one script: closures that are made there share their text.
	const key = `${origin.scriptId}:${origin.line}:${origin.column}`;
	if (!plansByPlace.has(key)) {
		const [oldest] = plansByPlace.keys();
		if (oldest !== undefined && plansByPlace.size >= rememberedPlans) {
			plansByPlace.delete(oldest);
		}

		plansByPlace.set(key, planOfText(fn, text, origin, script));
	}

	return plansByPlace.get(key);
}

const plansByPlace = new Map<string, CodePlan | undefined>();
const rememberedPlans = 1000;

function planOfText(fn: object, text: string, origin: FunctionOrigin | null, script: ScriptSource | null): CodePlan | undefined {
	const isModule = origin?.isModule ?? script?.kind === 'module';
	// Code that a module gives to eval is strict as the module is.
	const isStrict = isModule || showsStrictness(fn) || (inspectFunction(fn)?.scopes.some(({description}) => description === 'Module') ?? false);
	return planText(text, {isModule, isStrict}, origin ?? undefined);
}

/** The same plan, with globals that the program has made or replaced as variables. */
export const planWithGlobals = (plan: FunctionPlan, names: readonly string[]): FunctionPlan => changed(plan, `+${names.join(' ')}`, () => withGlobals(plan.plan, names));

/** The same plan of a text, with names that turned out to be no variables as globals. */
export const planWithoutVariables = (plan: FunctionPlan, names: readonly string[]): FunctionPlan => changed(plan, `-${names.join(' ')}`, () => withoutVariables(plan.plan, names));

/** The same plan of a text, with names that its module imports. */
export const planWithImports = (plan: FunctionPlan, imports: ReadonlyMap<string, ImportedName>): FunctionPlan =>
	changed(plan, `=${[...imports.keys()].join(' ')}`, () => withImports(plan.plan, imports));

function changed({plan, script, ...others}: FunctionPlan, key: string, change: () => CodePlan): FunctionPlan {
	const known = changedPlans.get(plan) ?? new Map<string, CodePlan>();
	changedPlans.set(plan, known);
	const made = known.get(key) ?? change();
	known.set(key, made);
	return {
		...others, plan: made, script, code: codeOf(made, script),
	};
}

function codeOf(plan: CodePlan, script: ScriptSource | null): Code {
	let code = codes.get(plan);
	if (code === undefined) {
		const url = script?.url ?? null;
		code = {...plan.code, url: url === null || !script!.isTransformed ? url : markedUrl(url)};
		codes.set(plan, code);
	}

	return code;
}

function factsOf({scriptId, source, kind}: ScriptSource): ScriptFacts | null {
	if (source === null) {
		return null;
	}

	let facts = factsOfScripts.get(scriptId);
	if (facts === undefined) {
		facts = source.length > largestParsed ? null : analyzeScript(source, kind) ?? null;
		factsOfScripts.set(scriptId, facts);
	}

	return facts;
}

const outlines = new Map<number, ModuleOutline | null>();

function outlineOf({scriptId, source, kind}: ScriptSource): ModuleOutline | null {
	if (source === null || kind !== 'module') {
		return null;
	}

	let outline = outlines.get(scriptId);
	if (outline === undefined) {
		outline = outlineModule(source) ?? null;
		outlines.set(scriptId, outline);
	}

	return outline;
}
