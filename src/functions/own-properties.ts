/** What the program has made of a function object: properties, a replaced prototype, a changed class. Read by descriptors only. */
import {integrityOf, intrinsicName, isUndecorated} from '../serialize/decorations.js';
import type {Decoration} from './captured-function.js';
import type {ClassMember} from './code-plan.js';

/** What a function has by its syntax alone. */
export interface NaturalShape extends NaturalMembers {
	readonly isClass: boolean;
	readonly name: string;
	readonly length: number;
}

/** A method, accessor or field. */
type NaturalMember = Pick<ClassMember, 'isStatic' | 'kind'>;

/** What a class has by its syntax alone. */
export interface NaturalMembers<M extends NaturalMember = ClassMember> {
	/** Members of a class with the keys that they have; a computed key may be a symbol. */
	readonly members: ReadonlyArray<{readonly key: string | symbol; readonly member: M}>;
	/** Whether a method or accessor is the one that the syntax gives. */
	isOriginal(fn: unknown, member: M): boolean;
}

export const noMembers: NaturalMembers = {members: [], isOriginal: () => false};

/** The members of a class that was made this very moment. */
export function membersNow(fn: object): NaturalMembers {
	const originals = new Set<unknown>();
	const home = Object.getOwnPropertyDescriptor(fn, 'prototype')!.value as object;
	const members = [...membersOf(fn, true), ...membersOf(home, false)];
	for (const {functions} of members) {
		for (const original of functions) {
			originals.add(original);
		}
	}

	return {members, isOriginal: found => originals.has(found)};
}

function membersOf(holder: object, isStatic: boolean): Array<NaturalMembers['members'][number] & {readonly functions: readonly unknown[]}> {
	return ownProperties(holder).filter(([key, {value}]) => key !== 'constructor' && key !== 'prototype' && typeof value !== 'number' && typeof value !== 'string')
		.flatMap(([key, descriptor]) => (['get', 'set', 'value'] as const).filter(kind => descriptor[kind] !== undefined).map(kind => ({
			key,
			member: {
				isStatic, kind: kind === 'value' ? 'method' : kind, key: null, keyParameter: null, location: null,
			},
			functions: [descriptor[kind]],
		})));
}

type Property = readonly [key: string | symbol, descriptor: PropertyDescriptor];

const functionPrototypes = new Set<string | false>(['Function', 'AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction']);

const isHidden = ({enumerable, configurable, writable}: PropertyDescriptor, isWritable: boolean): boolean =>
	enumerable === false && configurable === true && writable === isWritable;

/** What differs in the function object itself; null for nothing. */
export function functionDecoration(fn: object, shape: NaturalShape): Decoration | null {
	const prototype = Object.getPrototypeOf(fn) as object | null;
	const hasNaturalPrototype = (shape.isClass && typeof prototype === 'function') || (prototype !== null && functionPrototypes.has(intrinsicName(prototype)));
	const decoration: Decoration = {
		prototype: hasNaturalPrototype ? undefined : prototype,
		properties: unnaturalProperties(fn, shape),
		deletions: missing(fn, shape),
		integrity: integrityOf(fn),
	};
	return isUndecorated(decoration) ? null : decoration;
}

/** Looked for at each submit, and hardly ever found. */
function unnaturalProperties(fn: object, shape: NaturalShape): readonly Property[] {
	let found: Property[] | null = null;
	for (const key of Reflect.ownKeys(fn)) {
		const descriptor = Object.getOwnPropertyDescriptor(fn, key);
		if (descriptor !== undefined && !isNaturalProperty(fn, key, descriptor, shape)) {
			found ??= [];
			found.push([key, descriptor]);
		}
	}

	return found ?? noProperties;
}

const noProperties: readonly Property[] = [];
const noKeys: readonly string[] = [];

/** What differs in a function that `bind` has made. */
export function boundDecoration(fn: object, {target, args}: {readonly target: object; readonly args: readonly unknown[]}): Decoration | null {
	const valueOf = (key: string): unknown => Object.getOwnPropertyDescriptor(target, key)?.value;
	const name = valueOf('name');
	const length = valueOf('length');
	return functionDecoration(fn, {
		isClass: false,
		name: `bound ${typeof name === 'string' ? name : ''}`,
		length: Math.max(0, (typeof length === 'number' ? length : 0) - args.length),
		...noMembers,
	});
}

