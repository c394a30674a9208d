/**
 * A project of a user of the package: in a folder of its own, with the package and the tools in its node_modules.
 */
import {spawn} from 'node:child_process';
import {
	cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How a program ended, and what it told. */
export interface ProgramRun {
	readonly code: number | null;
	/** What it wrote after `RESULT`; undefined when it did not get so far. */
	readonly results: unknown;
	readonly stdout: string;
	readonly stderr: string;
}

export interface RunOptions {
	/** What somebody types into the program, one line whenever it shows its prompt. */
	readonly lines?: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
	/** In ms; 60,000 by default. */
	readonly timeout?: number;
}

/** What the package, and the programs themselves, import: nothing above a temporary folder has it. */
const linkedPackages = ['acorn', 'es-module-lexer', 'msgpackr', 'tsx', 'vitest'];

/** A temporary folder with the fixtures of `tools`, as TypeScript in `typescript/` and compiled in `javascript/`. */
export class ToolProject {
	static async create(): Promise<ToolProject> {
		const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'loky-tools-')));
		await cp(path.join(root, '__test__', 'fixtures', 'tools'), path.join(folder, 'typescript'), {recursive: true});
		await cp(path.join(root, '.test-build', 'fixtures', 'tools'), path.join(folder, 'javascript'), {recursive: true});
		await writeFile(path.join(folder, 'package.json'), '{"type": "module"}');
		const modules = path.join(folder, 'node_modules');
		// Copied, not linked: tools treat what really lies in node_modules otherwise than the files of a project.
		for (const part of ['package.json', 'binding.js', 'dist', 'loky.linux-x64-gnu.node']) {
			await cp(path.join(root, part), path.join(modules, 'loky', part), {recursive: true});
		}

		await mkdir(modules, {recursive: true});
		for (const name of linkedPackages) {
			await symlink(path.join(root, 'node_modules', name), path.join(modules, name));
		}

		return new ToolProject(folder);
	}

	readonly folder: string;

	private constructor(folder: string) {
		this.folder = folder;
	}

	/** The path of a compiled fixture. */
	javascript(name: string): string {
		return path.join(this.folder, 'javascript', name);
	}

	/** The path of a fixture as it was written. */
	typescript(name: string): string {
		return path.join(this.folder, 'typescript', name);
	}

	/** Runs Node with these arguments to its end, in the compiled fixtures' folder. */
	async node(args: readonly string[], {lines, env = {}, timeout = 60_000}: RunOptions = {}): Promise<ProgramRun> {
		const resultFile = path.join(await mkdtemp(path.join(this.folder, 'run-')), 'result');
		const child = spawn(process.execPath, args, {
			cwd: path.join(this.folder, 'javascript'),
			env: {...environment(), RESULT_FILE: resultFile, ...env},
			stdio: [lines === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
			timeout,
			killSignal: 'SIGKILL',
		});
		const untyped = lines?.values();
		let stdout = '';
		let stderr = '';
		child.stdout!.setEncoding('utf8').on('data', (text: string) => {
			stdout += text;
			if (stdout.endsWith('> ')) {
				const {value: line, done} = untyped?.next() ?? {done: true};
				child.stdin?.[done ? 'end' : 'write'](`${line}\n`);
			}
		});
		child.stderr!.setEncoding('utf8').on('data', (text: string) => {
			stderr += text;
		});
		const code = await new Promise<number | null>((resolve, reject) => {
			child.once('error', reject);
			child.once('close', resolve);
		});
		const told = await readFile(resultFile, 'utf8').catch(() => stdout);
		return {
			code, results: resultIn(told), stdout, stderr,
		};
	}

	async remove(): Promise<void> {
		await rm(this.folder, {recursive: true});
	}
}

const resultIn = (text: string): unknown => {
	const found = /^.*RESULT (?<json>\{.*\})$/mv.exec(text)?.groups?.['json'];
	return found === undefined ? undefined : JSON.parse(found);
};

/** Without what AVA and npm tell their children. */
function environment(): Record<string, string | undefined> {
	const foreign = /^(?:npm_|AVA_|NODE_OPTIONS$|NODE_V8_COVERAGE$|FORCE_COLOR$|NODE_ENV$)/v;
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
