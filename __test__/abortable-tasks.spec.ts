import {getEventListeners} from 'node:events';
import test from 'ava';
import {AbortableTasks} from '#dist/abortable-tasks.js';

function create(): {readonly tasks: AbortableTasks; readonly aborted: Array<readonly [tasks: readonly number[], reason: unknown]>} {
	const aborted: Array<readonly [readonly number[], unknown]> = [];
	return {
		tasks: new AbortableTasks((tasks, reason) => {
			aborted.push([tasks, reason]);
		}),
		aborted,
	};
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('all tasks of a signal are aborted together, with its reason, once', t => {
	const {tasks, aborted} = create();
	const controller = new AbortController();
	const other = new AbortController();
	tasks.add(1, controller.signal);
	tasks.add(2, other.signal);
	tasks.add(3, controller.signal);
	t.is(listeners(controller.signal), 1);
	controller.abort('enough');
	controller.abort('again');
	t.deepEqual(aborted, [[[1, 3], 'enough']]);
	other.abort('too');
	t.deepEqual(aborted.at(-1), [[2], 'too']);
});

test('a task that has settled is not aborted, and the last one takes the listener away', t => {
	const {tasks, aborted} = create();
	const controller = new AbortController();
	tasks.add(1, controller.signal);
	tasks.add(2, controller.signal);
	tasks.delete(1, controller.signal);
	tasks.delete(1, controller.signal);
	t.is(listeners(controller.signal), 1);
	tasks.delete(2, controller.signal);
	t.is(listeners(controller.signal), 0);
	controller.abort();
	t.deepEqual(aborted, []);
});

test('a signal whose tasks have all settled serves the next ones', t => {
	const {tasks, aborted} = create();
	const controller = new AbortController();
	tasks.add(1, controller.signal);
	tasks.delete(1, controller.signal);
	tasks.add(2, controller.signal);
	controller.abort(0);
	t.deepEqual(aborted, [[[2], 0]]);
	t.is(listeners(controller.signal), 0);
});

test('tasks that settle because of the abort find nothing left, and unknown ones are none', t => {
	const controller = new AbortController();
	const aborted: number[] = [];
	const tasks: AbortableTasks = new AbortableTasks(numbers => {
		for (const task of numbers) {
			aborted.push(task);
			tasks.delete(task, controller.signal);
		}
	});
	tasks.delete(9, controller.signal);
	tasks.add(1, controller.signal);
	tasks.add(2, controller.signal);
	controller.abort();
	t.deepEqual(aborted, [1, 2]);
});
