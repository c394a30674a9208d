/**
 * What an executor tells while it runs, to its listeners and to `node:diagnostics_channel`.
 */
import {AsyncResource} from 'node:async_hooks';
import process from 'node:process';
import {types} from 'node:util';
import {eventChannels} from './diagnostics.js';
import {
	argumentRangeError, argumentTypeError, type BrokenProcessPool, type WorkerTermination,
} from './errors.js';
import type {SettledState} from './future.js';
import {describeFailure} from './unobserved-failures.js';

/** A worker is ready for tasks. */
export interface WorkerStartEvent {
	readonly pid: number;
	readonly workerIndex: number;
}

/** A worker's process is gone. `duration` is its life in ms; the reason of one that was asked to leave is `shutdown`. */
export type WorkerExitEvent = Omit<WorkerTermination, 'attempt'>;

/** A worker was replaced between two tasks. Its replacement is ready, and it is about to leave. */
export interface RecycleEvent {
	readonly pid: number;
	readonly workerIndex: number;
	/** Which option has asked for it. */
	readonly reason: 'maxTasks' | 'maxMemory';
	/** Its resident memory in bytes; null where the system does not tell. */
	readonly memory: number | null;
	/** How many tasks it has finished. */
	readonly tasksDone: number;
}

/** A worker begins with a task: from here on it cannot be cancelled, and its timeout runs. */
export interface TaskStartEvent {
	/** Counts the tasks of the executor, from 1. */
	readonly task: number;
	readonly pid: number;
	readonly workerIndex: number;
	/** 1 for the first; one more for each retry, and for each worker that died before it could start the task. */
	readonly attempt: number;
	/** From the submission, in ms, up to when this process hears of it. */
	readonly duration: number;
}

/** A task has its result, or will have none. */
export interface TaskSettleEvent {
	/** Counts the tasks of the executor, from 1. */
	readonly task: number;
	readonly status: SettledState;
	/** From the submission, in ms; null if nobody listened then. */
	readonly duration: number | null;
}

/** A worker has printed a line. Told only with the option `output: 'pipe'`. */
export interface OutputEvent {
	readonly stream: 'stdout' | 'stderr';
	/** With its line feed. Without one: a piece of a line of more than 64 KiB, or a last line that nothing has ended. */
	readonly text: string;
	readonly workerIndex: number;
	readonly pid: number;
	/** The task that has printed it, where that is known. */
	readonly task: number | null;
}

/** Nobody handled an error in a worker: a rejection without a handler, or what a timer threw. The worker leaves. */
export interface TaskUnhandledEvent {
	/** The task that has left it, settled or not; null where that is not known. */
	readonly task: number | null;
	readonly error: unknown;
	readonly pid: number;
	readonly workerIndex: number;
}

/** The executor is broken for good. */
export interface BrokenEvent {
	readonly error: BrokenProcessPool;
}

/** What a listener for each event is called with. */
export interface ExecutorEvents {
	readonly 'worker:start': WorkerStartEvent;
	readonly 'worker:exit': WorkerExitEvent;
	readonly 'task:start': TaskStartEvent;
	readonly 'task:settle': TaskSettleEvent;
	readonly 'task:unhandled': TaskUnhandledEvent;
	readonly recycle: RecycleEvent;
	readonly output: OutputEvent;
	readonly broken: BrokenEvent;
}

export type ExecutorEventName = keyof ExecutorEvents;
export type ExecutorListener<Name extends ExecutorEventName> = (event: ExecutorEvents[Name]) => void;

interface Registration {
	readonly listener: (event: never) => void;
	readonly context: AsyncResource;
	readonly isOnce: boolean;
}

const names = Object.keys(eventChannels) as ExecutorEventName[];

function warn(name: ExecutorEventName, error: unknown): void {
	process.emitWarning(`A listener for the event ${name} of an executor threw. The executor and its other listeners are not affected.`, {
		type: 'EventListenerWarning',
		code: 'LOKY_EVENT_LISTENER',
		detail: describeFailure(error),
	});
}

function call(name: ExecutorEventName, {listener, context}: Registration, event: unknown): void {
	try {
		const result: unknown = context.runInAsyncScope(listener as (event: unknown) => unknown, undefined, event);
		if (types.isPromise(result)) {
			// An asynchronous listener that fails is no reason to end the program either.
			result.then(undefined, (error: unknown) => {
				warn(name, error);
			});
		}
	} catch (error) {
		warn(name, error);
	}
}

/** The listeners of one executor. Holds the pool's half only, never the executor. */
export class EventListeners {
	readonly executorId: number;
	/** Replaced whenever they change, so that a listener may add and remove listeners. */
	readonly #registrations = new Map<ExecutorEventName, readonly Registration[]>();

	constructor(executorId: number) {
		this.executorId = executorId;
	}

	add<Name extends ExecutorEventName>(name: Name, listener: ExecutorListener<Name>, isOnce: boolean): void {
		checkListener(name, listener);
		const registration = {listener, context: new AsyncResource('LokyEventListener'), isOnce};
		this.#registrations.set(name, [...this.#of(name), registration]);
	}

	/** Takes back the last registration of that listener, if there is one. */
	remove<Name extends ExecutorEventName>(name: Name, listener: ExecutorListener<Name>): void {
		checkListener(name, listener);
		this.#remove(name, this.#of(name).findLast(registration => registration.listener === listener));
	}

	/** Whether it makes sense to find out what to tell. */
	isHeard(name: ExecutorEventName): boolean {
		return this.#registrations.has(name) || eventChannels[name].hasSubscribers;
	}

	/** Whatever listeners do, this returns. */
	tell<Name extends ExecutorEventName>(name: Name, describe: () => ExecutorEvents[Name]): void {
		if (!this.isHeard(name)) {
			return;
		}

		const event = describe();
		for (const registration of this.#of(name)) {
			if (registration.isOnce) {
				this.#remove(name, registration);
			}

			call(name, registration, event);
		}

		if (eventChannels[name].hasSubscribers) {
			eventChannels[name].publish({executorId: this.executorId, ...event});
		}
	}

	#of(name: ExecutorEventName): readonly Registration[] {
		return this.#registrations.get(name) ?? [];
	}

	#remove(name: ExecutorEventName, removed: Registration | undefined): void {
		const left = this.#of(name).filter(registration => registration !== removed);
		if (left.length > 0) {
			this.#registrations.set(name, left);
		} else {
			this.#registrations.delete(name);
		}
	}
}

function checkListener(name: unknown, listener: unknown): void {
	if (!(names as unknown[]).includes(name)) {
		throw argumentRangeError('event', `one of ${names.join(', ')}`, name);
	}

	if (typeof listener !== 'function') {
		throw argumentTypeError('listener', 'a function', listener);
	}
}
