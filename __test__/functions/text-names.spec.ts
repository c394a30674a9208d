import test from 'ava';
import {planText} from '#dist/functions/plan-text.js';
import {freeNameCases} from '../fixtures/functions/free-name-cases.js';

const names = (text: string, isStrict = false): string => planText(text, {isStrict, isModule: false})?.variables
	.filter(({isOwnName}) => !isOwnName).map(({name}) => name).toSorted().join(' ') ?? 'no function';

for (const [text, expected] of freeNameCases) {
	test(`\`${text}\` takes ${expected === '' ? 'nothing' : expected} from outside`, t => {
		t.is(names(text), expected);
	});
}

test('a function in a block is a variable of the block only in strict code', t => {
	const text = '() => { { function q() {} } return q }';
	t.is(names(text, true), 'q');
	t.is(names(text), '');
});
