/**
 * Whether two functions see the very same variables. The inspector shows snapshots: two calls of one factory look alike while the values do.
 *
 * One word of a V8 function is its **context**, the variables of the activation that made it, and one word of a context is the context
 * around it. Which words differs between versions, so they are found with functions whose answer is known.
 */

import {sharesContext as nativeSharesContext} from '../native.js';
import {hasWholePointers, originsAreKnown} from './function-origin.js';

type Words = {readonly context: number; readonly previous: number};
type Closure = () => unknown;
type Pair = {readonly add: Closure; readonly read: Closure};

let words: Words | undefined;
let isCalibrated = false;

/**
 * Whether the scope so many hops out from one function is that of the other: the same activation of the same code. A hop is one scope of
 * `FunctionInspection.scopes`. False for what is no closure; undefined where this V8 is laid out in another way.
 */
export function sharesContext(first: object, firstHops: number, second: object, secondHops: number): boolean | undefined {
	if (!isCalibrated) {
		isCalibrated = true;
		words = hasWholePointers() && originsAreKnown() ? calibrate() : undefined;
	}

	return words && nativeSharesContext(first, firstHops, second, secondHops, words.context, words.previous);
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

function calibrate(): Words | undefined {
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
	return previous === undefined || previouses.length > 1 ? undefined : {context, previous};
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
