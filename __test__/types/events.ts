import {expectTypeOf} from 'expect-type';
import type {
	ProcessPoolExecutor, BrokenProcessPool, ExecutorEventName, ExecutorStats, OutputEvent, RecycleEvent, TaskSettleEvent, TaskStartEvent, TerminatedWorkerError, WorkerExitEvent, WorkerInfo,
} from 'loky';

export function check(executor: ProcessPoolExecutor): void {
	expectTypeOf<ExecutorEventName>().toEqualTypeOf<'worker:start' | 'worker:exit' | 'task:start' | 'task:settle' | 'task:unhandled' | 'recycle' | 'output' | 'broken'>();
	expectTypeOf(executor.on('worker:start', ({pid, workerIndex}) => {
		expectTypeOf([pid, workerIndex]).toEqualTypeOf<number[]>();
	})).toEqualTypeOf<ProcessPoolExecutor>();
	executor.once('broken', ({error}) => {
		expectTypeOf(error).toEqualTypeOf<BrokenProcessPool>();
	}).off('task:settle', event => {
		expectTypeOf(event).toEqualTypeOf<TaskSettleEvent>();
	}).on('task:start', event => {
		expectTypeOf(event).toEqualTypeOf<TaskStartEvent>();
		expectTypeOf([event.task, event.pid, event.workerIndex, event.attempt, event.duration]).toEqualTypeOf<number[]>();
	});
	executor.on('recycle', event => {
		expectTypeOf(event).toEqualTypeOf<RecycleEvent>();
		expectTypeOf(event.reason).toEqualTypeOf<'maxTasks' | 'maxMemory'>();
		expectTypeOf(event.memory).toEqualTypeOf<number | null>();
	});
	executor.on('output', event => {
		expectTypeOf(event).toEqualTypeOf<OutputEvent>();
	});
	expectTypeOf<OutputEvent['stream']>().toEqualTypeOf<'stdout' | 'stderr'>();
	expectTypeOf<OutputEvent['task']>().toEqualTypeOf<number | null>();
	expectTypeOf<WorkerExitEvent['reason']>().toEqualTypeOf<TerminatedWorkerError['reason']>();
	expectTypeOf(executor.stats()).toEqualTypeOf<ExecutorStats>();
	expectTypeOf(executor.workers).toEqualTypeOf<readonly WorkerInfo[]>();
	// @ts-expect-error -- there is no such event
	executor.on('worker:stop', () => undefined);
	// @ts-expect-error -- a settled task is no worker
	executor.on('task:settle', (event: WorkerExitEvent) => event.pid);
}
