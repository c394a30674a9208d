import vm from 'node:vm';
import type {CodePlan} from '#dist/functions/code-plan.js';
import {analyzeScript} from '#dist/functions/script-facts.js';

/** The plan of the function whose place, as V8 counts, is marked with `@`. */
export function planHere(source: string, kind: 'module' | 'commonJs' | 'script' = 'module'): CodePlan {
	const before = source.slice(0, source.indexOf('@')).split('\n');
	const plan = analyzeScript(source.replace('@', ''), kind)?.planAt(before.length - 1, before.at(-1)?.length ?? 0);
	if (!plan) {
		throw new TypeError(`no function is marked: ${source}`);
	}

	return plan;
}

/** What a plan needs, in short: `kind parameter`. */
export const needs = ({code: {fixed, captured}, globals}: CodePlan): readonly string[] => [
	...fixed.map(({kind, parameter}) => `${kind} ${parameter}`),
	...captured.map(({kind, parameter}) => `${kind} ${parameter}`),
	...globals.map(name => `global ${name}`),
];

/**
 * Makes the function of a plan.
 *
 * @param values by parameter
 */
export function rebuild<Made = () => unknown>({code}: CodePlan, values: Readonly<Record<string, unknown>> = {}, filename = 'rebuilt.js'): Made {
	const parameters = [...code.fixed, ...code.captured].map(({parameter}) => parameter);
	const head = `(function(${parameters.join(',')}){${code.isStrict ? '"use strict";' : ''}return (`;
	const script = new vm.Script(`${head}${code.text})})`, {filename, lineOffset: code.line, columnOffset: code.column - head.length});
	const factory = script.runInThisContext() as (...args: unknown[]) => Made;
	return factory(...parameters.map(parameter => parameter.endsWith('identity') ? (value: unknown) => value : values[parameter]));
}
