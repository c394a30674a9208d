/** The method by which a class itself says how its instances travel. */
import {types} from 'node:util';

const reduceSymbol = Symbol.for('loky.reduce');

const {hasOwn, getPrototypeOf, getOwnPropertyDescriptor} = Object;
const {apply} = Reflect;
const objectPrototype = Object.prototype;
const arrayPrototype = Array.prototype;

/**
 * The object's method, along the prototypes it inherits from. Found by descriptors: no code of the program runs.
 *
 * @param value no Proxy
 */
export function reduceMethodOf(value: object): (() => unknown) | undefined {
	let owner: object | null = value;
	do {
		if (hasOwn(owner, reduceSymbol)) {
			const method: unknown = getOwnPropertyDescriptor(owner, reduceSymbol)?.value;
			return typeof method === 'function' && !isPrototypeObject(value) ? () => apply(method, value, []) as unknown : undefined;
		}

		owner = getPrototypeOf(owner) as object | null;
	} while (owner !== null && owner !== objectPrototype && owner !== arrayPrototype && !types.isProxy(owner));

	return undefined;
}

/** The object that instances inherit from is none itself. */
function isPrototypeObject(value: object): boolean {
	const constructor: unknown = getOwnPropertyDescriptor(value, 'constructor')?.value;
	return typeof constructor === 'function' && getOwnPropertyDescriptor(constructor, 'prototype')?.value === value;
}
