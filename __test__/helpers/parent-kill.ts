/**
 * A program under load that is killed, and what is left of its workers.
 */
import {spawn} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {once} from 'node:events';
import process from 'node:process';
import {createInterface} from 'node:readline';
import {setTimeout as delay} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {within} from './deadline.js';
import {processesWith, processState} from './processes.js';

const program = fileURLToPath(new URL('../fixtures/loaded-parent.js', import.meta.url));
const variable = 'LOKY_TEST_MARK';

export interface ParentKill {
	/** How many processes there were beside the parent. */
	readonly processes: number;
	/** From the kill until none was left, in ms. */
	readonly gone: number;
}

/**
 * Starts the program, waits until it says the word, and so many ms more, then kills it.
 *
 * @throws {Error} Something was left after `limit` ms.
 */
export async function killParent(runs: string, word: 'started' | 'loaded', pause: number, limit: number): Promise<ParentKill> {
	const mark = randomUUID();
	const entry = `${variable}=${mark}`;
	const parent = spawn(process.execPath, [program, runs], {stdio: ['ignore', 'pipe', 'inherit'], env: {...process.env, [variable]: mark}});
	const exit = once(parent, 'exit');
	for await (const line of createInterface({input: parent.stdout})) {
		if (line === word) {
			break;
		}
	}

	await delay(pause);
	const known = processesWith(entry).filter(pid => pid !== parent.pid);
	const start = performance.now();
	parent.kill('SIGKILL');
	// Those first: to look through all processes takes long. Then at what was started meanwhile.
	let left = known;
	for (;;) {
		left = left.filter(pid => ![null, 'Z', 'X'].includes(processState(pid)));
		if (left.length === 0) {
			const gone = performance.now() - start;
			left = processesWith(entry).filter(pid => pid !== parent.pid);
			if (left.length === 0) {
				await within(5000, exit);
				return {processes: known.length, gone};
			}
		}

		if (performance.now() - start > limit) {
			throw new Error(`${left.length} of ${known.length} processes outlive their parent by more than ${limit} ms: ${left.map(pid => `${pid} ${processState(pid)}`).join(', ')}`);
		}

		await delay(5);
	}
}
