/**
 * Bound functions whose `this` or arguments lead back to them. `bind` takes both at once, so these are bound to a function that looks
 * them up at each call.
 */
import type {AnyFunction} from './factory.js';

/** What a late bound function was bound to, once that is known. */
export interface Binding {
	readonly target: AnyFunction;
	self: unknown;
	args: readonly unknown[];
}

const bindings = new WeakMap<object, Binding>();

/** Undefined for every other function. */
export const lateBindingOf = (fn: object): Binding | undefined => bindings.get(fn);

/** @returns an ordinary bound function, and what fills in what it is bound to */
export function createLateBound(target: AnyFunction): {readonly fn: AnyFunction; fill(self: unknown, args: readonly unknown[]): void} {
	const binding: Binding = {target, self: undefined, args: []};
	const lookingUp: AnyFunction = isConstructor(target) ? constructing(binding) : calling(binding);
	const fn: AnyFunction = lookingUp.bind(undefined);
	Object.setPrototypeOf(fn, Object.getPrototypeOf(target) as object | null);
	bindings.set(fn, binding);
	return {
		fn,
		fill(self, args) {
			binding.self = self;
			binding.args = args;
			// What `bind` would have given it.
			const {length, name} = Function.prototype.bind.apply(target, [undefined, ...args] as never) as AnyFunction;
			Object.defineProperties(fn, {length: {value: length, configurable: true}, name: {value: name, configurable: true}});
		},
	};
}

const calling = (binding: Binding): AnyFunction => (...rest) => Reflect.apply(binding.target, binding.self, [...binding.args, ...rest] as never) as unknown;

function constructing(binding: Binding): AnyFunction {
	function Bound(...rest: never[]): unknown {
		const args = [...binding.args, ...rest] as never;
		if (new.target === undefined) {
			return Reflect.apply(binding.target, binding.self, args) as unknown;
		}

		const newTarget = new.target;
		return Reflect.construct(binding.target, args, newTarget === Bound ? binding.target : newTarget) as unknown;
	}

	Object.defineProperty(Bound, Symbol.hasInstance, {value: (instance: unknown) => instance instanceof (binding.target as unknown as new () => unknown)});
	return Bound;
}

function isConstructor(fn: AnyFunction): boolean {
	try {
		Reflect.construct(Object, [], fn);
		return true;
	} catch {
		return false;
	}
}
