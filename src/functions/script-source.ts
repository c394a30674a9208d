/**
 * The script that a function stands in: its URL, its text as V8 has compiled it, and whether that text is the file on disk.
 */

import {createHash} from 'node:crypto';
import {readFileSync, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {performance} from 'node:perf_hooks';
import {functionOrigin, originsAreKnown, type FunctionOrigin} from './function-origin.js';
import {inspectFunction} from './function-inspection.js';
import {loadedScripts, loadedText} from './loaded-text.js';
import {filePath} from './main-script.js';
import {lineStarts, standsAt} from './text-position.js';

export interface ScriptSource {
	readonly scriptId: number;
	/** As V8 has it: with its query, or a plain path. Null for a script without a name. */
	readonly url: string | null;
	/** What V8 has compiled; null when nothing tells that at a bearable price, as for scripts without a name. */
	readonly source: string | null;
	readonly kind: 'module' | 'commonJs' | 'script';
	/** SHA-256 of the bytes of the file, base64url; null when the file may not be what was loaded. */
	readonly fileHash: string | null;
	/** Whether the text differs from that of the file, as behind a loader that transforms code. */
	readonly isTransformed: boolean;
	/** Whether it is part of Node. */
	readonly isInternal: boolean;
}

/** `file`: the text is not V8's own, but that of the file it most probably came from, so each function is looked for in it. */
type KnownScript = {readonly script: ScriptSource; readonly file: LoadedFile | null};

// Kept from the time the package was loaded: the program may replace it.
const {toString} = Function.prototype;
const {cache} = createRequire(import.meta.url);
/** What `node:vm` calls a script that was given no name. */
const unnamed = 'evalmachine.<anonymous>';
const scripts = new Map<number, KnownScript>();
const rememberedScripts = 2000;

/** The script of a function; undefined for one without a script, and where V8 does not tell. */
export function scriptSource(fn: object): ScriptSource | undefined {
	const origin = originsAreKnown() ? functionOrigin(fn) : inspectedOrigin(fn);
	if (!origin) {
		return undefined;
	}

	const known = scripts.get(origin.scriptId);
	if (known && (known.file === null || isWithin(fn, origin, known.file))) {
		return known.script;
	}

	const found = describeScript(fn, origin);
	// Scripts without a name take no time to describe, and there may be very many of them.
	if (found.script.url !== null) {
		remember(found);
	}

	return found.script;
}

function remember(found: KnownScript): void {
	const [oldest] = scripts.keys();
	if (oldest !== undefined && scripts.size >= rememberedScripts) {
		scripts.delete(oldest);
	}

	scripts.set(found.script.scriptId, found);
}

function inspectedOrigin(fn: object): FunctionOrigin | null {
	const location = inspectFunction(fn)?.location;
	if (!location) {
		return null;
	}

	const known = scripts.get(location.scriptId)?.script;
	const script = known ? {url: known.url, isModule: known.kind === 'module'} : loadedScripts().get(location.scriptId);
	const url = script?.url;
	return {...location, url: url === undefined || url === '' ? null : url, isModule: script?.isModule ?? false};
}

const isWithin = (fn: object, {line, column}: FunctionOrigin, file: LoadedFile): boolean =>
	standsAt(Reflect.apply(toString, fn, []), file, line, column);

function describeScript(fn: object, origin: FunctionOrigin): KnownScript {
	const {scriptId, url} = origin;
	const kind = origin.isModule ? 'module' : 'script';
	const nameless = {
		scriptId, url, source: null, kind, fileHash: null, isTransformed: false, isInternal: url?.startsWith('node:') ?? false,
	} as const;
	if (url === null || url === unnamed || nameless.isInternal) {
		return {script: nameless, file: null};
	}

	const path = filePath(url);
	const file = path === null ? null : readFile(path);
	if (path !== null && file !== null && isAsLoaded(path, file) && isWithin(fn, origin, file)) {
		const kind = kindOf(origin, path, true);
		const {text: source, hash: fileHash} = file;
		return {
			script: {
				...nameless, source, kind, fileHash,
			}, file,
		};
	}

	const source = loadedText(scriptId);
	const isFile = source !== null && file?.text === withoutMark(source);
	return {
		script: {
			...nameless,
			source,
			kind: path === null ? kind : kindOf(origin, path, isFile),
			fileHash: isFile || file?.isOld === true ? file.hash : null,
			isTransformed: file !== null && source !== null && !isFile,
		},
		file: null,
	};
}

/** Whether Node itself hands the text of the file to V8, unless a hook changes it. A text whose types were blanked out keeps its positions. */
const isPlainScript = (path: string): boolean => /\.[cm]?js$|\/[^.\/]+$/v.test(path);

/** Whether the text of the file is in all probability what V8 has, to the last column. */
const isAsLoaded = (path: string, {isOld, hasMark}: LoadedFile): boolean => isOld && !hasMark && isPlainScript(path);

/** A CommonJS module is a function to V8, like anything that was compiled with parameters. */
function kindOf({isModule}: FunctionOrigin, path: string, isFile: boolean): ScriptSource['kind'] {
	if (isModule) {
		return 'module';
	}

	return isFile || Object.getOwnPropertyDescriptor(cache, path) ? 'commonJs' : 'script';
}

type LoadedFile = {
	readonly text: string;
	readonly starts: readonly number[];
	readonly hash: string;
	/** Whether it begins with a byte order mark, which Node takes away before V8 sees the text, or leaves there. */
	readonly hasMark: boolean;
	/** Whether nobody has written it since this thread started. */
	readonly isOld: boolean;
};

const withoutMark = (text: string): string => text.replace(/^\uFEFF/v, '');

// The clock of files is a little behind.
const startOfThread = performance.timeOrigin - 50;

function readFile(path: string): LoadedFile | null {
	try {
		const {mtimeMs, ctimeMs} = statSync(path);
		const bytes = readFileSync(path);
		const read = bytes.toString();
		const text = withoutMark(read);
		return {
			text,
			starts: lineStarts(text),
			hash: createHash('sha256').update(bytes).digest('base64url'),
			hasMark: read !== text,
			isOld: mtimeMs < startOfThread && ctimeMs < startOfThread,
		};
	} catch {
		return null;
	}
}
