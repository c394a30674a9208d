import {expectTypeOf} from 'expect-type';
import type {ExecutorOptions, ExecutorSettings, MapOptions} from '#dist/options.js';

expectTypeOf<{maxWorkers: 2; timeout: null; env: {A: string; B: null; C: undefined}}>().toExtend<ExecutorOptions>();
expectTypeOf<{initializer: (path: string, mode: number) => Promise<void>; initargs: readonly [string, number]}>().toExtend<ExecutorOptions>();
expectTypeOf<{timeout: undefined; onWorkerDeath: undefined}>().toExtend<ExecutorOptions>();
expectTypeOf<{maxTasksPerWorker: 50}>().toExtend<ExecutorOptions>();
expectTypeOf<{maxTasksPerWorker: null}>().not.toExtend<ExecutorOptions>();
expectTypeOf<{maxMemory: 1e9}>().toExtend<ExecutorOptions>();
expectTypeOf<{maxMemory: {soft: 1e9; hard: undefined}}>().toExtend<ExecutorOptions>();
expectTypeOf<{maxMemory: {hard: '1 GB'}}>().not.toExtend<ExecutorOptions>();
expectTypeOf<{killDescendants: false}>().toExtend<ExecutorOptions>();
expectTypeOf<{killDescendants: 'group'}>().not.toExtend<ExecutorOptions>();
expectTypeOf<{maxWorkers: null}>().not.toExtend<ExecutorOptions>();
expectTypeOf<{onWorkerDeath: 'ignore'}>().not.toExtend<ExecutorOptions>();
expectTypeOf<{context: 'loky_init_main'}>().toExtend<ExecutorOptions>();
expectTypeOf<{output: 'inherit'} | {output: 'ignore'} | {output: 'tagged'} | {output: 'pipe'} | {output: undefined}>().toExtend<ExecutorOptions>();
expectTypeOf<{output: 'inherited'}>().not.toExtend<ExecutorOptions>();
expectTypeOf<{output: null}>().not.toExtend<ExecutorOptions>();
expectTypeOf<{context: 'spawn'}>().not.toExtend<ExecutorOptions>();
expectTypeOf<{env: {A: number}}>().not.toExtend<ExecutorOptions>();

expectTypeOf<ExecutorSettings>().toEqualTypeOf<Required<ExecutorSettings>>();
expectTypeOf<{timeout: null; chunksize: 10}>().toExtend<MapOptions>();
expectTypeOf<{chunksize: '10'}>().not.toExtend<MapOptions>();
