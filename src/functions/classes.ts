/**
 * Classes that travel by value are one object per process: instances of two tasks have the same class, and instances that come back are
 * instances of the class they were made of.
 */
import {performance} from 'node:perf_hooks';
import process from 'node:process';
import type {Unfilled} from './factory.js';

/** By id, as long as anybody uses the class: each payload brings all that it holds. */
const classes = new Map<string, WeakRef<object>>();
const ids = new WeakMap<object, string>();
const rebuilt = new WeakMap<object, RebuiltClass>();
const forget = new FinalizationRegistry<string>(id => {
	// A class that could not be restored has left its id to another.
	if (classes.get(id)?.deref() === undefined) {
		classes.delete(id);
	}
});

// A process number is given again one day; with the time of the start it is unique.
const processId = `${process.pid.toString(36)}.${Math.floor(performance.timeOrigin * 1000).toString(36)}`;
let nextNumber = 0;

/** A class that is filled anew by every payload that brings it. */
export type RebuiltClass = Unfilled;

/** What an object is made with. */
type Shape = {readonly object: object; readonly prototype: object | null; readonly properties: PropertyDescriptorMap};

/** Of each class: its own, and that of the object under its `prototype`. */
const shapes = new WeakMap<object, readonly Shape[]>();

const shapeOf = (object: object): Shape =>
	({object, prototype: Object.getPrototypeOf(object) as object | null, properties: Object.getOwnPropertyDescriptors(object)});
const homeOf = (fn: object): object => Object.getOwnPropertyDescriptor(fn, 'prototype')!.value as object;

/**
 * Takes away what tasks and earlier payloads have made of a class: a payload brings its state at the time of the submit.
 *
 * @param superclass the one that it has in this payload; null for none
 * @returns false when that is impossible: it was frozen, say, or has another superclass by now
 */
export function resetClass({fn}: RebuiltClass, superclass: unknown): boolean {
	const parts = shapes.get(fn)!;
	if ((superclass !== null && parts[0]!.prototype !== superclass) || !parts.every(part => isRestorable(part))) {
		return false;
	}

	for (const part of parts) {
		restore(part);
	}

	return true;
}

const isRestorable = ({object, properties}: Shape): boolean => Object.isExtensible(object)
	&& Reflect.ownKeys(object).every(key => Object.hasOwn(properties, key) || Object.getOwnPropertyDescriptor(object, key)!.configurable === true)
	&& Reflect.ownKeys(properties).every(key => {
		const now = Object.getOwnPropertyDescriptor(object, key);
		const {configurable, writable} = properties[key as string]!;
		return now === undefined || now.configurable === true || (configurable === false && now.writable === writable);
	});

function restore({object, prototype, properties}: Shape): void {
	Reflect.setPrototypeOf(object, prototype);
	for (const key of Reflect.ownKeys(object)) {
		if (!Object.hasOwn(properties, key)) {
			Reflect.deleteProperty(object, key);
		}
	}

	for (const key of Reflect.ownKeys(properties)) {
		Reflect.defineProperty(object, key, properties[key as string]!);
	}
}

/** The class of this process that has the id: one that was sent from here, or one that was rebuilt here. */
export const localClass = (id: string): object | undefined => classes.get(id)?.deref();

/** Undefined for a class that was not rebuilt here. */
export const rebuiltClass = (someClass: object): RebuiltClass | undefined => rebuilt.get(someClass);

/** @returns the id under which a class of this process travels, the same each time. */
export function registerOwnClass(ownClass: object): string {
	const known = ids.get(ownClass);
	if (known !== undefined) {
		return known;
	}

	const id = `${processId}.${(nextNumber++).toString(36)}`;
	register(id, ownClass);
	return id;
}

export function registerRebuiltClass(id: string, made: RebuiltClass): void {
	rebuilt.set(made.fn, made);
	shapes.set(made.fn, [shapeOf(made.fn), shapeOf(homeOf(made.fn))]);
	register(id, made.fn);
}

function register(id: string, someClass: object): void {
	ids.set(someClass, id);
	classes.set(id, new WeakRef(someClass));
	forget.register(someClass, id);
}

/** Undefined for a class that has neither left this process nor come to it. */
export const idOfClass = (someClass: object): string | undefined => ids.get(someClass);

/** Whether the class was defined in another process. */
export const isForeignClass = (someClass: object): boolean => rebuilt.has(someClass);
