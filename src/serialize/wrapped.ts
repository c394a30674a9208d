/** Values that travel by our own codec, whatever carries the others. */
import {argumentTypeError} from '../errors.js';
import {copyOptions, readBoolean} from '../option-reader.js';

/** How a value is wrapped. */
export interface WrapOptions {
	/** Whether it arrives wrapped, so that it can travel on; otherwise as it is. Default: true. */
	readonly keepWrapper?: boolean | undefined;
}

export interface Wrapped {
	readonly value: object;
	readonly keepsWrapper: boolean;
}

const {apply, construct, get, getOwnPropertyDescriptor} = Reflect;
const wrappers = new WeakMap<object, Wrapped>();
let count = 0;

/** What is in a wrapper; undefined for everything else. */
export const wrappedIn = (value: object): Wrapped | undefined => wrappers.get(value);

/** Whether this process has wrappers at all. */
export const hasWrappers = (): boolean => count > 0;

/**
 * Wraps a function, a class or an instance that the pickler of `setLokyPickler` refuses, so that it travels as it does without one. The wrapper
 * can be called, constructed and used like the value; what it constructs is wrapped, too.
 *
 * @throws {TypeError} The value is neither an object nor a function, or an option is wrong.
 */
export function wrapNonPicklableObjects<T extends object>(value: T, options?: WrapOptions): T {
	if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
		throw argumentTypeError('value', 'an object or a function', value);
	}

	const copy = copyOptions('wrapNonPicklableObjects', options, ['keepWrapper']);
	return wrap((wrappers.get(value)?.value ?? value) as T, readBoolean(copy, 'keepWrapper', true));
}

function wrap<T extends object>(value: T, keepsWrapper: boolean): T {
	/** Of methods, which are called with the value: it may have private fields, or be made by the runtime. */
	const methods = new WeakMap<object, object>();
	const bindToValue = (method: object): object => {
		let bound = methods.get(method);
		if (bound === undefined) {
			bound = new Proxy(method, {
				apply: (target, self: unknown, args) => apply(target as () => unknown, self === wrapper ? value : self, args) as unknown,
			});
			methods.set(method, bound);
		}

		return bound;
	};

	const wrapper: T = new Proxy(value, {
		get(target, key) {
			const member: unknown = get(target, key, target);
			// What can never change must be given as it is.
			return typeof member !== 'function' || key === 'constructor' || isFixed(target, key) ? member : bindToValue(member);
		},
		construct: (target, args, newTarget): object => wrap(
			construct(target as new () => object, args, newTarget === wrapper ? target as new () => object : newTarget) as object,
			keepsWrapper,
		),
	});
	wrappers.set(wrapper, {value, keepsWrapper});
	count++;
	return wrapper;
}

function isFixed(target: object, key: string | symbol): boolean {
	const descriptor = getOwnPropertyDescriptor(target, key);
	return descriptor?.configurable === false && descriptor.writable === false;
}
