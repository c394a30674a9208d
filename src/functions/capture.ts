/**
 * Finds out how a function travels: by name where the other side has it, by text and variables otherwise.
 *
 * What can never change for a function object is remembered with it. What may have changed since is read at each capture: a payload holds
 * the state at the time of the submit.
 */
import {types} from 'node:util';
import type {FunctionPlace} from '../errors.js';
import {builtinObjectReferenceOf, builtinReferenceOf, isNative} from './builtin-functions.js';
import {moduleReferenceOf} from './by-reference.js';
import {
	CaptureRefusal, type CapturedCode, type CapturedFunction, type FunctionCapture, type SharedVariables,
} from './captured-function.js';
import {readVariable, unread} from './captured-variables.js';
import {classValue, shapeOf} from './class-values.js';
import {idOfClass, isForeignClass, registerOwnClass} from './classes.js';
import {isEarly} from './code.js';
import {inspectFunction, type EnclosingScope} from './function-inspection.js';
import {planOf, type FunctionPlan} from './function-plan.js';
import {
	exportIt, functionName, labelOf, type Refusal,
} from './function-refusal.js';
import {exportReferenceOf} from './module-handle.js';
import {isAlone, isOwnGlobal, planInScope} from './names-in-scope.js';
import {namespaceUrlOf} from './namespaces.js';
import {
	boundDecoration, functionDecoration, prototypeDecoration, type NaturalShape,
} from './own-properties.js';
import {PayloadVariables} from './payload-variables.js';
import {internalClassOf, privateNameOf} from './private-instances.js';
import {sentOn} from './sent-on.js';
import {referenceRules} from './reference-rules.js';

const {toString} = Function.prototype;

/** What is known about a function object for good. */
type Known
	= | {readonly kind: 'named'; readonly captured: CapturedFunction; readonly rules: number}
		| {
			readonly kind: 'planned';
			readonly text: string;
			readonly plan: FunctionPlan;
			readonly place: FunctionPlace;
			readonly shape: NaturalShape;
			/** Of the variables that never change, once they were read. */
			readonly values: unknown[];
			readonly rules: number;
		};

/** Whom a payload is for. */
export type Receiver = 'worker' | 'parent';

class Capture implements FunctionCapture {
	readonly #known = new WeakMap<object, Known>();
	readonly #receiver: Receiver;
	readonly #importsMain: boolean;

	constructor(receiver: Receiver, importsMain: boolean) {
		this.#receiver = receiver;
		this.#importsMain = importsMain;
	}

	capture(fn: object, variables: SharedVariables): CapturedFunction {
		if (this.#receiver === 'parent' && isForeignClass(fn)) {
			return {kind: 'knownClass', id: idOfClass(fn)!};
		}

		let known = this.#known.get(fn);
		if (known?.rules !== referenceRules.version) {
			const rebuilt = sentOn(fn);
			if (rebuilt !== undefined) {
				return rebuilt;
			}

			known = this.#find(fn);
			this.#known.set(fn, known);
		}

		return known.kind === 'named' ? known.captured : this.#captureCode(fn, known, variables);
	}

	createVariables(): SharedVariables {
		return new PayloadVariables();
	}

	builtinOf(value: object): ReturnType<FunctionCapture['builtinOf']> {
		return builtinObjectReferenceOf(value);
	}

	namespaceUrl(value: object): string | undefined {
		return namespaceUrlOf(value);
	}

	internalClassOf(instance: object): string | undefined {
		return internalClassOf(instance);
	}

	privateNameOf(instance: object): string | undefined {
		return privateNameOf(instance);
	}

	#find(fn: object): Known {
		const named = (captured: CapturedFunction): Known => ({kind: 'named', captured, rules: referenceRules.version});
		const exported = exportReferenceOf(fn);
		if (exported !== undefined) {
			return named({
				kind: 'module', reference: {
					url: exported.url, isCommonJs: false, path: [{kind: 'value', key: exported.name}], fileHash: null, textHash: null,
				},
			});
		}

		if (types.isProxy(fn)) {
			throw refusing(fn, 'The function', null)(proxyRefusal);
		}

		// Not its own toString, which the program may have replaced.
		const text = toString.call(fn);
		return isNative(text) ? named(this.#native(fn, text)) : this.#planned(fn, text);
	}

	#native(fn: object, text: string): CapturedFunction {
		const reference = builtinReferenceOf(fn);
		if (reference !== undefined) {
			return {kind: 'builtin', reference};
		}

		const bound = inspectFunction(fn)?.bound;
		if (bound) {
			return {kind: 'bound', ...bound, decoration: boundDecoration(fn, bound)};
		}

