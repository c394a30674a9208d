/**
 * Which names mean the same in a fresh Node process as here.
 *
 * A name counts when Node defines it and this program has not replaced it since the package was imported. What was replaced earlier
 * than that cannot be told from the original.
 */

import process from 'node:process';

/** `own`: the program made it. `absent`: nobody declared it, neither here nor in a fresh process. */
export type GlobalState = 'pristine' | 'replaced' | 'own' | 'absent';

// Node's and the language's, newest versions included. `localStorage` and `sessionStorage` are left out: they hold state of a program.
const freshNames: ReadonlySet<string> = new Set(`
	Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp Error AggregateError
	EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError globalThis JSON Math Intl Temporal Iterator
	ArrayBuffer SharedArrayBuffer DataView Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float16Array Float32Array
	Float64Array Uint8ClampedArray BigUint64Array BigInt64Array Map BigInt Set WeakMap WeakSet WeakRef FinalizationRegistry Proxy Reflect
	DisposableStack AsyncDisposableStack Atomics WebAssembly decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval
	isFinite isNaN
	console process global Buffer clearImmediate clearInterval clearTimeout setImmediate setInterval setTimeout queueMicrotask
	structuredClone atob btoa fetch performance crypto navigator URL URLSearchParams URLPattern DOMException QuotaExceededError
	AbortController AbortSignal Event EventTarget CustomEvent ErrorEvent MessageEvent CloseEvent EventSource WebSocket TextEncoder
	TextDecoder TransformStream TransformStreamDefaultController WritableStream WritableStreamDefaultController WritableStreamDefaultWriter
	ReadableStream ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableByteStreamController
	ReadableStreamDefaultController ByteLengthQueuingStrategy CountQueuingStrategy TextEncoderStream TextDecoderStream CompressionStream
	DecompressionStream BroadcastChannel MessageChannel MessagePort Blob File FormData Headers Request Response Navigator Performance
	PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming Crypto
	CryptoKey SubtleCrypto
	constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf
`.split(/\s+/v).filter(Boolean));

// Descriptors, since reading some of the values loads half of Node. The global object inherits the names of Object.prototype.
const atImport = new Map(Object.entries({
	...Object.getOwnPropertyDescriptors(Object.prototype),
	...Object.getOwnPropertyDescriptors(globalThis),
}));

// Accessors that keep an assigned value to themselves: their descriptor does not tell that the value was replaced.
const originals: Readonly<Record<string, () => unknown>> = {
	process: () => process,
	Buffer: () => process.getBuiltinModule('node:buffer').Buffer,
	performance: () => process.getBuiltinModule('node:perf_hooks').performance,
};

/** The property of the global object, without reading it; undefined for a name that is none. */
export const currentGlobal = (name: string): PropertyDescriptor | undefined => currentDescriptor(name);

const currentDescriptor = (name: string): PropertyDescriptor | undefined =>
	Object.getOwnPropertyDescriptor(globalThis, name) ?? Object.getOwnPropertyDescriptor(Object.prototype, name);

/** What a name means as a global at this moment. Runs none of the program's code. */
export function globalState(name: string): GlobalState {
	const current = currentDescriptor(name);
	if (!freshNames.has(name)) {
		return current ? 'own' : 'absent';
	}

	const first = atImport.get(name);
	if (!current || !first) {
		return current === first ? 'absent' : 'replaced';
	}

	return isSame(name, first, current) ? 'pristine' : 'replaced';
}

const originalOf = (name: string): (() => unknown) | undefined => Object.hasOwn(originals, name) ? originals[name] : undefined;

function isSame(name: string, first: PropertyDescriptor, current: PropertyDescriptor): boolean {
	if (!first.get) {
		return !current.get && !current.set && Object.is(first.value, current.value);
	}

	if (current.get) {
		const original = originalOf(name);
		return current.get === first.get && (!original || current.get.call(globalThis) === original());
	}

	return isLoaded(name, first.get, current);
}

/** Node replaces its lazy accessors by their values when they are first read; so does a program that assigns to them. */
function isLoaded(name: string, getter: () => unknown, current: PropertyDescriptor): boolean {
	if (!current.configurable) {
		return false;
	}

	const value: unknown = getter.call(globalThis);
	// The accessor has just put its own value in place of the present one.
	Object.defineProperty(globalThis, name, current);
	if (value !== current.value) {
		return false;
	}

	atImport.set(name, current);
	return true;
}
