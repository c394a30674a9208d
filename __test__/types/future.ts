/* eslint-disable unicorn/prefer-top-level-await -- the types of the promises are what is tested */
import {expectTypeOf} from 'expect-type';
import {Future} from '#dist/future.js';
import {
	asCompleted,
	FIRST_COMPLETED,
	wait,
} from '#dist/wait.js';

declare const number: Future<number>;
declare const text: Future<string>;

expectTypeOf<Awaited<Future<number>>>().toEqualTypeOf<number>();
expectTypeOf(number).toExtend<PromiseLike<number>>();
expectTypeOf(number).toExtend<Future<unknown>>();
expectTypeOf(number).not.toExtend<Future<string>>();

expectTypeOf(number.then()).toEqualTypeOf<Promise<number>>();
expectTypeOf(number.then(String)).toEqualTypeOf<Promise<string>>();
expectTypeOf(number.then(undefined, () => false)).toEqualTypeOf<Promise<number | boolean>>();
expectTypeOf(number.catch(() => 'x')).toEqualTypeOf<Promise<number | string>>();
void number.catch(error => {
	expectTypeOf(error).toBeUnknown();
});
expectTypeOf(number.finally()).toEqualTypeOf<Promise<number>>();

expectTypeOf(number.result()).toEqualTypeOf<Promise<number>>();
expectTypeOf(number.result({timeout: 5, signal: AbortSignal.timeout(5)})).toEqualTypeOf<Promise<number>>();
expectTypeOf(number.result({timeout: undefined, signal: undefined})).toEqualTypeOf<Promise<number>>();
expectTypeOf(number.exception({timeout: 5})).toEqualTypeOf<Promise<unknown>>();
// @ts-expect-error -- null is no timeout here
void number.result({timeout: null});
// @ts-expect-error -- a misspelt name
void number.result({timeuot: 5});

expectTypeOf(number.cancel()).toBeBoolean();
expectTypeOf(number.cancelled()).toBeBoolean();
expectTypeOf(number.running()).toBeBoolean();
expectTypeOf(number.done()).toBeBoolean();
number.addDoneCallback(future => {
	expectTypeOf(future).toEqualTypeOf<Future<number>>();
});

// @ts-expect-error -- only an executor creates one
const create = (): unknown => new Future<number>();
expectTypeOf(create).toBeFunction();

const {done, notDone} = await wait([number], {timeout: 5, returnWhen: FIRST_COMPLETED});
expectTypeOf(done).toEqualTypeOf<Set<Future<number>>>();
expectTypeOf(notDone).toEqualTypeOf<Set<Future<number>>>();
expectTypeOf(wait(new Set([number]), {returnWhen: 'ALL_COMPLETED'})).resolves.toHaveProperty('done');
// @ts-expect-error -- no such word
void wait([number], {returnWhen: 'SOMETIMES'});
// @ts-expect-error -- a promise is no future
void wait([Promise.resolve(1)]);

for await (const future of asCompleted([number], {timeout: 5})) {
	expectTypeOf(future).toEqualTypeOf<Future<number>>();
}

for await (const future of asCompleted([number, text])) {
	expectTypeOf(future).toEqualTypeOf<Future<number> | Future<string>>();
	expectTypeOf(await future).toEqualTypeOf<number | string>();
}

// @ts-expect-error -- not a list
asCompleted(number);
