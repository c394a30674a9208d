/** The values of the variables around a function at this moment. */
import process from 'node:process';
import type {CaptureRefusal, SharedVariables, VariablePlace} from './captured-function.js';
import type {PlannedVariable} from './code-plan.js';
import type {EnclosingScope} from './function-inspection.js';
import {currentGlobal} from './pristine-globals.js';
import type {Refusal} from './function-refusal.js';
import {memberSnapshot} from './tool-namespaces.js';

// There a variable before its initialisation looks like one that is undefined.
const showsUninitialised = Number(process.versions.node.split('.', 1)[0]) >= 22;

/** Nothing was read yet, or what was read may change. */
export const unread = Symbol('unread');

type Found = {readonly hops: number | null; readonly descriptor: PropertyDescriptor; readonly variables: object};

const uninitialised: PropertyDescriptor = {get: () => undefined};

/** Undefined for a name that is none of the variables. One before its initialisation throws, also when only its descriptor is asked for. */
function descriptorOf(variables: object, name: string): PropertyDescriptor | undefined {
	try {
		return Object.getOwnPropertyDescriptor(variables, name);
	} catch {
		return uninitialised;
	}
}

function find(name: string, scopes: readonly EnclosingScope[]): Found | undefined {
	for (const {variables, hops} of scopes) {
		const descriptor = descriptorOf(variables, name);
		if (descriptor !== undefined) {
			return {hops, descriptor, variables};
		}
	}

	return undefined;
}

/** Primitive values are alike in many activations; objects are not. */
function firstObject(variables: object): unknown {
	for (const name of Object.keys(variables)) {
		const value: unknown = descriptorOf(variables, name)?.value;
		if (typeof value === 'function' || (typeof value === 'object' && value !== null)) {
			return value;
		}
	}

	return undefined;
}

const globalPlace = (name: string, value: unknown): VariablePlace => ({
	name, hops: -1, value, shown: undefined,
});

/** What is read, and whether it stays so for this function. */
export interface ReadVariable {
	readonly value: unknown;
	readonly isStable: boolean;
}

/** What a variable is read from, and with. */
export interface VariableSource {
	readonly scopes: readonly EnclosingScope[];
	/** Whether functions assign to it. */
	readonly isCell: boolean;
	readonly variables: SharedVariables;
	/** Makes the error. */
	readonly refuse: (refusal: Refusal) => CaptureRefusal;
}

/** One variable. */
export function readVariable(fn: object, variable: PlannedVariable, source: VariableSource): ReadVariable {
	const {name} = variable;
	const {scopes, isCell, variables, refuse} = source;
	const found = find(name, scopes);
	if (found === undefined) {
		return fromGlobals(fn, variable, source);
	}

	const {hops, descriptor, variables: neighbours} = found;
	if (descriptor.get !== undefined) {
		throw refuse({
			code: 'ERR_CAPTURE_TDZ', variable: name, words: `uses the variable ${name}, which has no value yet: its declaration has not run. Submit the function after it.`,
		});
	}

	const value = memberSnapshot(descriptor.value, variable.members);
	if (isCell) {
		return {
			value: variables.of(fn, {
				name, hops, value, shown: firstObject(neighbours),
			}), isStable: false,
		};
	}

	return {value, isStable: variable.isStable && value === descriptor.value && (value !== undefined || showsUninitialised)};
}

function fromGlobals(fn: object, variable: PlannedVariable, {isCell, variables, refuse}: VariableSource): ReadVariable {
	const {name, origin} = variable;
	if (origin === 'unknown' && variable.isOwnName) {
		return {value: isCell ? variables.of(fn, globalPlace(name, fn)) : fn, isStable: false};
	}

	const global = origin === 'declared' ? undefined : currentGlobal(name);
	if (global === undefined) {
		throw refuse({
			code: 'ERR_CAPTURE_UNSUPPORTED', variable: name, words: `uses the variable ${name}, whose value cannot be read from outside. Pass it as an argument, or keep it in an object.`,
		});
	}

	if (!('value' in global)) {
		throw refuse({
			code: 'ERR_CAPTURE_UNSUPPORTED', variable: name, words: `uses the global ${name}, an accessor that this program has made. Pass its value as an argument.`,
		});
	}

	return {value: isCell ? variables.of(globalThis, globalPlace(name, global.value)) : global.value, isStable: false};
}
