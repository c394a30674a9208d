/**
 * What a task throws arrives here as it was thrown: with its fields, its cause, and the worker's own stack.
 */
import assert from 'node:assert/strict';
import {ProcessPoolExecutor, SerializationError} from 'loky';

const executor = new ProcessPoolExecutor({maxWorkers: 1});
const jobs = executor.module(new URL('jobs.js', import.meta.url));

// It has its own class, which this process imports from the same module.
const error = await jobs.order('pears').exception();
assert.ok(error instanceof Error);
assert.equal(error.name, 'OutOfStockError');
assert.equal(error.code, 'ERR_OUT_OF_STOCK');
assert.equal(error.article, 'pears');
assert.ok(error.cause instanceof SyntaxError);
assert.match(error.remoteStack, /at order .*jobs\.js/v);
console.log(`${error.name}: ${error.message}; because of a ${error.cause.name}`);

// What is thrown need not be an error.
await assert.rejects(executor.submit(() => {
	throw {reason: 'teapot', status: 418}; // eslint-disable-line no-throw-literal -- allowed by the language
}), {reason: 'teapot', status: 418});

// What cannot travel is an error of its own class, and says on which side.
const refused = await executor.submit(value => value, {answer: Promise.resolve(42)}).exception();
assert.ok(refused instanceof SerializationError);
assert.equal(refused.side, 'submit');
const unreturned = await executor.submit(() => ({answer: new WeakMap()})).exception();
assert.ok(unreturned instanceof SerializationError);
assert.equal(unreturned.side, 'result');
console.log(`A value that cannot travel: ${unreturned.name} on the side '${unreturned.side}'`);

// The worker has survived all that.
assert.equal(await executor.submit(() => 'still here'), 'still here');
await executor.shutdown();
