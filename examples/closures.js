/**
 * A function takes along what it uses: variables, imports, other functions and classes. Its result keeps its class.
 */
import assert from 'node:assert/strict';
import {ProcessPoolExecutor} from 'loky';
import {hashOf} from './jobs.js';

const executor = new ProcessPoolExecutor({maxWorkers: 2});

class Receipt {
	constructor(text, hash) {
		this.text = text;
		this.hash = hash;
	}

	isValid() {
		return hashOf(this.text) === this.hash;
	}
}

const shop = 'corner shop';
let number = 0;

// Uses a constant, a variable that changes, an import, and a class of this file.
const receiptFor = article => {
	number++;
	const text = `${shop} no. ${number}: ${article}`;
	return new Receipt(text, hashOf(text));
};

const receipt = await executor.submit(receiptFor, 'pears');
assert.ok(receipt instanceof Receipt);
assert.ok(receipt.isValid());
console.log(`A receipt from a worker: ${receipt.text}`);

// Each task begins with the variables as they were when it was submitted, and what it changes is its own.
assert.equal(number, 0);
number = 41;
const later = await executor.submit(receiptFor, 'plums');
assert.equal(later.text, 'corner shop no. 42: plums');

// A map takes one such snapshot for all its items.
const receipts = await executor.map(receiptFor, ['figs', 'dates']);
assert.deepEqual(receipts.map(({text}) => text), ['corner shop no. 42: figs', 'corner shop no. 42: dates']);
console.log('Every task has counted from the same number');

// What cannot travel is refused, with the way to it.
const pending = {answer: Promise.resolve(42)};
const error = await executor.submit(() => pending.answer).exception();
assert.equal(error.code, 'ERR_CAPTURE_UNSUPPORTED');
console.log(`Refused: ${error.path.join('.')} in line ${error.function.line}`);

await executor.shutdown();
