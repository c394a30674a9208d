/**
 * What an object has besides the contents of its kind: a prototype, hidden properties, accessors, symbols, a freeze. Found by descriptors,
 * so no code of the program runs.
 */
import {Buffer} from 'node:buffer';
import process from 'node:process';
import {types} from 'node:util';
import type {Decoration} from '../functions/captured-function.js';

/** What an object is made of, whatever its prototype. */
export type ObjectKind = 'array' | 'record' | 'map' | 'set' | 'error' | 'leaf';

type Property = readonly [key: string | symbol, descriptor: PropertyDescriptor];

const nativeEnding = '{ [native code] }';
const {toString} = Function.prototype;

const intrinsicNames = new WeakMap<object, string | false>();

/** The name of the language's class whose prototype this is, in any context of the thread; false for the prototype of another class. */
export function intrinsicName(prototype: object): string | false {
	let name = intrinsicNames.get(prototype);
	if (name === undefined) {
		const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
		name = false;
		if (typeof constructor === 'function' && toString.call(constructor).endsWith(nativeEnding)) {
			const constructorName: unknown = Object.getOwnPropertyDescriptor(constructor, 'name')?.value;
			name = typeof constructorName === 'string' && !constructorName.startsWith('bound ') ? constructorName : false;
		}

		intrinsicNames.set(prototype, name);
	}

	return name;
}

const intrinsicOf: Readonly<Record<Exclude<ObjectKind, 'leaf' | 'error'>, string>> = {
	array: 'Array', record: 'Object', map: 'Map', set: 'Set',
};

const environmentPrototype = Object.getPrototypeOf(process.env) as object;

/** Whether an object of that kind has the prototype that the reader gives it anyway. */
export function isNaturalPrototype(kind: ObjectKind, prototype: object | null): boolean {
	if (prototype === null) {
		return false;
	}

	// That of `process.env` has none of the marks of a plain object, and is one.
	if (prototype === environmentPrototype) {
		return kind === 'record';
	}

	const name = intrinsicName(prototype);
	switch (kind) {
		case 'leaf': {
			return platformPrototypes.has(prototype) || (name !== false && name !== 'Object') || prototype === Buffer.prototype;
		}

		case 'error': {
			return name !== false && name.endsWith('Error');
		}

		case 'array':
		case 'record':
		case 'map':
		case 'set': {
			return name === intrinsicOf[kind];
		}

		default: {
			kind satisfies never;
			return false;
		}
	}
}

/** Classes of the platform that the writer knows, and that keep their state out of sight. */
const platformPrototypes: ReadonlySet<object | null> = new Set([DOMException.prototype, URL.prototype]);

export function kindOf(value: object): ObjectKind {
	if (Array.isArray(value)) {
		return 'array';
	}

	if (types.isMap(value)) {
		return 'map';
	}

	if (types.isSet(value)) {
		return 'set';
	}

	if (types.isNativeError(value)) {
		return 'error';
	}

	return isLeaf(value) ? 'leaf' : 'record';
}

const isLeaf = (value: object): boolean => types.isDate(value) || types.isRegExp(value) || ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)
	|| types.isBoxedPrimitive(value) || platformPrototypes.has(Object.getPrototypeOf(value) as object | null);

const isPlain = ({enumerable, configurable, writable}: PropertyDescriptor): boolean => enumerable === true && configurable === true && writable === true;

/** Whether there is anything to tell. */
export const isUndecorated = ({prototype, properties, deletions, integrity}: Decoration): boolean =>
	prototype === undefined && properties.length === 0 && deletions.length === 0 && integrity === 'extensible';

export function integrityOf(value: object): Decoration['integrity'] {
	if (Object.isExtensible(value)) {
		return 'extensible';
	}

	if (Object.isFrozen(value)) {
		return 'frozen';
	}

	return Object.isSealed(value) ? 'sealed' : 'nonExtensible';
}

/** Properties that are the contents of the kind, not of the decoration. */
function isContent(kind: ObjectKind, key: string | symbol, descriptor: PropertyDescriptor): boolean {
	if (typeof key === 'symbol') {
		return false;
	}

	switch (kind) {
		case 'array': {
			return key === 'length';
		}

		case 'error': {
			return errorContents.has(key) && ('value' in descriptor ? isHiddenData(descriptor) : isNativeStack(key, descriptor));
		}

		case 'leaf': {
			return key === 'lastIndex' && descriptor.value === 0;
		}

		case 'record':
		case 'map':
		case 'set': {
			return false;
		}

		default: {
			kind satisfies never;
			return false;
		}
	}
}

const errorContents = new Set(['message', 'stack', 'cause', 'errors']);
const isHiddenData = ({enumerable, configurable, writable}: PropertyDescriptor): boolean => enumerable === false && configurable === true && writable === true;

/** From V8 12 on, `stack` is an accessor of V8's own. */
const isNativeStack = (key: string, {get}: PropertyDescriptor): boolean => key === 'stack' && get !== undefined && toString.call(get).endsWith(nativeEnding);

// Their indexes are the contents; a list of them could be longer than the memory.
const hasIndexes = (value: object): boolean => ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isStringObject(value);

/** What the object has besides its contents. */
export function decorationOf(value: object, kind: ObjectKind, prototype: object | null): Decoration {
	const isRow = kind === 'leaf' && hasIndexes(value);
	return {
		prototype: isNaturalPrototype(kind, prototype) ? undefined : prototype,
		properties: isRow ? none : extraProperties(value, kind),
		deletions: none,
		integrity: isRow ? 'extensible' : integrityOf(value),
	};
}

const none: readonly never[] = [];

/** Whether its properties are contents, all of them, as those of nearly all records are. */
function isSimpleRecord(value: object): boolean {
	for (const key of Reflect.ownKeys(value)) {
		const descriptor = Object.getOwnPropertyDescriptor(value, key);
		if (typeof key === 'symbol' || descriptor === undefined || !isPlain(descriptor)) {
			return false;
		}
	}

	return true;
}

/** All or none of the properties of a record, so that their order stays. */
function extraProperties(value: object, kind: ObjectKind): readonly Property[] {
	if (kind === 'record' && isSimpleRecord(value)) {
		return none;
	}

	const properties: Property[] = [];
	let isLastIndex = kind === 'array';
	for (const key of Reflect.ownKeys(value)) {
		const descriptor = Object.getOwnPropertyDescriptor(value, key);
		if (descriptor === undefined || isContent(kind, key, descriptor) || (key === 'callee' && types.isArgumentsObject(value))) {
			continue;
		}

		// Items come first, and those that are plain are written as items.
		isLastIndex &&= typeof key === 'string' && isIndex(key);
		if (isLastIndex && isPlain(descriptor)) {
			continue;
		}

		properties.push([key, descriptor]);
	}

	return properties;
}

const isIndex = (key: string): boolean => {
	const index = Number(key);
	return index < 4_294_967_295 && String(index) === key;
};
