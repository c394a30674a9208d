/**
 * What ran, as the workers wrote it down themselves.
 */
import assert from 'node:assert';
import {
	mkdtempSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {begun, ended, recordBytes} from '../fixtures/recorded.js';

/** Of one task. */
export interface Run {
	readonly begun: number;
	readonly ended: number;
	/** Where it began last. */
	readonly pid: number;
}

export class RecordedRuns {
	readonly file: string;
	readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'loky-runs-'));

	constructor() {
		this.file = path.join(this.#folder, 'runs');
		writeFileSync(this.file, '');
	}

	/** By the numbers of the tasks, which are below `count`. */
	read(count: number): Run[] {
		const bytes = readFileSync(this.file);
		assert.equal(bytes.length % recordBytes, 0, 'a record was cut in two');
		const runs = Array.from({length: count}, () => ({begun: 0, ended: 0, pid: 0}));
		for (let offset = 0; offset < bytes.length; offset += recordBytes) {
			const run = runs[bytes.readUInt32LE(offset)]!;
			const what = bytes.readUInt32LE(offset + 8);
			if (what === begun) {
				run.begun++;
				run.pid = bytes.readUInt32LE(offset + 4);
			} else {
				assert.equal(what, ended);
				run.ended++;
			}
		}

		return runs;
	}

	remove(): void {
		rmSync(this.#folder, {recursive: true});
	}
}
