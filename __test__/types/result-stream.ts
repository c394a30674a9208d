/* eslint-disable unicorn/prefer-top-level-await -- the types of the promises are what is tested */
import {expectTypeOf} from 'expect-type';
import type {ResultStream} from '#dist/result-stream.js';

declare const stream: ResultStream<number>;

expectTypeOf<Awaited<ResultStream<number>>>().toEqualTypeOf<number[]>();
expectTypeOf(stream).toExtend<AsyncIterable<number>>();
expectTypeOf(stream).toExtend<PromiseLike<number[]>>();
expectTypeOf(stream.then(results => results.length)).toEqualTypeOf<Promise<number>>();
expectTypeOf(stream.catch(() => undefined)).toEqualTypeOf<Promise<number[] | undefined>>();
expectTypeOf(stream.finally()).toEqualTypeOf<Promise<number[]>>();

for await (const result of stream) {
	expectTypeOf(result).toBeNumber();
}
