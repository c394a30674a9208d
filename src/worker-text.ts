/**
 * What becomes of the text that workers write to their standard output and standard error.
 */
import {Buffer} from 'node:buffer';
import process from 'node:process';
import type {EventListeners} from './executor-events.js';
import type {NativeSettings} from './native.js';
import {writeToParent, type StreamName} from './parent-output.js';

/** The option `output`. */
export type OutputMode = 'inherit' | 'ignore' | 'tagged' | 'pipe';

/** Whole lines of one task, unless one is very long or nothing will end it. */
export interface WorkerText {
	readonly stream: StreamName;
	readonly bytes: Uint8Array;
	readonly workerIndex: number;
	readonly pid: number;
	/** Null where it is not known. */
	readonly task: number | null;
}

/** `taken` is called when the text is written, or used. */
export type TextReceiver = (text: WorkerText, taken: () => void) => void;

const lineFeed = 0x0A;
const decoder = new TextDecoder('utf-8', {ignoreBOM: true});

/** What the supervisor has to do for it. */
export const textUse: Readonly<Record<OutputMode, NativeSettings['textUse']>> = {
	inherit: 'passed-on', ignore: 'discarded', tagged: 'marked', pipe: 'marked',
};

/** The lines, each with its line feed if it has one. */
function * linesOf(bytes: Uint8Array): Iterable<Uint8Array> {
	for (let start = 0; start < bytes.length;) {
		const feed = bytes.indexOf(lineFeed, start);
		const end = feed === -1 ? bytes.length : feed + 1;
		yield bytes.subarray(start, end);
		start = end;
	}
}

/** The same with a tag before each line, and all lines ended. */
export function tagged({bytes, workerIndex, task}: WorkerText): Uint8Array {
	const tag = Buffer.from(`[worker ${workerIndex}${task === null ? '' : `, task ${task}`}] `);
	const parts: Uint8Array[] = [];
	for (const line of linesOf(bytes)) {
		parts.push(tag, line);
	}

	if (bytes.at(-1) !== lineFeed) {
		parts.push(Buffer.of(lineFeed));
	}

	return Buffer.concat(parts);
}

/** Does with text what the option says. */
export function textReceiver(mode: OutputMode, events: EventListeners): TextReceiver {
	switch (mode) {
		case 'inherit': {
			return ({stream, bytes}, taken) => {
				writeToParent(stream, bytes, taken);
			};
		}

		case 'tagged': {
			return (text, taken) => {
				writeToParent(text.stream, tagged(text), taken);
			};
		}

		case 'pipe': {
			return ({stream, bytes, workerIndex, pid, task}, taken) => {
				if (events.isHeard('output')) {
					for (const line of linesOf(bytes)) {
						events.tell('output', () => ({
							stream, text: decoder.decode(line), workerIndex, pid, task,
						}));
					}
				}

				taken();
			};
		}

		// The supervisor passes nothing on.
		case 'ignore': {
			return (_text, taken) => {
				taken();
			};
		}

		default: {
			return mode satisfies never;
		}
	}
}

/** The supervisor has left text out. */
export function warnOfDroppedText(): void {
	process.emitWarning('Last words of workers that died were left out, because more than 8 MiB of such text wait: nobody reads what this program prints.', {
		type: 'WorkerOutputWarning',
		code: 'LOKY_OUTPUT_DROPPED',
	});
}
