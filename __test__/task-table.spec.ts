import {isDeepStrictEqual} from 'node:util';
import test from 'ava';
import * as fc from 'fast-check';
import {TaskTable} from '#dist/task-table.js';

test('it holds what a Map would hold, whatever comes in whatever order', t => {
	const step = fc.record({task: fc.integer({min: 1, max: 5000}), isAdded: fc.boolean()});
	const isSame = (steps: ReadonlyArray<{readonly task: number; readonly isAdded: boolean}>): boolean => {
		const table = new TaskTable<object>();
		const map = new Map<number, object>();
		return steps.every(({task, isAdded}) => {
			if (isAdded && !map.has(task)) {
				const value = {task};
				table.add(task, value);
				map.set(task, value);
				return table.get(task) === value && table.size === map.size;
			}

			const isTaken = table.take(task) === map.get(task);
			map.delete(task);
			return isTaken && table.get(task) === undefined && table.size === map.size;
		}) && isDeepStrictEqual(table.numbers(), [...map.keys()].toSorted((a, b) => a - b));
	};

	t.notThrows(() => {
		fc.assert(fc.property(fc.array(step, {maxLength: 300}), isSame));
	});
});

test('a task that stays for long does not keep the room of those that have gone', t => {
	const table = new TaskTable<object>();
	const before = process.memoryUsage().heapUsed;
	table.add(1, {});
	for (let task = 2; task < 1_000_000; task++) {
		table.add(task, table);
		table.take(task);
	}

	t.is(table.size, 1);
	t.deepEqual(table.numbers(), [1]);
	t.true(process.memoryUsage().heapUsed - before < 4_000_000);
});
