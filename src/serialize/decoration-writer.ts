/** What an object has besides its contents, as tokens. Part of the walk of `graph-writer.ts`. */
import type {FunctionPlace, PathStep} from '../errors.js';
import type {Decoration} from '../functions/captured-function.js';
import {attribute, decoration as flags} from './wire.js';

/** How many properties are written by themselves, and what writes them. */
export type MoreProperties = readonly [count: number, write: () => void];

/** The walk that decorated objects are met in. */
export interface DecorationWalk {
	readonly tokens: unknown[];
	writeText(text: string): void;
	writeSymbol(value: symbol): void;
	writeNamed(values: ReadonlyArray<readonly [PathStep, unknown]>, holder: FunctionPlace | null): void;
}

/** All but the object itself, which is written. */
export function writeDecoration({prototype, properties, deletions}: Decoration, [moreCount, writeMore]: MoreProperties, walk: DecorationWalk): void {
	if (prototype !== undefined) {
		walk.writeNamed([['prototype', prototype]], null);
	}

	if (properties.length + moreCount > 0) {
		walk.tokens.push(properties.length + moreCount);
		for (const [key, descriptor] of properties) {
			writeProperty(key, descriptor, walk);
		}

		writeMore();
	}

	if (deletions.length > 0) {
		walk.tokens.push(deletions.length);
		for (const key of deletions) {
			walk.writeText(key);
		}
	}
}

function writeProperty(key: string | symbol, descriptor: PropertyDescriptor, walk: DecorationWalk): void {
	if (typeof key === 'symbol') {
		walk.writeSymbol(key);
	} else {
		walk.writeText(key);
	}

	const step = typeof key === 'symbol' ? String(key) : key;
	const attributes = (descriptor.enumerable ? attribute.enumerable : 0) + (descriptor.configurable ? attribute.configurable : 0);
	if ('value' in descriptor) {
		walk.tokens.push(attributes + (descriptor.writable ? attribute.writable : 0));
		walk.writeNamed([[step, descriptor.value]], null);
	} else {
		walk.tokens.push(attributes + attribute.accessor);
		walk.writeNamed([[step, descriptor.get], [step, descriptor.set]], null);
	}
}

const integrityFlag: Readonly<Record<Decoration['integrity'], number>> = {
	extensible: 0, nonExtensible: flags.nonExtensible, sealed: flags.sealed, frozen: flags.frozen,
};

/** @param more properties that are written by themselves */
export const flagsOf = ({prototype, properties, deletions, integrity}: Decoration, more: number): number =>
	(prototype === undefined ? 0 : flags.prototype)
	+ (properties.length + more > 0 ? flags.properties : 0)
	+ (deletions.length > 0 ? flags.deletions : 0)
	+ integrityFlag[integrity];

/** The items of an array without those that its decoration has. */
export function plainItems(array: readonly unknown[], {properties}: Decoration): unknown[] {
	const decorated = new Set<string | symbol>(properties.map(([key]) => key));
	const items: unknown[] = [];
	items.length = array.length;
	for (const key of Object.keys(array)) {
		if (!decorated.has(key)) {
			items[Number(key)] = array[Number(key)];
		}
	}

	return items;
}
