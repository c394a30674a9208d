import {inspect} from 'node:util';
import {argumentTypeError} from './errors.js';
import type {AnyFunction} from './function-registry.js';
import type {Future} from './future.js';
import {createModuleHandle, type ModuleHandle} from './functions/module-handle.js';
import type {InputsOf} from './map-arguments.js';
import type {MapOptions} from './options.js';
import type {ResultStream} from './result-stream.js';
import {untravelling} from './untravelling.js';

/** Who runs the tasks of a scope, under its limits. */
export interface TaskRunner {
	submit(fn: AnyFunction, args: readonly unknown[]): Future<unknown>;
	mapOver(fn: AnyFunction, inputsAndOptions: readonly unknown[]): ResultStream<unknown>;
}

/**
 * An executor with limits for each task: `executor.with(options)` makes one. It may be kept and used again; the workers are those of the
 * executor.
 *
 * @example
 * await executor.with({timeout: 1000, retries: 2}).submit(n => n * 2, 21); // 42
 */
export class TaskScope {
	/** @internal */
	get [untravelling](): string {
		return 'a TaskScope';
	}

	readonly #runner: TaskRunner;

	/** Only `executor.with` makes one. */
	constructor(runner: TaskRunner) {
		this.#runner = runner;
	}

	/** As the executor's `submit`, under the limits of this scope. @throws {TypeError} `fn` is not a function. */
	submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
		checkFunction(fn);
		return this.#runner.submit(fn, args) as Future<Awaited<R>>;
	}

	/**
	 * As the executor's `map`, under the limits of this scope, which concern the chunks: `timeout` is multiplied by the items of a chunk, and a
	 * chunk is tried again as a whole.
	 *
	 * @throws {TypeError} `fn` is not a function, an input is not iterable, or an option is wrong.
	 */
	map<A extends unknown[], R>(fn: (...args: A) => R, ...inputs: InputsOf<A>): ResultStream<Awaited<R>>;
	map<A extends unknown[], R>(fn: (...args: A) => R, ...inputsAndOptions: [...InputsOf<A>, MapOptions]): ResultStream<Awaited<R>>;
	map<R>(fn: AnyFunction, ...inputsAndOptions: unknown[]): ResultStream<Awaited<R>> {
		checkFunction(fn);
		return this.#runner.mapOver(fn, inputsAndOptions) as ResultStream<Awaited<R>>;
	}

	/** As the executor's `module`; calls of the handle's functions are under the limits of this scope. @throws {TypeError} The URL is not absolute. */
	module<M>(url: URL | string): ModuleHandle<M> {
		return createModuleHandle<M>(url, (fn, args) => this.#runner.submit(fn, args));
	}

	[inspect.custom](): string {
		return 'TaskScope {}';
	}
}

export function checkFunction(fn: unknown): asserts fn is AnyFunction {
	if (typeof fn !== 'function') {
		throw argumentTypeError('fn', 'a function', fn);
	}
}
