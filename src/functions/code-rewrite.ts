/** A piece of a script with some parts of it replaced. */

export interface Edit {
	readonly start: number;
	readonly end: number;
	readonly text: string;
	/** For what closes a bracket: where that was opened. Inner ones close first. */
	readonly opened?: number;
}

/** The ends of lines in a text: what replaces it keeps them, so that whatever follows stays in its line. */
export const lineEnds = (text: string): string => text.replaceAll(/[^\n\r\u2028\u2029]/gv, '');

/** Nothing, in as many lines and columns. In a class, the semicolon ends a field that stands before it without one. */
export const blank = (text: string): string => `;${text.slice(1).replaceAll(/[^\n\r\u2028\u2029]/gv, ' ')}`;

/** The text from one place to another, with the edits in it made. Edits of the same place are made once. */
export function rewritten(source: string, start: number, end: number, edits: readonly Edit[]): string {
	const parts: string[] = [];
	let position = start;
	for (const edit of edits.toSorted((a, b) => a.start - b.start || (b.opened ?? 0) - (a.opened ?? 0))) {
		if (edit.start >= position && edit.end <= end) {
			parts.push(source.slice(position, edit.start), edit.text);
			position = edit.end;
		}
	}

	parts.push(source.slice(position, end));
	return parts.join('');
}

const words = ['ns', 'c_', 'identity', 'importMeta', 'superclass', 'key', 'static_'];

/** What the names of parameters begin with, so that none of them occurs in the text. */
export function freePrefix(text: string, names: Iterable<string>): string {
	const taken = [text, ...names].join('\n');
	let prefix = '$';
	while (words.some(word => taken.includes(prefix + word))) { // eslint-disable-line @typescript-eslint/no-loop-func
		prefix += '$';
	}

	return prefix;
}
