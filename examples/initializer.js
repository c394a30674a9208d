/**
 * What every worker does before its first task, also one that takes the place of a dead one; and its environment.
 */
import assert from 'node:assert/strict';
import {ProcessPoolExecutor} from 'loky';

const executor = new ProcessPoolExecutor({
	maxWorkers: 2,
	// Changes to our own environment, for the workers alone; null unsets.
	env: {TZ: 'Asia/Tokyo', NODE_OPTIONS: null},
	initializer(currency, rates) {
		globalThis.exchange = {currency, rates};
	},
	initargs: ['EUR', {CHF: 0.5, GBP: 2}],
});

const convert = (amount, from) => `${amount * globalThis.exchange.rates[from]} ${globalThis.exchange.currency}`;
const amounts = await executor.map(convert, [10, 20], ['CHF', 'GBP']);
assert.deepEqual(amounts, ['5 EUR', '40 EUR']);
assert.equal(globalThis.exchange, undefined);
console.log('Converted by what the initializer left:', amounts.join(', '));

await executor.submit(() => process.exit(1)).exception();
assert.equal(await executor.submit(convert, 30, 'GBP'), '60 EUR');
console.log('The worker that came after a dead one was initialized as well');

const hour = await executor.submit(() => new Date('2024-01-01T00:00:00Z').getHours());
assert.equal(hour, 9);
assert.notEqual(process.env.TZ, 'Asia/Tokyo');
console.log(`Midnight in London is ${hour} o'clock in the workers`);
await executor.shutdown();
