import {readdirSync} from 'node:fs';
import {readTextFile} from './text-file.js';

const cores = new Map<string, number>();

/** How many physical cores the machine has online; `Infinity` when that cannot be known. Read once for each `root`: it does not change. */
export function physicalCores(root: string): number {
	let count = cores.get(root);
	if (count === undefined) {
		count = readPhysicalCores(root);
		cores.set(root, count);
	}

	return count;
}

/** How many CPUs the machine has online; 0 when that cannot be known. */
export function onlineCpus(root: string): number {
	const list = readTextFile(`${root}/sys/devices/system/cpu/online`).trim();
	if (!/^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/v.test(list)) {
		return 0;
	}

	let count = 0;
	for (const range of list.split(',')) {
		const [first, last = first] = range.split('-').map(Number);
		count += last! - first! + 1;
	}

	return count;
}

function readPhysicalCores(root: string): number {
	const directory = `${root}/sys/devices/system/cpu`;
	const found = new Set<string>();
	for (const name of directoryNames(directory)) {
		if (!/^cpu\d+$/v.test(name)) {
			continue;
		}

		// A core's number is unique within its package only. CPUs that are offline have no topology.
		const core = readTextFile(`${directory}/${name}/topology/core_id`).trim();
		const socket = readTextFile(`${directory}/${name}/topology/physical_package_id`).trim();
		if (core !== '') {
			found.add(`${socket}:${core}`);
		}
	}

	return found.size === 0 ? Number.POSITIVE_INFINITY : found.size;
}

function directoryNames(path: string): string[] {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
}
