import test from 'ava';
import {registerByValue} from 'loky';
import {count} from '../fixtures/functions/counter.js';
import {withExecutor} from '../helpers/with-executor.js';

test.serial('the functions of a module that is registered travel by value from then on', withExecutor({maxWorkers: 1}, async (t, executor) => {
	t.deepEqual([await executor.submit(count), await executor.submit(count)], [1, 2]);
	registerByValue(new URL('../fixtures/functions/counter.js', import.meta.url));
	t.deepEqual([await executor.submit(count), await executor.submit(count)], [1, 1]);
	t.is(count(), 1);
	t.is(await executor.submit(count), 2);
}));

test('what is neither a URL nor an absolute path is refused', t => {
	for (const wrong of ['./counter.js', 'counter', 7, null]) {
		t.throws(() => {
			registerByValue(wrong as string);
		}, {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	}
});
