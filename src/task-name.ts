/**
 * What a task calls, in the words of a message.
 */
import {functionOrigin} from './functions/function-origin.js';
import {exportReferenceOf} from './functions/module-handle.js';

/** @returns `price of file:///app/jobs.js`, or `price (file:///app/main.js:12:3)`; empty for what has neither name nor place. */
export function taskName(fn: object): string {
	const reference = exportReferenceOf(fn);
	if (reference !== undefined) {
		return `${reference.name} of ${reference.url}`;
	}

	// As the function has it: a getter or a Proxy of the caller is not run for a message.
	const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
	const origin = functionOrigin(fn);
	const place = origin?.url === undefined || origin.url === null ? [] : [`(${origin.url}:${origin.line + 1}:${origin.column + 1})`];
	return [...typeof name === 'string' && name !== '' ? [name] : [], ...place].join(' ');
}
