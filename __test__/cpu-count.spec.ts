/* eslint-disable @stylistic/object-curly-newline -- the keys are the names of files and variables */
import {execFile} from 'node:child_process';
import {
	mkdir,
	mkdtemp,
	rm,
	writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {countCpus, cpuCount} from '#dist/cpu-count.js';

const execFilePromise = promisify(execFile);

/** Files below a fake root, and the environment. */
interface Machine {
	readonly files?: Readonly<Record<string, string>>;
	readonly environment?: Readonly<Record<string, string>>;
	readonly parallelism?: number;
	readonly onlyPhysicalCores?: boolean;
}

async function count(t: ExecutionContext, {files = {}, environment = {}, parallelism = 8, onlyPhysicalCores = false}: Machine): Promise<number> {
	const root = await mkdtemp(path.join(os.tmpdir(), 'loky-cpu-count-'));
	t.teardown(async () => rm(root, {recursive: true}));
	for (const [name, text] of Object.entries(files)) {
		await mkdir(path.dirname(path.join(root, name)), {recursive: true});

		await writeFile(path.join(root, name), text);
	}

	return countCpus({root, environment, availableParallelism: () => parallelism}, onlyPhysicalCores);
}

const version2Mount = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';
const version1Mount = '33 24 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n';
const version2 = {'proc/self/mountinfo': version2Mount};
const version1 = {'proc/self/mountinfo': version1Mount};

const limits: Readonly<Record<string, [expected: number, machine: Machine]>> = {
	'without any limit the affinity counts': [8, {}],
	'a quota of version 2 limits, and a fraction counts as a CPU': [2, {files: {...version2, 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '150000 100000\n'}}],
	'half a CPU is one': [1, {files: {'sys/fs/cgroup/cpu.max': '50000 100000\n'}}],
	'a quota above the affinity limits nothing': [8, {files: {'sys/fs/cgroup/cpu.max': '1600000 100000\n'}}],
	'no quota of version 2 limits nothing': [8, {files: {'sys/fs/cgroup/cpu.max': 'max 100000\n'}}],
	'a nested group limits': [3, {files: {
		...version2, 'proc/self/cgroup': '0::/slice/job\n', 'sys/fs/cgroup/slice/cpu.max': 'max 100000\n', 'sys/fs/cgroup/slice/job/cpu.max': '300000 100000\n',
	}}],
	'a group above the nested one limits': [2, {files: {
		...version2, 'proc/self/cgroup': '0::/slice/job\n', 'sys/fs/cgroup/slice/cpu.max': '200000 100000\n', 'sys/fs/cgroup/slice/job/cpu.max': '300000 100000\n',
	}}],
	'the group of another process does not limit': [8, {files: {
		...version2, 'proc/self/cgroup': '0::/slice/job\n', 'sys/fs/cgroup/slice/other/cpu.max': '100000 100000\n',
	}}],
	'in a container that shows a part of the tree, the path is taken from that part': [2, {files: {
		'proc/self/mountinfo': version2Mount.replace(' / ', ' /docker/abc '), 'proc/self/cgroup': '0::/docker/abc/inner\n', 'sys/fs/cgroup/inner/cpu.max': '200000 100000\n',
	}}],
	'a path of the host that the container does not show leaves the limit of the mount': [2, {files: {
		...version2, 'proc/self/cgroup': '0::/../../host/abc\n', 'sys/fs/cgroup/cpu.max': '200000 100000\n',
	}}],
	'a quota of version 1 limits': [2, {files: {
		...version1, 'proc/self/cgroup': '4:cpu,cpuacct:/\n', 'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '120000\n', 'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
	}}],
	'a nested group of version 1 limits': [1, {files: {
		...version1,
		'proc/self/cgroup': '12:memory:/else\n4:cpu,cpuacct:/a/b\n0::/\n',
		'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
		'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
		'sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us': '50000\n',
		'sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us': '100000\n',
	}}],
	'version 1 is found where it usually is': [3, {files: {'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '300000', 'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000'}}],
	'no quota of version 1 limits nothing': [8, {files: {'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1', 'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000'}}],
	'LOKY_MAX_CPU_COUNT limits': [3, {environment: {LOKY_MAX_CPU_COUNT: '3'}}],
	'LOKY_MAX_CPU_COUNT above the CPUs limits nothing': [8, {environment: {LOKY_MAX_CPU_COUNT: '300'}}],
	'LOKY_MAX_CPU_COUNT 0 counts as 1': [1, {environment: {LOKY_MAX_CPU_COUNT: '0'}}],
	'a negative LOKY_MAX_CPU_COUNT counts as 1': [1, {environment: {LOKY_MAX_CPU_COUNT: '-5'}}],
	'the smallest limit counts': [2, {parallelism: 4, environment: {LOKY_MAX_CPU_COUNT: '3'}, files: {'sys/fs/cgroup/cpu.max': '200000 100000'}}],
};

for (const [title, [expected, machine]] of Object.entries(limits)) {
	test(title, async t => {
		t.is(await count(t, machine), expected);
	});
}

for (const text of ['', '\n', 'max', '100000', 'a b', '-1 100000', '100000 0', '0 0', '0 100000', '1e5 100000', '\0\0']) {
	test(`a cpu.max that reads ${JSON.stringify(text)} limits nothing`, async t => {
		t.is(await count(t, {files: {'sys/fs/cgroup/cpu.max': text}}), 8);
	});
}

for (const text of ['', '\n', 'x', ' - ', '1 2 3 - cgroup2', '::::', '0:', `${version2Mount}garbage`]) {
	test(`membership and mounts that read ${JSON.stringify(text)} do no harm`, async t => {
		t.is(await count(t, {files: {'proc/self/cgroup': text, 'proc/self/mountinfo': text}}), 8);
	});
}

test('directories where files should be do no harm', async t => {
	t.is(await count(t, {files: {'sys/fs/cgroup/cpu.max/x': '', 'proc/self/cgroup/x': '', 'proc/self/mountinfo/x': ''}}), 8);
});

for (const value of ['', 'two', '2.5', '1e1', '0x2', 'NaN']) {
	test(`LOKY_MAX_CPU_COUNT=${JSON.stringify(value)} throws with its name and value`, async t => {
		const error = await t.throwsAsync(count(t, {environment: {LOKY_MAX_CPU_COUNT: value}}), {instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE', message: /LOKY_MAX_CPU_COUNT/v});
		t.like(error, {option: 'LOKY_MAX_CPU_COUNT', value});
	});
}

/** Two packages of two cores with two threads each. */
const topology: Record<string, string> = {'sys/devices/system/cpu/online': '0-3,4-7\n', 'sys/devices/system/cpu/cpufreq/x': ''};
for (const cpu of Array.from({length: 8}).keys()) {
	topology[`sys/devices/system/cpu/cpu${cpu}/topology/core_id`] = `${cpu % 2}\n`;
	topology[`sys/devices/system/cpu/cpu${cpu}/topology/physical_package_id`] = `${Math.floor(cpu / 4)}\n`;
}

test('physical cores count each core of each package once', async t => {
	t.is(await count(t, {files: topology, onlyPhysicalCores: true}), 4);
	t.is(await count(t, {files: topology}), 8);
});

test('with a limit below the CPUs of the machine, the limit is the number of physical cores', async t => {
	t.is(await count(t, {files: topology, environment: {LOKY_MAX_CPU_COUNT: '7'}, onlyPhysicalCores: true}), 7);
	t.is(await count(t, {files: topology, parallelism: 2, onlyPhysicalCores: true}), 2);
});

test('without a topology the physical cores are the CPUs', async t => {
	t.is(await count(t, {onlyPhysicalCores: true}), 8);
	t.is(await count(t, {files: {'sys/devices/system/cpu/online': 'garbage', 'sys/devices/system/cpu/cpu0/topology/core_id': ''}, onlyPhysicalCores: true}), 8);
});

test('on this machine there is at least one CPU, and no more physical cores than CPUs', t => {
	const logical = cpuCount();
	const physical = cpuCount({onlyPhysicalCores: true});
	t.true(Number.isInteger(logical) && logical >= 1);
	t.true(Number.isInteger(physical) && physical >= 1 && physical <= logical);
});

test('cpuCount refuses wrong options', t => {
	t.throws((): unknown => Reflect.apply(cpuCount, undefined, [{onlyPhysicalCores: 1}]), {instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE'});
	t.throws((): unknown => Reflect.apply(cpuCount, undefined, [{physical: true}]), {instanceOf: TypeError, code: 'ERR_UNKNOWN_OPTION'});
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a process bound to one CPU counts one', async t => {
	const module = import.meta.resolve('#dist/cpu-count.js');
	const script = `import {cpuCount} from '${module}'; console.log(cpuCount(), cpuCount({onlyPhysicalCores: true}))`;
	const {stdout} = await execFilePromise('taskset', ['-c', '0', process.execPath, '--input-type=module', '-e', script]);
	t.is(stdout, '1 1\n');
});
