import os from 'node:os';
import process from 'node:process';
import {cgroupCpuLimit} from './cgroup.js';
import {argumentRangeError} from './errors.js';
import {copyOptions, readBoolean} from './option-reader.js';
import {onlineCpus, physicalCores} from './cpu-topology.js';

/** What {@link cpuCount} can be told. */
export interface CpuCountOptions {
	/** Counts hyper-threads of one core once. Default: false. */
	readonly onlyPhysicalCores?: boolean | undefined;
}

/** Where the facts come from; tests give their own. */
export interface CpuFacts {
	/** What stands before `/proc` and `/sys`. */
	readonly root: string;
	readonly environment: Readonly<Record<string, string | undefined>>;
	availableParallelism(): number;
}

const systemFacts: CpuFacts = {root: '', environment: process.env, availableParallelism: os.availableParallelism};

/**
 * How many CPUs this process may use, at least 1: the CPUs of its affinity mask, bounded by the CPU quota of its cgroups (v1 and v2,
 * nested ones too; a fraction counts as a whole CPU) and by the environment variable `LOKY_MAX_CPU_COUNT`.
 *
 * With `onlyPhysicalCores`, the physical cores of the machine, unless one of these limits leaves fewer CPUs than the machine has: then
 * the limit. Physical cores are known on Linux; elsewhere the answer is the same as without the option.
 *
 * The rules are those of loky's `cpu_count`.
 *
 * @throws {RangeError} `LOKY_MAX_CPU_COUNT` is not a whole number; 0 and less count as 1.
 * @throws {TypeError} An option is unknown or has the wrong type.
 *
 * @example
 * cpuCount(); // 8
 * cpuCount({onlyPhysicalCores: true}); // 4
 */
export function cpuCount(options?: CpuCountOptions): number {
	const onlyPhysicalCores = readBoolean(copyOptions('cpuCount', options, ['onlyPhysicalCores']), 'onlyPhysicalCores', false);
	return countCpus(systemFacts, onlyPhysicalCores);
}

/** {@link cpuCount} over given facts. */
export function countCpus({root, environment, availableParallelism}: CpuFacts, onlyPhysicalCores: boolean): number {
	const logical = Math.max(1, Math.min(availableParallelism(), cgroupCpuLimit(root), environmentLimit(environment)));
	if (!onlyPhysicalCores || logical < onlineCpus(root)) {
		return logical;
	}

	return Math.min(logical, physicalCores(root));
}

function environmentLimit(environment: CpuFacts['environment']): number {
	const text = environment.LOKY_MAX_CPU_COUNT;
	if (text === undefined) {
		return Number.POSITIVE_INFINITY;
	}

	if (!/^\s*[\-+]?\d+\s*$/v.test(text)) {
		throw argumentRangeError('LOKY_MAX_CPU_COUNT', 'a whole number', text);
	}

	return Number(text);
}
