/**
 * Whether two functions see the very same variables. The inspector shows snapshots: two calls of one factory look alike while the values do.
 *
 * One word of a V8 function is its **context**, the variables of the activation that made it, and one word of a context is the context
 * around it. Which words differs between versions, so they are found with functions whose answer is known.
 */

import {
	contextDepth, declaringHops, scopeNumber, sharesContext as nativeSharesContext,
} from '../native.js';
import {hasWholePointers, originsAreKnown} from './function-origin.js';

type Closure = () => unknown;
type Pair = {readonly add: Closure; readonly read: Closure};

/** Which word of a function is its context, and which one of a context the next; in the description of a context, the number of names and the first. */
type Words = {readonly context: number; readonly previous: number};
type Layout = Words & {readonly count: number; readonly names: number};

let layout: Layout | null | undefined;

function knownLayout(): Layout | null {
	layout ??= hasWholePointers() && originsAreKnown() ? calibrate() ?? null : null;
	return layout;
}

/**
 * Whether the scope so many hops out from one function is that of the other: the same activation of the same code. See
 * `EnclosingScope.hops`. False for what is no closure; undefined where this V8 is laid out in another way.
 */
export function sharesContext(first: object, firstHops: number, second: object, secondHops: number): boolean | undefined {
	const words = knownLayout();
	return words ? nativeSharesContext(first, firstHops, second, secondHops, words.context, words.previous) : undefined;
}

/** What the inspector shows of a scope. */
type ShownScope = {readonly description: string; readonly variables: object};

/**
 * How many hops each scope is away from a function, since the inspector leaves out scopes that hold nothing but V8's own variables, such as
 * that of `super`. Null where that is unknown, and for a scope without variables.
 */
export function scopeHops(fn: object, scopes: readonly ShownScope[]): ReadonlyArray<number | null> {
	const words = knownLayout();
	const depth = words && contextDepth(fn, words.context, words.previous);
	if (!words || depth === null) {
		return scopes.map(() => null);
	}

	// A scope with variables that a direct eval has made cannot be found by their names, nor then what is around it.
	let from: number | null = 0;
	return scopes.map(({description, variables}) => {
		switch (description) {
			case 'Module': {
				return depth - 1;
			}

			case 'Script': {
				// All scripts of a realm share it.
				return depth;
			}

			case 'With Block': {
				return null;
			}

			default: {
				const names = Object.keys(variables);
				if (from === null || names.length === 0) {
					return null;
				}

				const hops = commonHops(fn, names, from, words);
				from = hops === null ? null : hops + 1;
				return hops;
			}
		}
	});
}

/** The hops to the context that has all the variables; a few of them are looked for. */
function commonHops(fn: object, names: readonly string[], from: number, words: Layout): number | null {
	const [first, ...others] = [...names.slice(0, 4), ...names.slice(4).slice(-4)]
		.map(name => declaringHops(fn, name, from, words.context, words.previous, words.count, words.names));
	return first !== undefined && others.every(hops => hops === first) ? first : null;
}

const outer = () => {
	let total = 0;
	return (): Pair => {
		let own = 0;
		return {
			add() {
				own++;
				total++;
			},
			read: () => [own, total],
		};
	};
};

function calibrate(): Layout | undefined {
	const make = outer();
	const activations = Array.from({length: 20}, make);
	const strangers = Array.from({length: 20}, () => outer()());
	const contexts = [1, 2, 3, 4, 5, 6].filter(context => areTold(activations, strangers, {context, previous: 0}, 0));
	const [context] = contexts;
	if (context === undefined || contexts.length > 1) {
		return undefined;
	}

	const previouses = [1, 2, 3].filter(previous => areTold(activations, strangers, {context, previous}, 1)
		&& activations.every(({add}) => nativeSharesContext(add, 1, make, 0, context, previous)));
	const [previous] = previouses;
	return previous === undefined || previouses.length > 1 ? undefined : withNames({context, previous});
}

const oneName = () => {
	let lokyOne = 1;
	return () => lokyOne++;
};

const threeNames = () => {
	let lokyOne = 1;
	let lokyTwo = 2;
	let lokyThree = 3;
	return () => lokyOne++ + lokyTwo++ + lokyThree++;
};

/** Finds the names of variables: only after all the rest, and only where the number of names has turned out right. */
function withNames({context, previous}: Words): Layout | undefined {
	const one = oneName();
	const three = threeNames();
	const counts = [1, 2, 3].filter(word => scopeNumber(one, word, context) === 1 && scopeNumber(three, word, context) === 3);
	const [count] = counts;
	if (count === undefined || counts.length > 1) {
		return undefined;
	}

	// The window in which a name is looked for is one word longer than need be, so the last answer is the right one.
	const names = [4, 5, 6, 7].findLast(word => {
		const hops = (fn: object, name: string): number | null => declaringHops(fn, name, 0, context, previous, count, word);
		const [lokyOne, lokyTwo, lokyThree, absent] = Object.keys({
			lokyOne: 1, lokyTwo: 2, lokyThree: 3, lokyFour: 4,
		}) as [string, string, string, string];
		return hops(one, lokyOne) === 0 && hops(one, lokyTwo) === null
			&& [lokyOne, lokyTwo, lokyThree].every(name => hops(three, name) === 0) && hops(three, absent) === null;
	});
	return names === undefined
		? undefined
		: {
			context, previous, count, names,
		};
}

/** Whether two functions of one activation have one context, and those of different ones do not: unless it is that of the factory. */
function areTold(activations: readonly Pair[], strangers: readonly Pair[], {context, previous}: Words, hops: 0 | 1): boolean {
	return activations.every(({add, read}, index) => {
		const stranger = strangers[index]!;
		const neighbour = activations[(index + 1) % activations.length]!;
		const share = (first: Closure, second: Closure): boolean => nativeSharesContext(first, hops, second, hops, context, previous);
		return share(add, read) && share(stranger.add, stranger.read)
			&& !share(add, stranger.add) && !share(add, stranger.read)
			&& share(add, neighbour.read) === (hops === 1);
	});
}