/** What differs in the object under `prototype`; null for nothing, and where that is an object of its own. */
export function prototypeDecoration(fn: object, shape: NaturalShape): Decoration | null {
	const home: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
	if (typeof home !== 'object' || home === null || Object.getOwnPropertyDescriptor(home, 'constructor')?.value !== fn) {
		return null;
	}

	const members = shape.members.filter(({member}) => !member.isStatic && member.kind !== 'field');
	const decoration: Decoration = {
		prototype: naturalHomePrototype(fn, home, shape) ? undefined : Object.getPrototypeOf(home) as object | null,
		properties: ownProperties(home).filter(([key, descriptor]) => !(key === 'constructor' && isHidden(descriptor, true)) && !isMember(key, descriptor, members, shape)),
		deletions: members.map(({key}) => key).filter((key): key is string => typeof key === 'string' && !Object.hasOwn(home, key)),
		integrity: integrityOf(home),
	};
	return isUndecorated(decoration) ? null : decoration;
}

function naturalHomePrototype(fn: object, home: object, {isClass}: NaturalShape): boolean {
	const prototype = Object.getPrototypeOf(home) as object | null;
	const superclass = Object.getPrototypeOf(fn) as object | null;
	if (isClass && typeof superclass === 'function' && !functionPrototypes.has(intrinsicName(superclass))) {
		return Object.getOwnPropertyDescriptor(superclass, 'prototype')?.value === prototype;
	}

	return prototype !== null && intrinsicName(prototype) === 'Object';
}

function ownProperties(value: object): Property[] {
	return Reflect.ownKeys(value).flatMap(key => {
		const descriptor = Object.getOwnPropertyDescriptor(value, key);
		return descriptor === undefined ? [] : [[key, descriptor] as const];
	});
}

function isNaturalProperty(fn: object, key: string | symbol, descriptor: PropertyDescriptor, shape: NaturalShape): boolean {
	// First: a static method may be called `name`.
	if (shape.isClass && isMember(key, descriptor, shape.members.filter(({member}) => member.isStatic), shape)) {
		return true;
	}

	switch (key) {
		case 'name': {
			return descriptor.value === shape.name && isHidden(descriptor, false);
		}

		case 'length': {
			return descriptor.value === shape.length && isHidden(descriptor, false);
		}

		case 'prototype': {
			return isNaturalHome(fn, descriptor, shape);
		}

		case 'arguments':
		case 'caller': {
			return !shape.isClass && Object.hasOwn(fn, 'prototype');
		}

		default: {
			return false;
		}
	}
}

/** Whether the object under `prototype` is the one that the function was made with, changed or not. */
function isNaturalHome(fn: object, {value}: PropertyDescriptor, {isClass}: NaturalShape): boolean {
	const home: unknown = value;
	if (typeof home !== 'object' || home === null) {
		return false;
	}

	const isPlain = Object.getOwnPropertyDescriptor(home, 'constructor')?.value === fn;
	return isClass || isPlain || isGeneratorHome(home);
}

/** That of a generator has no constructor, and inherits from one that is no plain object's. */
function isGeneratorHome(home: object): boolean {
	const prototype = Object.getPrototypeOf(home) as object | null;
	return Reflect.ownKeys(home).length === 0 && Object.isExtensible(home) && prototype !== null && intrinsicName(prototype) !== 'Object';
}

function isMember(key: string | symbol, descriptor: PropertyDescriptor, members: NaturalShape['members'], shape: NaturalShape): boolean {
	const ofKey = members.filter(other => other.key === key && other.member.kind !== 'field').map(({member}) => member);
	const last = ofKey.at(-1);
	if (last === undefined || descriptor.enumerable === true || descriptor.configurable === false) {
		return false;
	}

	if (last.kind === 'method') {
		return descriptor.writable === true && shape.isOriginal(descriptor.value, last);
	}

	const half = (kind: ClassMember['kind'], fn: unknown): boolean => {
		const member = ofKey.findLast(other => other.kind === kind);
		return member === undefined ? fn === undefined : shape.isOriginal(fn, member);
	};

	return !('value' in descriptor) && half('get', descriptor.get) && half('set', descriptor.set);
}

function missing(fn: object, {isClass, members}: NaturalShape): readonly string[] {
	if (!isClass && Object.hasOwn(fn, 'name') && Object.hasOwn(fn, 'length')) {
		return noKeys;
	}

	const statics = isClass ? members.filter(({member}) => member.isStatic && member.kind !== 'field').map(({key}) => key) : [];
	return ['name', 'length', ...statics].filter((key): key is string => typeof key === 'string' && !Object.hasOwn(fn, key));
}
