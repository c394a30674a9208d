/** What `executor.with` takes, and what the scope infers. */
import {expectTypeOf} from 'expect-type';
import type {
	Future, ModuleHandle, ProcessPoolExecutor, ResultStream, TaskOptions, TaskScope,
} from 'loky';

declare const executor: ProcessPoolExecutor;
declare const signal: AbortSignal;

const scope = executor.with({
	timeout: 1000, retries: 2, signal, priority: -1, retryIf(error, attempt) {
		expectTypeOf(error).toEqualTypeOf<unknown>();
		expectTypeOf(attempt).toEqualTypeOf<number>();
		return attempt < 2;
	},
});
expectTypeOf(scope).toEqualTypeOf<TaskScope>();

expectTypeOf(scope.submit(x => x * 2, 3)).toEqualTypeOf<Future<number>>();
expectTypeOf(scope.submit(async x => `${x}`, 3)).toEqualTypeOf<Future<string>>();
expectTypeOf(scope.map((a, b) => a + b, [1, 2], new Set([3]))).toEqualTypeOf<ResultStream<number>>();
expectTypeOf(scope.map(x => x + 1, [1, 2], {chunksize: 2})).toEqualTypeOf<ResultStream<number>>();
expectTypeOf(scope.module<{f(x: number): string}>('/jobs.js')).toEqualTypeOf<ModuleHandle<{f(x: number): string}>>();
expectTypeOf(scope.module<{f(x: number): string}>('/jobs.js').f).toEqualTypeOf<(x: number) => Future<string>>();

// Undefined is the default, also where a property is written out.
expectTypeOf<{timeout: undefined; retries: undefined; retryIf: undefined; signal: undefined; priority: undefined}>().toExtend<TaskOptions>();
expectTypeOf<{timeout: null}>().toExtend<TaskOptions>();

// @ts-expect-error -- an argument has another type
void scope.submit((a: number) => a, 'a');
// @ts-expect-error -- a priority is a number
executor.with({priority: 'high'});
// @ts-expect-error -- a misspelt option
executor.with({retry: 1});
// @ts-expect-error -- the answer is not a boolean
executor.with({retryIf: async () => true});
// @ts-expect-error -- there are no options
executor.with();
