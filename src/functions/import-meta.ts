/**
 * What stands for `import.meta` in code that runs outside the module it was written in.
 */
import {createRequire, isBuiltin} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {filePath} from './main-script.js';

/** As of the module itself, without what only Node can make: `main` is false, for nothing in a worker is the main module. */
export interface ImportMeta {
	readonly url: string | undefined;
	readonly filename?: string;
	readonly dirname?: string;
	readonly main: false;
	resolve(specifier: string): string;
}

export function importMetaOf(base: string | null): ImportMeta {
	const file = base === null ? null : filePath(base);
	return {
		url: base ?? undefined,
		...file === null ? {} : {filename: file, dirname: path.dirname(file)},
		main: false,
		resolve: specifier => resolved(specifier, base),
	};
}

function resolved(specifier: string, base: string | null): string {
	if (isBuiltin(specifier)) {
		return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
	}

	if (URL.canParse(specifier)) {
		return new URL(specifier).href;
	}

	if (/^\.{0,2}\//v.test(specifier)) {
		return new URL(specifier, base ?? import.meta.url).href;
	}

	return pathToFileURL(createRequire(base ?? import.meta.url).resolve(specifier)).href;
}