		throw refusing(fn, text, null)(nativeRefusal);
	}

	#planned(fn: object, text: string): Known {
		const {version} = referenceRules;
		const plan = planOf(fn, text);
		const place = placeOf(fn, plan);
		const refuse = refusing(fn, text, place);
		// Much of Node is written in JavaScript.
		const builtin = plan === undefined || plan.script?.isInternal !== false ? builtinReferenceOf(fn) : undefined;
		if (builtin !== undefined) {
			return {kind: 'named', captured: {kind: 'builtin', reference: builtin}, rules: version};
		}

		if (plan?.script?.isInternal === true) {
			throw refuse(internalRefusal);
		}

		if (plan === undefined) {
			throw refuse(syntaxRefusal);
		}

		const reference = moduleReferenceOf(fn, text, plan, this.#importsMain);
		if (reference !== undefined) {
			return {kind: 'named', captured: {kind: 'module', reference}, rules: version};
		}

		if (plan.plan.refusal !== null) {
			throw refuse(plan.plan.refusal);
		}

		return {
			kind: 'planned', text, plan, place, shape: shapeOf(fn, plan), values: plan.plan.variables.map(() => unread), rules: version,
		};
	}

	#captureCode(fn: object, known: Known & {readonly kind: 'planned'}, variables: SharedVariables): CapturedCode {
		const refuse = refusing(fn, known.text, known.place);
		let scopes: readonly EnclosingScope[] | undefined;
		const readScopes = (name: string): readonly EnclosingScope[] => {
			scopes ??= scopesOf(fn, name, refuse);
			return scopes;
		};

		const {plan, own} = planInScope(known.plan, readScopes);
		if (plan.plan.refusal !== null) {
			// A name that the text assigns to has turned out to be no variable.
			throw refuse(plan.plan.refusal);
		}

		const {code} = plan;
		const values: unknown[] = [];
		let isStable = code.kind === 'function' && own.length === 0;
		for (const [index, variable] of plan.plan.variables.entries()) {
			const remembered = own.length === 0 ? known.values[index] : unread;
			if (remembered !== unread && remembered !== undefined) {
				values.push(remembered);
				continue;
			}

			const parameter = code.captured[index]!;
			if (isEarly(parameter)) {
				values.push(classValue(fn, index, plan, refuse));
				continue;
			}

			const read = readVariable(fn, variable, {
				scopes: variable.origin === 'undeclared' && isAlone(plan) ? [] : readScopes(variable.name), isCell: parameter.kind === 'cell', variables, refuse,
			});
			values.push(read.value);
			if (read.isStable && own.length === 0) {
				known.values[index] = read.value;
			}

			isStable &&= read.isStable;
		}

		return {
			kind: 'code',
			code,
			values,
			names: plan.plan.variables.map(({name}) => name),
			classId: code.kind === 'class' ? idOfClass(fn) ?? registerOwnClass(fn) : null,
			decoration: functionDecoration(fn, known.shape),
			prototypeDecoration: prototypeDecoration(fn, known.shape),
			place: known.place,
			isStable: isStable && values.every(value => isUnchanging(value)),
			isUnchanged: () => functionDecoration(fn, known.shape) === null && prototypeDecoration(fn, known.shape) === null
				&& !plan.plan.globals.some(name => isOwnGlobal(name)),
		};
	}
}

/** Functions are captured for themselves. */
const isUnchanging = (value: unknown): boolean => typeof value === 'function' || value === null || (typeof value !== 'object' && typeof value !== 'symbol');

function scopesOf(fn: object, name: string, refuse: (refusal: Refusal) => CaptureRefusal): readonly EnclosingScope[] {
	const scopes = inspectFunction(fn)?.scopes;
	if (scopes === undefined) {
		throw refuse({
			code: 'ERR_INSPECTOR_UNAVAILABLE',
			variable: name,
			words: `uses the variable ${name}, which only the inspector can read, and this Node.js has none or forbids it. ${exportIt} Or start Node with --allow-inspector.`,
		});
	}

	if (scopes.some(({description}) => description === 'With Block')) {
		throw refuse({code: 'ERR_CAPTURE_UNSUPPORTED', words: `stands inside a with statement, so its names cannot be told apart. ${exportIt}`});
	}

	return scopes;
}

function placeOf(fn: object, plan: FunctionPlan | undefined): FunctionPlace {
	const name = functionName(fn);
	return {
		name: name === '' ? null : name,
		url: plan?.script?.url ?? plan?.origin?.url ?? null,
		line: plan?.origin ? plan.origin.line + 1 : null,
		column: plan?.origin ? plan.origin.column + 1 : null,
	};
}

function refusing(fn: object, text: string, place: FunctionPlace | null): (refusal: Refusal) => CaptureRefusal {
	return refusal => {
		const {name, shown} = labelOf(fn, text);
		return new CaptureRefusal(shown, place ?? {
			name, url: null, line: null, column: null,
		}, refusal);
	};
}

const proxyRefusal: Refusal = {
	code: 'ERR_CAPTURE_UNSUPPORTED',
	words: 'is a Proxy, whose handler cannot travel. Submit the function behind it, or export the Proxy from a module and call it through executor.module(url).',
};

const nativeRefusal: Refusal = {
	code: 'ERR_INTERNAL_FUNCTION',
	words: `is native and made at run time, so no other process can find it. Make it inside the task. ${exportIt}`,
};

const internalRefusal: Refusal = {
	code: 'ERR_INTERNAL_FUNCTION',
	words: `was made inside Node.js, so its text is of no use elsewhere. Make it inside the task. ${exportIt}`,
};

const syntaxRefusal: Refusal = {
	code: 'ERR_CAPTURE_UNSUPPORTED',
	words: `has a syntax that the parser of this version does not know. ${exportIt}`,
};

const captures = new Map<string, Capture>();

/**
 * For payloads that go to workers, or back to the parent: which of the two has a class differs.
 *
 * @param importsMain whether the receiver has imported the main script too, so that its exports can be found there
 */
export function functionCapture(receiver: Receiver, importsMain = false): FunctionCapture {
	const key = `${receiver} ${importsMain}`;
	const capture = captures.get(key) ?? new Capture(receiver, importsMain);
	captures.set(key, capture);
	return capture;
}
