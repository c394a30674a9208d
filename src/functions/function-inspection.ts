/**
 * The variables around a function and the parts of a bound one, as the inspector of this thread shows them.
 *
 * The text of a function does not tell whether `fetch` is the global or something that the module imports under that name. V8 keeps every
 * variable that a function mentions in the function's scopes.
 */

import {types} from 'node:util';
import {scopeHops} from './context-identity.js';
import {type InspectorSession, withInspector} from './inspector-session.js';
import {isQuiet} from './quiet-objects.js';

/** One scope around a function. */
export type EnclosingScope = {
	/** V8's words: `Module`, `Script`, `Block`, `Catch`, `Class`, `With Block`, `Closure (name)`. */
	readonly description: string;
	/** A snapshot: a variable before its initialisation is an accessor that throws, or undefined on Node 20. */
	readonly variables: Readonly<Record<string, unknown>>;
	/** How far out its variables are, as `sharesContext` counts. Null where that is unknown. */
	readonly hops: number | null;
};

export type BoundParts = {
	readonly target: object;
	readonly self: unknown;
	readonly args: readonly unknown[];
};

export type FunctionInspection = {
	/** Innermost first, without the global one. V8 leaves out scopes that hold nothing but its own variables. */
	readonly scopes: readonly EnclosingScope[];
	/** Of a function made with `bind`. */
	readonly bound: BoundParts | null;
	/** From 0. Null for a function without a script. */
	readonly location: {readonly scriptId: number; readonly line: number; readonly column: number} | null;
};

type ScopeList = ArrayLike<{readonly description: string; readonly object: Record<string, unknown>}>;
type Location = {readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number};

/**
 * What is around a function. Undefined where Node has no inspector or may not use it, for a Proxy, and for a function with a property that
 * cannot be shown without running code of the program.
 */
export function inspectFunction(fn: object): FunctionInspection | undefined {
	if (typeof fn !== 'function' || types.isProxy(fn) || !isQuiet(fn)) {
		return undefined;
	}

	return withInspector(inspector => probed(inspector) ? read(inspector, fn) : undefined);
}

/** The target, `this` and arguments of a function made with `bind`; null for another function, undefined where that cannot be seen. */
export const boundParts = (fn: object): BoundParts | null | undefined => inspectFunction(fn)?.bound;

/** The scopes around a function; undefined where they cannot be seen. */
export const enclosingScopes = (fn: object): readonly EnclosingScope[] | undefined => inspectFunction(fn)?.scopes;

function read(inspector: InspectorSession, fn: object): FunctionInspection {
	const {slots} = inspector.internals(fn);
	const scopes = slots.get('[[Scopes]]');
	const location = slots.get('[[FunctionLocation]]')?.value as Location | undefined;
	return {
		scopes: scopes ? readScopes(fn, inspector.value(scopes) as ScopeList) : [],
		bound: readBoundParts(inspector, slots),
		location: location ? {scriptId: Number(location.scriptId), line: location.lineNumber, column: location.columnNumber} : null,
	};
}

function readScopes(fn: object, list: ScopeList): EnclosingScope[] {
	const scopes = Array.from(list, ({description, object}) => ({description, variables: object}))
		.filter(scope => scope.description !== 'Global');
	const hops = scopeHops(fn, scopes);
	return scopes.map((scope, index) => ({...scope, hops: hops[index] ?? null}));
}

function readBoundParts(inspector: InspectorSession, slots: ReturnType<InspectorSession['internals']>['slots']): BoundParts | null {
	const target = slots.get('[[TargetFunction]]');
	const self = slots.get('[[BoundThis]]');
	const args = slots.get('[[BoundArgs]]');
	if (!target || !self || !args) {
		return null;
	}

	const [targetValue, selfValue, argValues] = inspector.values([target, self, args]);
	return {target: targetValue as object, self: selfValue, args: [...argValues as unknown[]]};
}

let isProbed: boolean | undefined;

/** What the inspector shows belongs to no promise of V8, so a function whose variables are known is read first. */
function probed(inspector: InspectorSession): boolean {
	isProbed ??= read(inspector, ((variable: number) => () => variable)(1)).scopes[0]?.variables['variable'] === 1;
	return isProbed;
}
