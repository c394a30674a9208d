/**
 * The script that the parent was started with. To load it in a worker would run the program a second time.
 */
import {realpathSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath, URL} from 'node:url';

let mainPaths: ReadonlySet<string> = new Set();

/** @param paths all names of the file; none when it stands in no file, as with `--eval` */
export function setMainScript(paths: readonly string[]): void {
	mainPaths = new Set(paths);
}

/** Whether a URL or path leads to the parent's main script, through whatever links, and with whatever query. */
export function isMainScript(script: string): boolean {
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

function realPath(file: string): string {
	try {
		return realpathSync(file);
	} catch {
		return file;
	}
}
