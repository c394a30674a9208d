/**
 * The main module of the program, for workers that import it: the context `loky_init_main`.
 */
import {createRequire} from 'node:module';
import path from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';
import {inheritedMainScript} from './main-script.js';

// As it was when the program began: it may change its arguments.
const {argv: [, entry], execArgv} = process;
const require = createRequire(import.meta.url);

const withoutFile = /^(?:-i|--interactive|-p?e|-p|--eval(?:=.*)?|--print(?:=.*)?)$/sv;

/** The URL under which it is loaded; null for a program in no file. Within a worker it is that of the whole program. */
export function mainModuleUrl(): string | null {
	const inherited = inheritedMainScript().url;
	if (inherited !== null) {
		return inherited;
	}

	if (own === undefined) {
		const file = mainFile();
		own = file === null ? null : pathToFileURL(file).href;
	}

	return own;
}

let own: string | null | undefined;

function mainFile(): string | null {
	const commonJs = require.main?.filename;
	if (commonJs !== undefined && path.isAbsolute(commonJs)) {
		return commonJs;
	}

	if (entry === undefined || entry === '-' || execArgv.some(flag => withoutFile.test(flag))) {
		return null;
	}

	const given = path.resolve(entry);
	try {
		// `node app` runs app.js, `node folder` what its package.json names; links are followed.
		const resolved = require.resolve(given);
		return keepsLinks() ? given : resolved;
	} catch {
		return null;
	}
}

const keepsLinks = (): boolean => [...execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(' ')].includes('--preserve-symlinks-main');
