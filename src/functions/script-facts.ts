/** What the syntax of a whole script tells: parsed and walked through once, answered for one function at a time. */

import {parse, type Program} from 'acorn';
import type {CodePlan} from './code-plan.js';
import {functionOffset} from './function-location.js';
import {makePlan} from './make-plan.js';
import type {Region} from './name-uses.js';
import {exportedNames, importedNames, type ImportedName} from './script-bindings.js';
import {ScriptLines} from './script-lines.js';
import type {ScriptSyntax} from './script-syntax.js';
import {walkProgram, type ScriptKind} from './syntax-walk.js';

export interface ScriptFacts {
	readonly kind: ScriptKind;
	/** Local name to what it imports. */
	readonly imports: ReadonlyMap<string, ImportedName>;
	/** The exported names of each variable that keeps its first value. */
	readonly exportsByLocal: ReadonlyMap<string, readonly string[]>;
	/** The plan of the function or class that V8 says is at this place, counted from 0. */
	readonly planAt: (line: number, column: number) => CodePlan | undefined;
}

/**
 * Analyses a script.
 *
 * @param kind `commonJs` for the body of the function that Node wraps a file in, `script` for one that stands alone or in eval
 * @returns undefined when the parser does not know its syntax, or it nests too deeply for it
 */
export function analyzeScript(source: string, kind: ScriptKind): ScriptFacts | undefined {
	const script = syntaxOf(source, kind);
	if (!script) {
		return undefined;
	}

	const regions = new Map<number, Region>();
	for (const region of script.uses.regions.values()) {
		const offset = functionOffset(source, region.node);
		// A class stands where its constructor does, and comes first.
		if (!regions.has(offset)) {
			regions.set(offset, region);
		}
	}

	const lines = new ScriptLines(source);
	const plans = new Map<Region, CodePlan>();
	return {
		kind,
		imports: script.imports,
		exportsByLocal: script.exportsByLocal,
		planAt(line, column) {
			const region = regions.get(lines.offsetOf({line, column}) ?? -1);
			if (!region) {
				return undefined;
			}

			const plan = plans.get(region) ?? makePlan(script, region);
			plans.set(region, plan);
			return plan;
		},
	};
}

const sourceTypes = {module: 'module', commonJs: 'commonjs', script: 'script'} as const;

function syntaxOf(source: string, kind: ScriptKind): ScriptSyntax | undefined {
	try {
		const program: Program = parse(source, {
			ecmaVersion: 'latest', sourceType: sourceTypes[kind], checkPrivateFields: false, allowHashBang: true,
		});
		const {uses, top} = walkProgram(program, kind);
		return {
			source,
			kind,
			isModule: kind === 'module',
			root: program,
			uses,
			top,
			lines: new ScriptLines(source),
			imports: importedNames(program),
			exportsByLocal: kind === 'module' ? exportedNames(program, top) : new Map(),
		};
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof RangeError) {
			return undefined;
		}

		throw error;
	}
}
