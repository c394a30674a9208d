/**
 * Classes that travel by value are one object per process: instances of two tasks have the same class, and instances that come back are
 * instances of the class they were made of.
 */
import {performance} from 'node:perf_hooks';
import process from 'node:process';
import type {AnyFunction} from './factory.js';

/** By id. A class that was rebuilt here stays: nobody else keeps what its private statics hold. */
const rebuilt = new Map<string, RebuiltClass>();
const own = new Map<string, WeakRef<object>>();
const ids = new WeakMap<object, string>();
const forget = new FinalizationRegistry<string>(id => {
	own.delete(id);
});

// A process number is given again one day; with the time of the start it is unique.
const processId = `${process.pid.toString(36)}.${Math.floor(performance.timeOrigin * 1000).toString(36)}`;
let nextNumber = 0;

/** A class that is filled anew by every payload that brings it. */
export interface RebuiltClass {
	readonly fn: AnyFunction;
	fill(values: readonly unknown[]): void;
}

/** The class of this process that has the id: one that was sent from here, or one that was rebuilt here. */
export const localClass = (id: string): object | undefined => rebuilt.get(id)?.fn ?? own.get(id)?.deref();

export const rebuiltClass = (id: string): RebuiltClass | undefined => rebuilt.get(id);

/** @returns the id under which a class of this process travels, the same each time. */
export function registerOwnClass(ownClass: object): string {
	const known = ids.get(ownClass);
	if (known !== undefined) {
		return known;
	}

	const id = `${processId}.${(nextNumber++).toString(36)}`;
	ids.set(ownClass, id);
	own.set(id, new WeakRef(ownClass));
	forget.register(ownClass, id);
	return id;
}

export function registerRebuiltClass(id: string, made: RebuiltClass): void {
	rebuilt.set(id, made);
	ids.set(made.fn, id);
}

/** Undefined for a class that has neither left this process nor come to it. */
export const idOfClass = (someClass: object): string | undefined => ids.get(someClass);

/** Whether the class was defined in another process. */
export function isForeignClass(someClass: object): boolean {
	const id = ids.get(someClass);
	return id !== undefined && rebuilt.get(id)?.fn === someClass;
}
