/**
 * The functions of a module, called as if they were here: each worker imports the module itself, once.
 */
import assert from 'node:assert/strict';
import {ProcessPoolExecutor} from 'loky';
import {hashOf} from './jobs.js';

const executor = new ProcessPoolExecutor({maxWorkers: 2});

/** @type {import('loky').ModuleHandle<typeof import('./jobs.js')>} */
const jobs = executor.module(new URL('jobs.js', import.meta.url));

const names = ['loky', 'node', 'worker'];
const nonces = await Promise.all(names.map(name => jobs.findNonce(name, '000')));
for (const [index, name] of names.entries()) {
	assert.ok(hashOf(`${name}${nonces[index]}`).startsWith('000'));
	console.log(`${name}${nonces[index]} has a hash that begins with 000`);
}

// A function of a handle can also be given to submit and map.
const hashes = await executor.map(jobs.hashOf, names);
assert.deepEqual(hashes, names.map(name => hashOf(name)));

assert.equal(await jobs.importCount(), 1);
console.log('The workers have imported the module once each');
await executor.shutdown();
