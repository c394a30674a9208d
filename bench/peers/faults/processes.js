/** Finds and ends what a cell of the table has started: its working directory and its environment are marks that every process of it inherits. */
import fs from 'node:fs';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';

export const markName = 'LOKY_FAULTS_CELL';

function isAt(pid, folder) {
	try {
		const place = fs.readlinkSync(`/proc/${pid}/cwd`);
		return place === folder || place.startsWith(`${folder} `);
	} catch {
		return false;
	}
}

function isMarked(pid, folder) {
	try {
		return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${markName}=${folder}`);
	} catch {
		return false;
	}
}

/** Whether the process runs: one that nobody has reaped yet does not. */
export function isRunning(pid) {
	try {
		const status = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
		return !/^[ZX]/v.test(status.slice(status.lastIndexOf(')') + 2));
	} catch {
		return false;
	}
}

/** The pids of the processes that belong to the folder, but for this one. */
export function processesOf(folder) {
	return fs.readdirSync('/proc')
		.filter(name => /^\d+$/v.test(name))
		.map(Number)
		.filter(pid => pid !== process.pid && (isAt(pid, folder) || isMarked(pid, folder)) && isRunning(pid));
}

/** Those that are left when `patience` ms have passed, or none as soon as none is left. */
export async function survivorsOf(folder, patience) {
	const until = performance.now() + patience;
	for (;;) {
		const survivors = processesOf(folder);
		if (survivors.length === 0 || performance.now() > until) {
			return survivors;
		}

		await delay(50);
	}
}

/** Kills all of them, also those that are started meanwhile. */
export async function endProcessesOf(folder) {
	for (;;) {
		const survivors = processesOf(folder);
		if (survivors.length === 0) {
			return;
		}

		for (const pid of survivors) {
			try {
				process.kill(pid, 'SIGKILL');
			} catch {
				// It has ended by itself.
			}
		}

		await delay(20);
	}
}
