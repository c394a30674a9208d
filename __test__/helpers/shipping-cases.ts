/**
 * Tables of functions to ship. They are plain JavaScript that is never compiled, because the exact text of the functions is what they are about.
 */
import {execFile} from 'node:child_process';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import {ProcessPoolExecutor} from 'loky';

const execFilePromise = promisify(execFile);

/** Where the fixtures lie, seen from what the compiler has written. */
const folder = new URL('../../__test__/fixtures/shipping/', import.meta.url);

interface ShippingCase {
	readonly title: string;
}

interface CaseTable {
	readonly cases: readonly ShippingCase[];
}

interface Verification {
	readonly isApplicable: (entry: ShippingCase) => boolean;
	/** Rejects when the case does not turn out as expected. */
	readonly verify: (executor: ProcessPoolExecutor, entry: ShippingCase) => Promise<void>;
	readonly verifyAtHome: (entry: ShippingCase) => Promise<void>;
}

/** Runs a program of the fixtures and gives what it wrote. Rejects when it fails or takes more than 30 s. */
export async function runShippingProgram(name: string, {nodeArguments = [], programArguments = [], env = {}}: {
	readonly nodeArguments?: readonly string[];
	readonly programArguments?: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
} = {}): Promise<{stdout: string; stderr: string}> {
	return execFilePromise(process.execPath, [...nodeArguments, shippingFixture(name), ...programArguments], {timeout: 30_000, env: {...process.env, ...env}});
}

export const shippingFixture = (name: string): string => fileURLToPath(new URL(name, folder));

/** Declares a test for every case of a table, all with one worker, and one that runs the table as a program of its own. */
export async function declareCases(name: string): Promise<void> {
	const {cases} = await import(new URL(name, folder).href) as CaseTable;
	const {isApplicable, verify, verifyAtHome} = await import(new URL('verify.js', folder).href) as Verification;
	let executor: ProcessPoolExecutor | undefined;
	test.before(() => {
		executor = new ProcessPoolExecutor({maxWorkers: 1});
	});
	test.after.always(async () => {
		await executor?.shutdown({killWorkers: true});
	});

	const applicable = cases.filter(entry => isApplicable(entry));
	const declare = (entry: ShippingCase): void => {
		test.serial(entry.title, async t => {
			await t.notThrowsAsync(verify(executor!, entry));
		});
	};

	for (const entry of applicable) {
		declare(entry);
	}

	test.serial('each case expects what its function gives when it is called here', async t => {
		for (const entry of applicable) {
			await t.notThrowsAsync(verifyAtHome(entry), `at home: ${entry.title}`);
		}
	});

	test.serial('the cases hold for the functions of a main script', async t => {
		const {stdout} = await runShippingProgram(name);
		const outcomes = Object.entries(JSON.parse(stdout) as Readonly<Record<string, string | null>>);
		t.true(outcomes.length > 10);
		t.deepEqual(outcomes.filter(([, problem]) => problem !== null), []);
	});
}
