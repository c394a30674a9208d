import test from 'ava';
import {RetainedFunctions} from '#dist/retained-functions.js';

function create(): {readonly functions: RetainedFunctions; readonly released: number[]} {
	const released: number[] = [];
	return {
		functions: new RetainedFunctions(id => {
			released.push(id);
		}),
		released,
	};
}

test('a function that nobody retains is released at once', t => {
	const {functions, released} = create();
	functions.release(7);
	t.deepEqual(released, [7]);
});

test('a function that tasks retain is released when the last of them lets it go, once', t => {
	const {functions, released} = create();
	functions.retain(7);
	functions.retain(7);
	functions.release(7);
	functions.letGo(7);
	t.deepEqual(released, []);
	functions.letGo(7);
	t.deepEqual(released, [7]);
});

test('a function that is let go and not released stays', t => {
	const {functions, released} = create();
	functions.retain(7);
	functions.letGo(7);
	t.deepEqual(released, []);
	functions.retain(7);
	functions.release(7);
	t.deepEqual(released, []);
	functions.letGo(7);
	t.deepEqual(released, [7]);
});

test('functions do not concern each other', t => {
	const {functions, released} = create();
	functions.retain(1);
	functions.retain(2);
	functions.release(1);
	functions.release(2);
	functions.release(3);
	functions.letGo(2);
	t.deepEqual(released, [3, 2]);
});
