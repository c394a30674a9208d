/**
 * What stands for `import.meta` in code that runs outside the module it was written in.
 */
import path from 'node:path';
import {filePath} from './main-script.js';
import {resolveImport} from './package-resolution.js';

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
		resolve: specifier => resolveImport(String(specifier), base ?? import.meta.url),
	};
}
