/**
 * Places in a text as V8 counts them.
 */

/** Where each line of a text begins. CRLF ends one line, and so do U+2028 and U+2029. */
export function lineStarts(text: string): readonly number[] {
	const starts = [0];
	const ends = /\r\n|[\n\r\u2028\u2029]/gv;
	while (ends.test(text)) {
		starts.push(ends.lastIndex);
	}

	return starts;
}

/**
 * Whether the text of a function stands around a place of a script: where its parameters begin, or, for an arrow function or a class,
 * where it begins or its constructor does.
 */
export function standsAt(functionText: string, script: {readonly text: string; readonly starts: readonly number[]}, line: number, column: number): boolean {
	const start = script.starts[line];
	if (start === undefined) {
		return false;
	}

	const place = start + column;
	return script.text.slice(Math.max(0, place - functionText.length + 1), place + functionText.length).includes(functionText);
}
