/**
 * The script that the parent was started with. To load it in a worker would run the program a second time.
 */
import {existsSync, realpathSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath, URL} from 'node:url';

/** The program's main script as a worker is told of it. */
export interface MainScript {
	/** All names of the file; none when it stands in no file, as with `--eval`. */
	readonly paths: readonly string[];
	/** Under which it is loaded; null without a file. */
	readonly url: string | null;
	/** Whether this process has imported it too. */
	readonly isImported: boolean;
}

let mainScript: MainScript = {paths: [], url: null, isImported: false};
let mainPaths: ReadonlySet<string> = new Set();

/** Called in a worker. */
export function setMainScript(paths: readonly string[], {url = null, isImported = false}: Partial<MainScript> = {}): void {
	mainScript = {paths, url, isImported};
	mainPaths = new Set(paths);
}

/** Of the program that this worker belongs to, from as far above as there are workers in workers; nothing in the program itself. */
export const inheritedMainScript = (): MainScript => mainScript;

/** Whether a URL or path leads to the parent's main script, which this process must not load. */
export const isMainScript = (script: string): boolean => !mainScript.isImported && isInheritedMain(script);

/** Whether a URL or path leads to the parent's main script, through whatever links, and with whatever query. */
export function isInheritedMain(script: string): boolean {
	if (mainPaths.size === 0) {
		return false;
	}

	const candidate = filePath(script);
	return candidate !== null && (mainPaths.has(candidate) || mainPaths.has(realPath(candidate)));
}

/** The path of what lies in a file; null for everything else. */
export function filePath(script: string): string | null {
	if (path.isAbsolute(script)) {
		return script;
	}

	if (!/^file:/iv.test(script) || !URL.canParse(script)) {
		return null;
	}

	const url = new URL(script);
	try {
		return fileURLToPath(url);
	} catch {
		// A host, or an encoded slash: no file of this machine.
		return null;
	}
}

// Asked first: an exception would stop a debugger that waits for one.
const realPath = (file: string): string => existsSync(file) ? realpathSync(file) : file;
