import {readTextFile} from './text-file.js';

/** A mounted cgroup hierarchy. `top` is the group that the mount point shows. */
interface Hierarchy {
	readonly version: 1 | 2;
	readonly top: string;
	readonly mountPoint: string;
}

const noLimit = Number.POSITIVE_INFINITY;

/**
 * The CPUs that the quotas of this process's cgroups allow, rounded up; `Infinity` without a quota. Each group up to the top counts,
 * since a parent's quota binds its children. Sources: the kernel's cgroup-v2 page (cpu.max), its sched-bwc page (v1), cgroups(7).
 *
 * @param root - What stands before `/proc` and `/sys`.
 */
export function cgroupCpuLimit(root: string): number {
	let limit = noLimit;
	const membership = readTextFile(`${root}/proc/self/cgroup`);
	for (const hierarchy of hierarchies(root)) {
		for (const directory of directoriesUpwards(hierarchy, memberPath(membership, hierarchy.version))) {
			limit = Math.min(limit, quotaOf(`${root}${directory}`, hierarchy.version));
		}
	}

	return limit;
}

/** From mountinfo, whose lines read `id parent device top mountPoint options [optional fields] - type source superOptions`. */
function hierarchies(root: string): Hierarchy[] {
	const found: Hierarchy[] = [];
	for (const line of readTextFile(`${root}/proc/self/mountinfo`).split('\n')) {
		const [mount = '', fileSystem = ''] = line.split(' - ');
		const [top, mountPoint] = mount.split(' ').slice(3, 5);
		const [type = '', superOptions = ''] = [fileSystem.split(' ')[0], fileSystem.split(' ')[2]];
		if (top === undefined || mountPoint === undefined) {
			continue;
		}

		if (type === 'cgroup2') {
			found.push({version: 2, top, mountPoint});
		} else if (type === 'cgroup' && superOptions.split(',').includes('cpu')) {
			found.push({version: 1, top, mountPoint});
		}
	}

	return found.length > 0 ? found : usualHierarchies;
}

const usualHierarchies: Hierarchy[] = [
	{version: 2, top: '/', mountPoint: '/sys/fs/cgroup'},
	{version: 1, top: '/', mountPoint: '/sys/fs/cgroup/cpu'},
];

/** The group of this process, from lines that read `number:controllers:path`; version 2 names no controllers. */
function memberPath(membership: string, version: 1 | 2): string {
	for (const line of membership.split('\n')) {
		const [, controllers, ...path] = line.split(':');
		if (version === 2 ? controllers === '' : controllers?.split(',').includes('cpu')) {
			return path.join(':');
		}
	}

	return '/';
}

function directoriesUpwards({top, mountPoint}: Hierarchy, path: string): string[] {
	const names = path.split('/').filter(name => name !== '');
	const topNames = top.split('/').filter(name => name !== '');
	// In a container the path may be the host's and the mount a part of the host's tree, or the path may lie outside of it ("..").
	const isBelowTop = topNames.every((name, index) => names[index] === name);
	const below = isBelowTop && !names.includes('..') ? names.slice(topNames.length) : [];
	return Array.from({length: below.length + 1}, (_, depth) => [mountPoint, ...below.slice(0, depth)].join('/'));
}

function quotaOf(directory: string, version: 1 | 2): number {
	const [quota = '', period = ''] = version === 2
		? readTextFile(`${directory}/cpu.max`).trim().split(/\s+/v)
		: ['quota', 'period'].map(name => readTextFile(`${directory}/cpu.cfs_${name}_us`).trim());
	// Without a limit the quota reads "max" (version 2) or -1 (version 1).
	if (!/^\d+$/v.test(quota) || !/^\d+$/v.test(period)) {
		return noLimit;
	}

	const limit = Math.ceil(Number(quota) / Number(period));
	return Number.isFinite(limit) && limit > 0 ? limit : noLimit;
}
