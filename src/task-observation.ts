/**
 * What is noted of tasks: counts always, times and traces only where somebody wants them.
 */
import {performance} from 'node:perf_hooks';
import {taskChannel, type TaskTrace} from './diagnostics.js';
import type {EventListeners, TaskStartEvent} from './executor-events.js';
import {
	futureError, futureState, futureValue, type Future, type SettledState,
} from './future.js';

/** From the submission of one task to its settlement. */
export interface TaskObservation {
	readonly submittedAt: number;
	/** Whether the worker says when it begins. */
	readonly isStartTold: boolean;
	readonly trace: TaskTrace | null;
}

/** The tasks of one pool. */
export class TaskObserver {
	/** How many were settled so. */
	readonly counts: Record<SettledState, number> = {fulfilled: 0, rejected: 0, cancelled: 0};
	readonly #events: EventListeners;

	constructor(events: EventListeners) {
		this.#events = events;
	}

	/** Whether somebody wants to know more than counts. */
	get isListening(): boolean {
		return taskChannel.hasSubscribers || this.#events.isHeard('task:settle') || this.#events.isHeard('task:start');
	}

	/** Null where nobody wants to know more than counts. */
	submitted(task: number): TaskObservation | null {
		if (!this.isListening) {
			return null;
		}

		const isTraced = taskChannel.hasSubscribers;
		const trace: TaskTrace | null = isTraced ? {executorId: this.#events.executorId, task, status: null} : null;
		if (trace !== null) {
			taskChannel.start.publish(trace);
			taskChannel.end.publish(trace);
		}

		return {submittedAt: performance.now(), isStartTold: this.#events.isHeard('task:start'), trace};
	}

	/** Called when its worker has said that it begins. */
	started(observation: TaskObservation, start: Omit<TaskStartEvent, 'duration'>): void {
		this.#events.tell('task:start', () => ({...start, duration: performance.now() - observation.submittedAt}));
	}

	/** Called once the future is settled. */
	settled(task: number, future: Future<unknown>, observation: TaskObservation | null): void {
		const status = futureState(future);
		if (status === 'pending') {
			return;
		}

		this.counts[status]++;
		if (observation !== null && observation.trace !== null) {
			endTrace(observation.trace, status, future);
		}

		if (this.#events.isHeard('task:settle')) {
			const duration = observation === null ? null : performance.now() - observation.submittedAt;
			this.#events.tell('task:settle', () => ({task, status, duration}));
		}
	}
}

function endTrace(trace: TaskTrace, status: SettledState, future: Future<unknown>): void {
	trace.status = status;
	if (status === 'fulfilled') {
		trace.result = futureValue(future);
	} else {
		trace.error = futureError(future);
		taskChannel.error.publish(trace);
	}

	taskChannel.asyncStart.publish(trace);
	taskChannel.asyncEnd.publish(trace);
}
