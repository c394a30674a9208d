/**
 * A process that holds memory and has nothing to do: as tasks of a pool, or as a program of its own that says when it is ready.
 */
import {Buffer} from 'node:buffer';
import process from 'node:process';

let held = null;

/** Holds so much memory that the process has this many MB. Returns its pid and what it has. */
export function hold(megabytes) {
	const missing = (megabytes * 1e6) - process.memoryUsage.rss();
	held = missing > 0 ? Buffer.alloc(missing, 1) : held;
	return {pid: process.pid, rss: process.memoryUsage.rss()};
}

/** Never ends, and leaves the event loop asleep. */
export function idle() {
	return new Promise(() => {
		// Nobody ever settles it.
	});
}

/** The time of this machine in ms, which all processes share. */
export function clock() {
	return Number(process.hrtime.bigint()) / 1e6;
}

if (process.send && process.argv[2] === 'child') {
	process.send(hold(Number(process.argv[3])));
	setInterval(idle, 1e9);
}
