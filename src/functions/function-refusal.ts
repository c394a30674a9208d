import type {FunctionPlace} from '../errors.js';

/** How a function is called in messages. */
export type FunctionLabel = {
	/** Null for an anonymous one. */
	readonly name: string | null;
	readonly shown: string;
};

/** Whatever the program did to `name`, no code of it runs. */
export function functionName(fn: object): string {
	const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
	return typeof name === 'string' ? name : '';
}

/** A function of which nothing but its name is known, and perhaps its module. */
export const namedPlace = (name: string | null, url: string | null = null): FunctionPlace => ({
	name: name === '' ? null : name, url, line: null, column: null,
});

/** Names a function, or shows the beginning of its text when it has no name. */
export function labelOf(fn: object, text: string): FunctionLabel {
	const name = functionName(fn);
	const excerpt = text.replaceAll(/\s+/gv, ' ');
	return name === ''
		? {name: null, shown: `The function \`${excerpt.length > 50 ? `${excerpt.slice(0, 50)}…` : excerpt}\``}
		: {name, shown: `The function \`${name.trim()}\``};
}

/** The way out that is open to every function. */
export const exportIt = 'Export the function from a module and call it through executor.module(url).';

/** Why a function cannot travel. The words continue the sentence that its label begins. */
export type Refusal = {readonly code: string; readonly words: string; readonly variable?: string};
