import {execFile} from 'node:child_process';
import {
	existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {promisify} from 'node:util';
import {eventually} from './deadline.js';

const execFilePromise = promisify(execFile);

/** A memory control group of our own, below the one that this process is in. */
export class MemoryGroup {
	/** @returns null where this machine does not let us make one: without the right to, or with version 2 and processes beside it. */
	static make(bytes: number): MemoryGroup | null {
		const directory = path.join(ownGroup(), `loky-test-${process.pid}-${made++}`);
		try {
			mkdirSync(directory);
		} catch {
			return null;
		}

		const group = new MemoryGroup(directory);
		// Version 2, then version 1.
		const limit = ['memory.max', 'memory.limit_in_bytes'].find(name => existsSync(path.join(directory, name)));
		if (limit === undefined) {
			rmdirSync(directory);
			return null;
		}

		writeFileSync(path.join(directory, limit), String(bytes));
		return group;
	}

	readonly #directory: string;

	private constructor(directory: string) {
		this.#directory = directory;
	}

	/** Runs a program in it. */
	async run(program: string, args: readonly string[]): Promise<{stdout: string; stderr: string}> {
		const enter = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"';
		return execFilePromise('/bin/sh', ['-c', enter, 'sh', this.#directory, program, ...args], {timeout: 60_000});
	}

	async remove(): Promise<void> {
		await eventually(() => this.#isRemoved(), isRemoved => isRemoved, 10_000);
	}

	/** Not before the last process of it is reaped. */
	#isRemoved(): boolean {
		try {
			rmdirSync(this.#directory);
		} catch {
			// Looked at below.
		}

		return !existsSync(this.#directory);
	}
}

let made = 0;

function ownGroup(): string {
	const memberships = readFileSync('/proc/self/cgroup', 'utf8').split('\n').map(line => line.split(':'));
	const version1 = memberships.find(([, controllers]) => controllers?.split(',').includes('memory'));
	const membership = version1 ?? memberships.find(([, controllers]) => controllers === '') ?? [];
	return path.join('/sys/fs/cgroup', version1 === undefined ? '' : 'memory', membership.slice(2).join(':'));
}
