/**
 * Wrapped values are taken out of what a pickler is given, and put back into what it gives: in their places stand plain objects.
 *
 * They are looked for in arrays, plain objects, maps and sets.
 */
import {types} from 'node:util';
import {hasWrappers, wrappedIn} from './wrapped.js';

const {getPrototypeOf, keys} = Object;
const placeKey = 'loky:wrapped';

type Container = unknown[] | Map<unknown, unknown> | Set<unknown> | Record<string, unknown>;

/** Copies containers and hands out stand-ins. Lists instead of recursion: values may be deep. */
class TakingOut {
	readonly wrapped: object[] = [];
	readonly #standIns = new Map<object, object>();
	readonly #open: Array<readonly [from: Container, to: Container]> = [];

	bare(value: unknown): unknown {
		if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
			return value;
		}

		const known = this.#standIns.get(value);
		if (known !== undefined) {
			return known;
		}

		const standIn = this.#standInFor(value);
		this.#standIns.set(value, standIn);
		return standIn;
	}

	finish(): void {
		for (const [from, to] of this.#open) {
			fill(to, from, value => this.bare(value));
		}
	}

	#standInFor(value: object): object {
		if (wrappedIn(value) !== undefined) {
			return {[placeKey]: this.wrapped.push(value) - 1};
		}

		if (!isContainer(value)) {
			return value;
		}

		const copy = emptyLike(value);
		this.#open.push([value, copy]);
		return copy;
	}
}

/** The value without what is wrapped in it, and that. */
export function takeOutWrapped(value: unknown): {readonly bare: unknown; readonly wrapped: readonly object[]} {
	if (!hasWrappers()) {
		return {bare: value, wrapped: []};
	}

	const taking = new TakingOut();
	const bare = taking.bare(value);
	taking.finish();
	return taking.wrapped.length === 0 ? {bare: value, wrapped: []} : {bare, wrapped: taking.wrapped};
}

/** The reverse, in the containers that are there. */
export function putBackWrapped(value: unknown, wrapped: readonly unknown[]): unknown {
	if (wrapped.length === 0) {
		return value;
	}

	const seen = new Set<unknown>();
	const open: Container[] = [];
	const whole = (part: unknown): unknown => {
		if (typeof part !== 'object' || part === null || seen.has(part) || !isContainer(part)) {
			return part;
		}

		const place = placeOf(part);
		if (place !== undefined && place in wrapped) {
			return wrapped[place];
		}

		seen.add(part);
		open.push(part);
		return part;
	};

	const root = whole(value);
	for (const container of open) {
		fill(container, container, whole);
	}

	return root;
}

function isContainer(value: object): value is Container {
	if (types.isProxy(value)) {
		return false;
	}

	const prototype: unknown = getPrototypeOf(value);
	return prototype === Object.prototype || prototype === null || prototype === Array.prototype || prototype === Map.prototype || prototype === Set.prototype;
}

function emptyLike(value: Container): Container {
	if (Array.isArray(value)) {
		const array: unknown[] = [];
		array.length = value.length;
		return array;
	}

	if (types.isMap(value)) {
		return new Map();
	}

	return types.isSet(value) ? new Set() : Object.create(getPrototypeOf(value) as object | null) as Record<string, unknown>;
}

/** Both may be the same. */
function fill(to: Container, from: Container, change: (value: unknown) => unknown): void {
	if (types.isMap(from)) {
		const entries = [...from];
		const map = to as Map<unknown, unknown>;
		map.clear();
		for (const [key, value] of entries) {
			map.set(change(key), change(value));
		}
	} else if (types.isSet(from)) {
		const members = [...from];
		const set = to as Set<unknown>;
		set.clear();
		for (const member of members) {
			set.add(change(member));
		}
	} else {
		for (const key of keys(from)) {
			// Defined, not set: a key may be __proto__.
			Object.defineProperty(to, key, {
				value: change((from as Record<string, unknown>)[key]), writable: true, enumerable: true, configurable: true,
			});
		}
	}
}

function placeOf(value: Container): number | undefined {
	const place: unknown = Object.getOwnPropertyDescriptor(value, placeKey)?.value;
	return Number.isSafeInteger(place) && keys(value).length === 1 ? place as number : undefined;
}
