import {expectTypeOf} from 'expect-type';
import {
	ProcessPoolExecutor, prepare, registerByValue, setLokyPickler, wrapNonPicklableObjects, type Reducer, type Reducers, type WrapOptions,
} from 'loky';

expectTypeOf(setLokyPickler).toBeCallableWith('v8');
expectTypeOf(setLokyPickler).toBeCallableWith(new URL('file:///pickler.js'));
expectTypeOf(setLokyPickler).toBeCallableWith(null);
expectTypeOf(setLokyPickler).returns.toEqualTypeOf<void>();
expectTypeOf(registerByValue).parameter(0).toEqualTypeOf<URL | string>();
expectTypeOf<WrapOptions>().toEqualTypeOf<{readonly keepWrapper?: boolean | undefined}>();

const half = (x: number): string => String(x / 2);
expectTypeOf(prepare(half)).toEqualTypeOf<typeof half>();
expectTypeOf(wrapNonPicklableObjects(half)).toEqualTypeOf<typeof half>();
expectTypeOf(wrapNonPicklableObjects(new Date(), {keepWrapper: false})).toEqualTypeOf<Date>();
expectTypeOf<Parameters<typeof wrapNonPicklableObjects>[0]>().toEqualTypeOf<object>();

expectTypeOf<(date: Date) => [(time: number) => Date, [number]]>().toExtend<Reducer>();
expectTypeOf(new Map([[Date, (date: Date) => [(time: number) => new Date(time), [date.getTime()]] as const]])).toExtend<Reducers>();
const executor = new ProcessPoolExecutor();
expectTypeOf(executor.submit(wrapNonPicklableObjects(half), 1).result()).resolves.toEqualTypeOf<string>();
