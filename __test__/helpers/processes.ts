/**
 * What the kernel says about processes, independently of the pool.
 */
import {readFileSync, readdirSync, readlinkSync} from 'node:fs';
import process from 'node:process';

/** The state letter of a process (`R`, `S`, `T`, `Z`…), or null if it is gone. */
export function processState(pid: number): string | null {
	try {
		return readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /sv, '').charAt(0);
	} catch {
		return null;
	}
}

/** The processes of which this one is the parent, zombies included. */
export function childrenOf(pid: number = process.pid): number[] {
	return readdirSync(`/proc/${pid}/task`).flatMap(thread => {
		try {
			return readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
		} catch {
			// The thread has ended in the meantime.
			return [];
		}
	});
}

/** The processes, zombies apart, that were started with this in their environment: `NAME=value`. */
export function processesWith(entry: string): number[] {
	return readdirSync('/proc').filter(name => /^\d+$/v.test(name)).map(Number).filter(pid => {
		try {
			return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry) && processState(pid) !== 'Z';
		} catch {
			// It has ended in the meantime, or belongs to somebody else.
			return false;
		}
	});
}

/** What the open descriptors of this process refer to, without the numbers that differ from run to run. */
export function openDescriptors(): string[] {
	return readdirSync('/proc/self/fd').flatMap(descriptor => {
		try {
			return [readlinkSync(`/proc/self/fd/${descriptor}`).replaceAll(/\d+/gv, 'N')];
		} catch {
			// The descriptor of the folder itself.
			return [];
		}
	}).toSorted();
}

/** Mapped memory that is shared by a descriptor, as our claim memory is. */
export function sharedMappings(): string[] {
	return readFileSync('/proc/self/maps', 'latin1').split('\n').filter(line => line.includes('memfd:') || line.includes('/dev/shm'));
}

/** The living processes that have a word among the arguments of their command, and a program that fits. */
export function processesNaming(word: string, program = /^/v): number[] {
	return readdirSync('/proc').filter(name => /^\d+$/v.test(name)).map(Number).filter(pid => {
		try {
			const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
			return program.test(command[0]!) && command.includes(word) && processState(pid) !== 'Z';
		} catch {
			// It has ended in the meantime.
			return false;
		}
	});
}
