/**
 * The channels of `node:diagnostics_channel`, the same for all executors of the process. Node forgets a channel that nobody
 * holds, so they are held here.
 */
import {channel, tracingChannel, type Channel} from 'node:diagnostics_channel';
import type {ExecutorEventName} from './executor-events.js';
import type {SettledState} from './future.js';

/** One per event, with its `executorId`. */
export const eventChannels: Readonly<Record<ExecutorEventName, Channel>> = {
	'worker:start': channel('loky:worker:start'),
	'worker:exit': channel('loky:worker:exit'),
	'task:start': channel('loky:task:start'),
	'task:settle': channel('loky:task:settle'),
	'task:unhandled': channel('loky:task:unhandled'),
	recycle: channel('loky:recycle'),
	output: channel('loky:output'),
	broken: channel('loky:broken'),
};

/** What subscribers of the tracing channel get: the same object from start to end of one task. */
export interface TaskTrace {
	readonly executorId: number;
	readonly task: number;
	/** Null until the task is settled. */
	status: SettledState | null;
	result?: unknown;
	error?: unknown;
}

/** As for a promise: `start` and `end` around the submission, `asyncStart` and `asyncEnd` at the settlement, `error` before those. */
export const taskChannel = tracingChannel<TaskTrace>('loky:task');
