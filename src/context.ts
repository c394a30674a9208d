/**
 * How a worker process is started: this Node with this program's flags, but never the user's entry script.
 */
import {fileURLToPath} from 'node:url';
import process from 'node:process';

/** Everything that `posix_spawn` needs. */
export interface WorkerLaunch {
	readonly program: string;
	readonly args: readonly string[];
	readonly env: readonly string[];
}

const workerEntry = fileURLToPath(new URL('worker/main.js', import.meta.url));

// Flags that belong to the entry script or to the terminal, not to the runtime. Some take their value as a word of its own.
const foreignFlags = /^--?(?:e|eval|p|print|pe|c|check|i|interactive|input-type|watch(?:-.*)?|test(?:-.*)?|inspect(?:-.*)?|debug-port|run|build-sea|experimental-sea-config)(?:=|$)/v;
const codeFlags = new Set(['-e', '--eval', '-p', '--print', '-pe']);

/** The flags of this process that a worker shares: loaders, conditions, V8's options; no debugger port, no test runner. */
export function inheritedFlags(flags: readonly string[]): string[] {
	const inherited: string[] = [];
	for (let index = 0; index < flags.length; index++) {
		const flag = flags[index]!;
		if (!foreignFlags.test(flag)) {
			inherited.push(flag);
		} else if (codeFlags.has(flag) || (!flag.includes('=') && !isFlag(flags[index + 1]))) {
			// Its value. Left behind, it would be taken for a script.
			index++;
		}
	}

	return inherited;
}

// These two describe a channel to somebody else's parent, whose descriptors a worker does not have.
const foreignVariables = new Set(['NODE_CHANNEL_FD', 'NODE_UNIQUE_ID']);

const isFlag = (word: string | undefined): boolean => word?.startsWith('-') === true;

/** How a worker of this process is started. */
export function workerLaunch(environment: Readonly<Record<string, string>>): WorkerLaunch {
	return {
		program: process.execPath,
		args: [...inheritedFlags(process.execArgv), workerEntry],
		env: Object.entries(environment).flatMap(([name, value]) => foreignVariables.has(name) ? [] : [`${name}=${value}`]),
	};
}
