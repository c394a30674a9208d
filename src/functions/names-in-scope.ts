/** What the names of a function mean where it stands, as far as its plan leaves that open. */
import type {EnclosingScope} from './function-inspection.js';
import {
	planWithGlobals, planWithImports, planWithoutVariables, type FunctionPlan,
} from './function-plan.js';
import {globalState} from './pristine-globals.js';
import type {ImportedName} from './script-bindings.js';

/** Reads the scopes around the function, once; the name is the one that they are needed for, in messages. */
export type ReadScopes = (name: string) => readonly EnclosingScope[];

/** The plan at this moment, and the names in it that are captured although the script does not declare them. */
export function planInScope(plan: FunctionPlan, readScopes: ReadScopes): {readonly plan: FunctionPlan; readonly own: readonly string[]} {
	const resolved = plan.facts === null ? withKnownNames(plan, readScopes) : plan;
	const own = resolved.plan.globals.filter(name => isOwnGlobal(name) || isHidden(name, resolved, readScopes));
	return {plan: own.length > 0 ? planWithGlobals(resolved, own) : resolved, own};
}

/** Of a text alone nobody knows which of its names are variables until the scopes around it are read. */
function withKnownNames(plan: FunctionPlan, readScopes: ReadScopes): FunctionPlan {
	const unknown = plan.plan.variables.filter(({origin}) => origin === 'unknown');
	if (unknown.length === 0) {
		return plan;
	}

	const scopes = readScopes(unknown[0]!.name);
	const imports = importedNames(plan, unknown.map(({name}) => name), scopes);
	const others = unknown
		.filter(({name}) => !imports.has(name))
		.filter(({name, isOwnName}) => !isOwnName && !isOwnGlobal(name) && !scopes.some(({variables}) => Object.hasOwn(variables, name)))
		.map(({name}) => name);
	const resolved = imports.size === 0 ? plan : planWithImports(plan, imports);
	return others.length === 0 ? resolved : planWithoutVariables(resolved, others);
}

/** Those of a function's names that mean an import of its module, and no variable that is nearer. */
function importedNames({outline}: FunctionPlan, names: readonly string[], scopes: readonly EnclosingScope[]): ReadonlyMap<string, ImportedName> {
	const imported = new Map<string, ImportedName>();
	for (const name of outline === null ? [] : names) {
		const found = outline!.imports.get(name);
		if (found !== undefined && scopes.find(({variables}) => Object.hasOwn(variables, name))?.description === 'Module') {
			imported.set(name, found);
		}
	}

	return imported;
}

/** Whether nothing but its own text is around a script: a module, and a file that Node has wrapped. */
export const isAlone = ({script}: FunctionPlan): boolean => script?.kind === 'module' || (script?.kind === 'commonJs' && !script.isTransformed);

/** Whether a name that the script does not declare is a variable of other scripts, or of what the script was wrapped in. */
const isHidden = (name: string, plan: FunctionPlan, readScopes: ReadScopes): boolean =>
	!isAlone(plan) && plan.facts !== null && readScopes(name).some(({variables}) => Object.hasOwn(variables, name));

/** Whether a name stands for something that the program has made, or put in the place of a global. */
export const isOwnGlobal = (name: string): boolean => {
	const state = globalState(name);
	return state === 'own' || state === 'replaced';
};
