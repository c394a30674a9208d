/**
 * What the supervisor says, out of the table in which it comes.
 */
import {
	noticeKind, noticeRow, type NativeBatch, type NativeBreak, type NativeFact,
} from './native.js';
import {notSmall, readSmallValue} from './serialize/small-payload.js';

/** Is told, in order. */
export interface NoticeReceiver {
	returned(task: number, payload: Uint8Array): void;
	/** With a result that is one primitive, decoded. */
	returnedSmall(task: number, value: unknown): void;
	threw(task: number, payload: Uint8Array): void;
	cancelled(task: number): void;
	poolClosed(task: number): void;
	poolBroken(task: number, broken: NativeBreak): void;
	/** A fact that concerns no task has task 0. */
	fact(task: number, fact: NativeFact): void;
}

/** Reads a batch to its end. */
export function readNotices({table, payloads, large, facts}: NativeBatch, receiver: NoticeReceiver): void {
	for (let row = 0; row < table.length; row += noticeRow) {
		const kind = table[row];
		const task = table[row + 1]!;
		const start = table[row + 2]!;
		switch (kind) {
			case noticeKind.returned: {
				const value = start < 0 ? notSmall : readSmallValue(payloads, start, table[row + 3]!);
				if (value === notSmall) {
					receiver.returned(task, payloadAt(row, start));
				} else {
					receiver.returnedSmall(task, value);
				}

				break;
			}

			case noticeKind.threw:
			case noticeKind.undecodable: {
				receiver.threw(task, payloadAt(row, start));
				break;
			}

			case noticeKind.cancelled: {
				receiver.cancelled(task);
				break;
			}

			case noticeKind.poolClosed: {
				receiver.poolClosed(task);
				break;
			}

			case noticeKind.poolBroken: {
				receiver.poolBroken(task, facts[start] as NativeBreak & NativeFact);
				break;
			}

			default: {
				receiver.fact(task, facts[start]!);
			}
		}
	}

	/** Small payloads stand one behind the other, a large one in memory of its own. */
	function payloadAt(row: number, start: number): Uint8Array {
		return start < 0 ? large[-1 - start]! : payloads.subarray(start, start + table[row + 3]!);
	}
}
