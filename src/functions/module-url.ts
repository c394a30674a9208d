import path from 'node:path';
import {pathToFileURL, URL} from 'node:url';
import {argumentTypeError} from '../errors.js';

/**
 * The URL under which the runtime knows a module.
 *
 * @throws {TypeError} ERR_INVALID_ARG_TYPE: it is neither a URL nor an absolute path.
 */
export function moduleUrl(module: unknown): string {
	if (module instanceof URL) {
		return module.href;
	}

	if (typeof module !== 'string') {
		throw argumentTypeError('module', 'a URL or a string', module);
	}

	// Before the URL: a Windows path begins like one.
	if (path.isAbsolute(module)) {
		return pathToFileURL(module).href;
	}

	if (URL.canParse(module)) {
		return new URL(module).href;
	}

	throw argumentTypeError(
		'module',
		'an absolute URL or path: write new URL(\'./jobs.js\', import.meta.url) for a file beside yours, import.meta.resolve(\'name\') for a package',
		module,
	);
}
