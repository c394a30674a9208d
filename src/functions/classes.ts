/**
 * Classes that travel by value are one object per process: instances of two tasks have the same class, and instances that come back are
 * instances of the class they were made of.
 */
import {performance} from 'node:perf_hooks';
import process from 'node:process';
import type {Unfilled} from './factory.js';

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
export type RebuiltClass = Unfilled;

type Shape = {readonly own: PropertyDescriptorMap; readonly home: PropertyDescriptorMap};

/** What each had when it was made. */
const shapes = new WeakMap<object, Shape>();

const shapeOf = (fn: object): Shape => ({own: Object.getOwnPropertyDescriptors(fn), home: Object.getOwnPropertyDescriptors(homeOf(fn))});
const homeOf = (fn: object): object => Object.getOwnPropertyDescriptor(fn, 'prototype')!.value as object;

/** Takes away what tasks and earlier payloads have made of a class: a payload brings its state at the time of the submit. */
export function resetClass({fn}: RebuiltClass): void {
	const shape = shapes.get(fn)!;
	reset(fn, shape.own);
	reset(homeOf(fn), shape.home);
}

function reset(object: object, first: PropertyDescriptorMap): void {
	for (const key of Reflect.ownKeys(object)) {
		if (!Object.hasOwn(first, key)) {
			Reflect.deleteProperty(object, key);
		}
	}

	for (const key of Reflect.ownKeys(first)) {
		Reflect.defineProperty(object, key, first[key as string]!);
	}
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
	shapes.set(made.fn, shapeOf(made.fn));
	ids.set(made.fn, id);
}

/** Undefined for a class that has neither left this process nor come to it. */
export const idOfClass = (someClass: object): string | undefined => ids.get(someClass);

/** Whether the class was defined in another process. */
export function isForeignClass(someClass: object): boolean {
	const id = ids.get(someClass);
	return id !== undefined && rebuilt.get(id)?.fn === someClass;
}
