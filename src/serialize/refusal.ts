/** What cannot be copied into another process, by name, with a way out. */
import {types} from 'node:util';
import {
	SerializationError, type FunctionPlace, type PathStep, type SerializationSide,
} from '../errors.js';
import {globalState} from '../functions/pristine-globals.js';
import {untravelling} from '../untravelling.js';

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/v;

/** @returns `args[0].conn["a b"]` for `['args', 0, 'conn', 'a b']`; `the value` for none. */
export const pathText = (path: readonly PathStep[]): string => {
	const steps = path.length > 20 ? [...path.slice(0, 10), '…', ...path.slice(-10)] : path;
	const text = steps.map((step, index) => {
		if (typeof step === 'number') {
			return `[${step}]`;
		}

		return identifier.test(step) || step === '…' ? `${index === 0 ? '' : '.'}${step}` : `[${JSON.stringify(step)}]`;
	}).join('');
	return text === '' ? 'The value' : text;
};

const copyInstead = 'Pass the data that it holds, or make it inside the task';

const wayOut = (kind: string): string => {
	switch (kind) {
		case 'a function': {
			return 'Export it from a module and import it inside the task, or submit it as the task\'s function';
		}

		case 'a symbol': {
			return 'Pass a string instead';
		}

		case 'a Promise': {
			return 'Await it first and pass its result';
		}

		case 'a SharedArrayBuffer': {
			return 'Memory is shared between threads only, not between processes: pass a copy of what you need';
		}

		case 'a Future': {
			return 'Await it first and pass its result';
		}

		case 'a ResultStream': {
			return 'Await it first, or iterate over it, and pass the results';
		}

		case 'a ProcessPoolExecutor': {
			return 'Its workers belong to this process; make an executor inside the task';
		}

		case 'the namespace of a module': {
			return 'Import the module inside the function, or use its members by their names: nothing tells from where it was imported';
		}

		case 'a Proxy': {
			return 'Pass a plain copy of what it stands for';
		}

		default: {
			return copyInstead;
		}
	}
};

/** @returns the function and where it stands, for messages. */
const placeText = ({name, url, line, column}: FunctionPlace): string => {
	const function_ = name === null ? 'a function' : `the function ${name}`;
	return url === null ? function_ : `${function_}, ${url}${line === null ? '' : `:${line}:${column}`}`;
};

/** Where a value was found that cannot travel, and how the error is told apart. */
type RefusedPlace = {
	readonly path: readonly PathStep[];
	readonly side: SerializationSide;
	/** The function that it belongs to. */
	readonly holder: FunctionPlace | null;
	readonly code: string;
};

/** @returns the error for a value at `path` that cannot be copied; `kind` has its article. */
export const refusal = (kind: string, {path, side, holder, code}: RefusedPlace): SerializationError => {
	const text = pathText(path);
	const where = holder === null ? '' : ` (used by ${placeText(holder)})`;
	return new SerializationError(`${text}${where} is ${kind}, which cannot be copied to another process. ${wayOut(kind)}.`, {
		side, path, function: holder, code,
	});
};

/** A property that holds a value. Accessors are left alone: they are the program's code. */
const heldBy = (object: object, key: string): unknown => Object.getOwnPropertyDescriptor(object, key)?.value;

function nameOf(constructor: unknown): string {
	const name = typeof constructor === 'function' ? heldBy(constructor, 'name') : undefined;
	return typeof name === 'string' ? name : '';
}

function nearestConstructor(value: object): unknown {
	let ancestor: object | null = value;
	while (ancestor !== null && !Object.hasOwn(ancestor, 'constructor')) {
		ancestor = Object.getPrototypeOf(ancestor) as object | null;
	}

	return ancestor === null ? undefined : heldBy(ancestor, 'constructor');
}

// "a URL": the letter is spoken as "you".
const withArticle = (name: string): string => name === '' ? 'an instance of a nameless class of Node' : `${/^(?:[AEIOaeio]|U(?!RL|int))/v.test(name) ? 'an' : 'a'} ${name}`;

// Of a class that is not written in JavaScript, the instances' state is out of reach: copying their properties would
// silently lose it. The same goes for Node's own classes, which keep theirs in private fields.
const isBuiltIn = (constructor: unknown): boolean => {
	if (typeof constructor !== 'function') {
		return false;
	}

	if (toString.call(constructor).endsWith('{ [native code] }')) {
		return true;
	}

	const name = nameOf(constructor);
	return globalState(name) === 'pristine' && (globalThis as Record<string, unknown>)[name] === constructor;
};

const {toString} = Function.prototype;

const refusedPrototypes = new WeakMap<object, string | false>();

function builtInBehind(prototype: object): string | false {
	let ancestor: object | null = prototype;
	while (ancestor !== null && ancestor !== Object.prototype) {
		const constructor = heldBy(ancestor, 'constructor');
		const name = nameOf(constructor);
		if (isBuiltIn(constructor) && name !== 'Object' && name !== 'EventTarget') {
			return withArticle(name);
		}

		ancestor = Object.getPrototypeOf(ancestor) as object | null;
	}

	return false;
}

/** Whether reading from an object could run the handler of a Proxy that it inherits from. */
export function inheritsFromProxy(prototype: object | null): boolean {
	for (let ancestor = prototype; ancestor !== null; ancestor = Object.getPrototypeOf(ancestor) as object | null) {
		if (types.isProxy(ancestor)) {
			return true;
		}
	}

	return false;
}

/** @returns why an instance cannot be copied, as "a Promise", or false if its own properties say it all. */
export function unclonableKind(value: object, prototype: object): string | false {
	if (types.isProxy(value)) {
		return 'a Proxy';
	}

	if (types.isGeneratorObject(value)) {
		return 'a generator';
	}

	if (untravelling in value) {
		return String(value[untravelling]);
	}

	for (const mark of ['_handle', '_readableState', '_writableState']) {
		if (Object.hasOwn(value, mark)) {
			return `an instance of ${nameOf(nearestConstructor(value)) || 'a nameless class'} with a resource of this process`;
		}
	}

	let kind = refusedPrototypes.get(prototype);
	if (kind === undefined) {
		kind = builtInBehind(prototype);
		refusedPrototypes.set(prototype, kind);
	}

	return kind;
}
