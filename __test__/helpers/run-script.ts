import {execFile} from 'node:child_process';
import process from 'node:process';
import {promisify} from 'node:util';

const execFilePromise = promisify(execFile);

/** Runs a compiled fixture in a Node of its own and gives what it wrote. Rejects when it fails or takes more than 30 s. */
export async function runFixture(name: string, {nodeArguments = [], fixtureArguments = []}: {
	readonly nodeArguments?: readonly string[];
	readonly fixtureArguments?: readonly string[];
} = {}): Promise<{stdout: string; stderr: string}> {
	const fixture = new URL(`../fixtures/${name}.js`, import.meta.url);
	return execFilePromise(process.execPath, [...nodeArguments, fixture.pathname, ...fixtureArguments], {timeout: 30_000});
}
