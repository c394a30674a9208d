import test from 'ava';
import {runShippingProgram} from '../helpers/shipping-cases.js';

test('a worker that imports the program again by way of a module starts no workers of its own', async t => {
	const {stderr} = await runShippingProgram('cycle-main.js');
	// Once in the worker, where its own submit is refused, and once in the program.
	t.deepEqual(stderr.trim().split('\n').map(line => line.trim()), ['RAN ERR_BROKEN_PROCESS_POOL', 'RAN nothing']);
});
