import {expectTypeOf} from 'expect-type';
import type {Future} from '#dist/future.js';
import {
	createModuleHandle, type ModuleClass, type ModuleHandle, type Submit,
} from '#dist/functions/module-handle.js';
import type * as Jobs from '../fixtures/functions/jobs.js';

declare const submit: Submit;
const handle = createModuleHandle<typeof Jobs>(new URL('jobs.js', import.meta.url), submit);
expectTypeOf(handle).toEqualTypeOf<ModuleHandle<typeof Jobs>>();

// Parameters as they are, results as futures, promises unwrapped
expectTypeOf(handle.price).toEqualTypeOf<(amount: number) => Future<number>>();
expectTypeOf(handle.asyncPrice).toEqualTypeOf<(amount: number) => Future<number>>();
expectTypeOf(handle.default).toEqualTypeOf<(...amounts: number[]) => Future<number>>();

// The last overload
expectTypeOf(handle.size).toEqualTypeOf<(value: readonly unknown[]) => Future<string>>();

// Functions, and classes as keys of reducers
expectTypeOf<keyof typeof handle>().toEqualTypeOf<'price' | 'asyncPrice' | 'default' | 'size' | 'inspect' | 'Basket'>();
expectTypeOf(handle.Basket).toEqualTypeOf<ModuleClass>();
expectTypeOf(handle).not.toHaveProperty('prize');

// @ts-expect-error: a wrong argument
void handle.price('3');
// @ts-expect-error: a missing argument
void handle.price();
// @ts-expect-error: a handle is read-only
handle.price = handle.asyncPrice;

// What submit infers from a function of a handle is the result, not the future
declare function submitTo<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;
expectTypeOf(submitTo(handle.price, 3)).toEqualTypeOf<Future<number>>();

// Names that would make a handle look like something else are left out
type Odd = {Class: new () => object; then(): number; toJSON(): number; toString(): string; inspect(): boolean};
expectTypeOf<keyof ModuleHandle<Odd>>().toEqualTypeOf<'inspect' | 'Class'>();
