import path from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';

const isCovered = Boolean(process.env['NODE_V8_COVERAGE']);

/**
 * How a script is called whose text is that of a part of a file, at most: its offsets would spoil the coverage of the file.
 *
 * @param imports whether the loader has to find from where to resolve. It does not mind how the scheme of a file is spelled; tools for
 * coverage know one spelling.
 */
export function uncoveredName(script: string, imports: boolean): string {
	if (!isCovered) {
		return script;
	}

	// V8 makes URLs of paths.
	const url = path.isAbsolute(script) ? pathToFileURL(script).href : script;
	return url.replace(/^file:/v, imports ? 'FILE:' : 'loky:');
}
