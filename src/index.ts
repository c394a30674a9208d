export {ProcessPoolExecutor} from './executor.js';
export type {
	BrokenEvent, ExecutorEventName, ExecutorEvents, ExecutorListener, OutputEvent, RecycleEvent, TaskSettleEvent, TaskStartEvent, TaskUnhandledEvent,
	WorkerExitEvent, WorkerStartEvent,
} from './executor-events.js';
export type {ExecutorStats, WorkerInfo} from './stats.js';
export type {TaskTrace} from './diagnostics.js';
export type {RetryPredicate, TaskOptions} from './task-options.js';
export type {TaskScope} from './task-scope.js';
export type {
	ExecutorOptions, MemoryLimits, MapOptions, ShutdownOptions,
} from './options.js';
export {Future} from './future.js';
export type {
	CompletedFutures, ReturnWhen, WaitForOptions, WaitResult, AsCompletedOptions,
} from './wait.js';
export type {ResultStream} from './result-stream.js';
export {setLokyPickler} from './pickler.js';
export {wrapNonPicklableObjects, type WrapOptions} from './serialize/wrapped.js';
export {prepare} from './functions/prepare.js';
export {registerByValue} from './functions/reference-rules.js';
export type {Class, Reducer, Reducers} from './serialize/reducers.js';
export type {ModuleClass, ModuleHandle} from './functions/module-handle.js';
export {
	wait, asCompleted, FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED,
} from './wait.js';
export {
	BrokenProcessPool,
	CancelledError,
	LokyRecursionError,
	RemoteError,
	SerializationError,
	ShutdownExecutorError,
	TaskTimeoutError,
	TerminatedWorkerError,
	TimeoutError,
} from './errors.js';
export {cpuCount} from './cpu-count.js';
export {version} from './version.js';
