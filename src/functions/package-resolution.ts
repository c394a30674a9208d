/**
 * Where an `import` leads, by the rules of Node's ECMAScript modules. Node itself tells a module only what resolves from that module.
 *
 * @see https://nodejs.org/api/esm.html#resolution-algorithm-specification
 */
import {
	existsSync, readFileSync, realpathSync, statSync,
} from 'node:fs';
import {isBuiltin} from 'node:module';
import process from 'node:process';
import {fileURLToPath, pathToFileURL, URL} from 'node:url';

type PackageFile = {readonly name?: unknown; readonly main?: unknown; readonly exports?: unknown; readonly imports?: unknown};

const chosenConditions = (): string[] => {
	const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(' ')].join(' ');
	return [...flags.matchAll(/(?:^|\s)(?:-C|--conditions)(?:=|\s+)(?<condition>\S+)/gv)].map(match => match.groups!['condition']!);
};

const hasSynchronousModules = (process.features as {readonly require_module?: boolean}).require_module === true;
const conditions: ReadonlySet<string> = new Set(['default', 'node', 'import', 'node-addons', ...hasSynchronousModules ? ['module-sync'] : [], ...chosenConditions()]);

/** @throws {Error} with the codes of Node: there is no such package, or it does not export that. */
export function resolveImport(specifier: string, base: string): string {
	if (isBuiltin(specifier)) {
		return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
	}

	if (/^\.{0,2}\//v.test(specifier)) {
		return realUrl(new URL(specifier, base));
	}

	if (URL.canParse(specifier)) {
		return realUrl(new URL(specifier));
	}

	if (!base.startsWith('file:')) {
		throw notFound(specifier, base);
	}

	return realUrl(specifier.startsWith('#') ? resolveInternal(specifier, base) : resolvePackage(specifier, base));
}

function realUrl(url: URL): string {
	const file = url.protocol === 'file:' ? fileURLToPath(url) : null;
	return file !== null && existsSync(file) ? `${pathToFileURL(realpathSync(file)).href}${url.search}${url.hash}` : url.href;
}

function resolveInternal(specifier: string, base: string): URL {
	for (const folder of foldersAbove(base)) {
		const {imports} = packageIn(folder) ?? {};
		if (isTable(imports)) {
			return matching(specifier, imports, folder) ?? fail(`Package import specifier "${specifier}" is not defined, imported from ${base}`, 'ERR_PACKAGE_IMPORT_NOT_DEFINED');
		}
	}

	return fail(`Package import specifier "${specifier}" is not defined, imported from ${base}`, 'ERR_PACKAGE_IMPORT_NOT_DEFINED');
}

function resolvePackage(specifier: string, base: string): URL {
	const {name, rest} = /^(?<name>(?:@[^\/]+\/)?[^\/]+)(?<rest>.*)$/v.exec(specifier)?.groups ?? {};
	const folders = [...foldersAbove(base)];
	const own = folders.find(folder => packageIn(folder) !== undefined);
	const candidates = [
		...own !== undefined && packageIn(own)?.name === name && packageIn(own)?.exports !== undefined ? [own] : [],
		...folders.map(folder => new URL(`node_modules/${name}/`, folder)),
	];
	for (const folder of candidates) {
		if (existsSync(folder)) {
			return inPackage(folder, `.${rest}`, base);
		}
	}

	throw notFound(specifier, base);
}

function inPackage(folder: URL, subpath: string, base: string): URL {
	const {exports, main} = packageIn(folder) ?? {};
	if (exports !== undefined && exports !== null) {
		const isSugar = !isTable(exports) || Object.keys(exports).every(key => !key.startsWith('.'));
		return matching(subpath, isSugar ? {'.': exports} : exports, folder)
			?? fail(`Package subpath '${subpath}' is not defined by "exports" in ${fileURLToPath(folder)}package.json imported from ${base}`, 'ERR_PACKAGE_PATH_NOT_EXPORTED');
	}

	if (subpath !== '.') {
		return new URL(subpath, folder);
	}

	const names = typeof main === 'string' ? [main, `${main}.js`, `${main}.json`, `${main}.node`, `${main}/index.js`, `${main}/index.json`] : [];
	const files = [...names, 'index.js', 'index.json', 'index.node'].map(file => new URL(file, folder));
	return files.find(file => isFile(file)) ?? fail(`Cannot find package '${fileURLToPath(folder)}' imported from ${base}`, 'ERR_MODULE_NOT_FOUND');
}

type Table = Readonly<Record<string, unknown>>;

/** The target of the key that fits: the very one, or else the pattern with the longest beginning. */
function matching(subpath: string, table: Table, folder: URL): URL | undefined {
	if (Object.hasOwn(table, subpath) && !subpath.includes('*')) {
		return targetUrl(table[subpath], '', folder);
	}

	const patterns = Object.keys(table)
		.map(key => ({key, parts: key.split('*')}))
		.filter(({parts: [begin = '', end], key}) => end !== undefined && subpath.startsWith(begin) && subpath.endsWith(end) && subpath.length >= key.length)
		.toSorted((a, b) => b.parts[0]!.length - a.parts[0]!.length || b.key.length - a.key.length);
	const [best] = patterns;
	return best && targetUrl(table[best.key], subpath.slice(best.parts[0]!.length, subpath.length - best.parts[1]!.length), folder);
}

function targetUrl(target: unknown, match: string, folder: URL): URL | undefined {
	if (typeof target === 'string') {
		const filled = target.replaceAll('*', () => match);
		return filled.startsWith('./') ? new URL(filled, folder) : new URL(resolveImport(filled, folder.href));
	}

	const choices = Array.isArray(target) ? target as unknown[] : Object.entries(isTable(target) ? target : {}).filter(([condition]) => conditions.has(condition)).map(([, choice]) => choice);
	for (const choice of choices) {
		const url = targetUrl(choice, match, folder);
		if (url !== undefined) {
			return url;
		}
	}

	return undefined;
}

/** From that of the module up to the root. */
function * foldersAbove(base: string): Generator<URL> {
	let folder = new URL('./', base);
	for (;;) {
		yield folder;
		const above = new URL('../', folder);
		if (above.href === folder.href) {
			return;
		}

		folder = above;
	}
}

function packageIn(folder: URL): PackageFile | undefined {
	try {
		return JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as PackageFile;
	} catch {
		return undefined;
	}
}

const isFile = (url: URL): boolean => statSync(url, {throwIfNoEntry: false})?.isFile() === true;

const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null && !Array.isArray(value);

const notFound = (specifier: string, base: string): Error =>
	Object.assign(new Error(`Cannot find package '${specifier}' imported from ${base}`), {code: 'ERR_MODULE_NOT_FOUND'});

function fail(message: string, code: string): never {
	throw Object.assign(new Error(message), {code});
}
