/** The variables that the functions of one payload share, by the very activation they belong to. */
import {
	CaptureRefusal, SharedVariable, type SharedVariables, type VariablePlace,
} from './captured-function.js';
import {sharesContext} from './context-identity.js';
import {functionName} from './function-refusal.js';

type Place = {readonly fn: object; readonly hops: number | null; readonly variable: SharedVariable};

/**
 * Two functions have the same variable when their scopes are the same object of V8, whatever the values are. Scopes that are the same show
 * the same values, so only those are compared that do.
 */
export class PayloadVariables implements SharedVariables {
	/** By name, and by what their scopes show. */
	readonly #places = new Map<string, Map<unknown, Place[]>>();

	of(fn: object, {name, hops, value, shown}: VariablePlace): SharedVariable {
		const places = this.#placesLike(name, isObject(value) ? value : shown ?? value);
		for (const place of places) {
			const isSame = isSameScope(fn, hops, place);
			if (isSame === undefined) {
				throw ambiguous(fn, name);
			}

			if (isSame) {
				return place.variable;
			}
		}

		const variable = new SharedVariable(value);
		places.push({fn, hops, variable});
		return variable;
	}

	#placesLike(name: string, sight: unknown): Place[] {
		const ofName = this.#places.get(name) ?? new Map<unknown, Place[]>();
		this.#places.set(name, ofName);
		const places = ofName.get(sight) ?? [];
		ofName.set(sight, places);
		return places;
	}
}

const isObject = (value: unknown): boolean => typeof value === 'function' || (typeof value === 'object' && value !== null);

/** Globals have no scope: -1 stands for them. */
function isSameScope(fn: object, hops: number | null, place: Place): boolean | undefined {
	if (fn === place.fn || hops === -1 || place.hops === -1) {
		return hops === place.hops;
	}

	return hops === null || place.hops === null ? undefined : sharesContext(fn, hops, place.fn, place.hops);
}

function ambiguous(fn: object, name: string): CaptureRefusal {
	const ownName = functionName(fn);
	return new CaptureRefusal(`The function ${ownName}`, {
		name: ownName === '' ? null : ownName, url: null, line: null, column: null,
	}, {
		code: 'ERR_CAPTURE_AMBIGUOUS',
		variable: name,
		words: `and another one use a variable ${name} that is assigned to, and this Node.js does not tell whether it is the same one. Keep the variable in an object: const state = {${name}}.`,
	});
}
