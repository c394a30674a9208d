/**
 * The script that this program was started with. Importing it elsewhere would run the program again.
 */

import {existsSync, realpathSync} from 'node:fs';
import {resolve} from 'node:path';
import process from 'node:process';
import {filePath} from './main-script.js';

// What Node calls code that stands in no file: of --eval, of a worker thread made from text, of standard input, and of the REPL.
const withoutFile = /^(?:file:.*\/)?\[(?:eval\d*|worker eval|stdin)\](?:-wrapper)?$|^REPL\d*$/v;

/** Whether a script can never be imported because it is the program's own main script. The URL may be a plain path. */
export function isEntryScript(url: string): boolean {
	const path = filePath(url);
	return withoutFile.test(decodedBrackets(url)) || (path !== null && entryPaths().has(path));
}

const decodedBrackets = (url: string): string => url.replaceAll('%5B', '[').replaceAll('%5D', ']');

// A program may change its arguments, and a runner names the script that it runs there: both count.
const initial = process.argv[1];
const known = new Map<string | undefined, ReadonlySet<string>>();

/** The files that may be that script, under all their names. */
export function entryPaths(): ReadonlySet<string> {
	const {argv: [, main]} = process;
	const paths = known.get(main) ?? new Set([initial, main].flatMap(script => script === undefined || script === '-' ? [] : spellings(script)));
	known.set(main, paths);
	return paths;
}

/** As given, and with symbolic links followed: which one is loaded depends on --preserve-symlinks-main. */
const spellings = (script: string): string[] =>
	// `node app` runs app.js, and `node folder` the index in it.
	['', '.js', '.json', '/index.js'].flatMap(ending => {
		const path = resolve(script) + ending;
		return [path, realPath(path)];
	});

// Asked first: an exception would stop a debugger that waits for one.
const realPath = (file: string): string => existsSync(file) ? realpathSync(file) : file;
