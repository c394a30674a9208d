/** What `submit` and `map` infer of functions that capture variables. */
import {expectTypeOf} from 'expect-type';
import type {Future, ProcessPoolExecutor, ResultStream} from 'loky';

declare const executor: ProcessPoolExecutor;
declare const factor: number;

class Point {
	readonly x: number;
	readonly #unit: string = 'm';

	constructor(x: number) {
		this.x = x;
	}

	show(): string {
		return `${this.x} ${this.#unit}`;
	}
}

// The parameter is inferred from the argument that comes after the function.
expectTypeOf(executor.submit(x => x * factor, 3)).toEqualTypeOf<Future<number>>();
expectTypeOf(executor.submit(async x => `${x}`, 3)).toEqualTypeOf<Future<string>>();
expectTypeOf(executor.submit(() => factor)).toEqualTypeOf<Future<number>>();
expectTypeOf(executor.submit((a, b) => [a, b] as const, 1, 'b')).toEqualTypeOf<Future<readonly [number, string]>>();

// Functions, classes and instances travel, so they are what the types say.
expectTypeOf(executor.submit((fn: (x: number) => number) => fn(1), (x: number) => x + factor)).toEqualTypeOf<Future<number>>();
expectTypeOf(executor.submit(() => new Point(1))).toEqualTypeOf<Future<Point>>();
expectTypeOf(executor.submit((point: Point) => point.show(), new Point(1))).toEqualTypeOf<Future<string>>();
expectTypeOf(executor.submit(PointClass => new PointClass(1).show(), Point)).toEqualTypeOf<Future<string>>();
expectTypeOf(executor.submit((base: number) => (x: number) => x + base, 1)).toEqualTypeOf<Future<(x: number) => number>>();
expectTypeOf(executor.map(x => x + factor, [1, 2])).toEqualTypeOf<ResultStream<number>>();

// @ts-expect-error -- an argument is missing
void executor.submit((a: number, b: number) => a + b, 1);
// @ts-expect-error -- an argument has another type
void executor.submit((a: number) => a, 'a');
// @ts-expect-error -- there is one argument too many
void executor.submit((a: number) => a, 1, 2);
