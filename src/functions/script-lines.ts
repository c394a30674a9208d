/** A place in a text, counted from 0 in lines and UTF-16 units, as V8 counts. */
export interface Place {
	readonly line: number;
	readonly column: number;
}

/** Where the lines of a text begin. */
export class ScriptLines {
	readonly #starts: readonly number[];

	constructor(source: string) {
		const starts = [0];
		for (const {index, 0: end} of source.matchAll(/\r\n|[\n\r\u2028\u2029]/gv)) {
			starts.push(index + end.length);
		}

		this.#starts = starts;
	}

	/** Undefined for a line that the text does not have. */
	offsetOf({line, column}: Place): number | undefined {
		const start = this.#starts[line];
		return start === undefined ? undefined : start + column;
	}

	placeOf(offset: number): Place {
		let line = 0;
		let end = this.#starts.length;
		while (end - line > 1) {
			const middle = Math.floor((line + end) / 2);
			if (this.#starts[middle]! <= offset) {
				line = middle;
			} else {
				end = middle;
			}
		}

		return {line, column: offset - this.#starts[line]!};
	}
}
