/**
 * Imports and exports of a module that is too large to be parsed: found in a fiftieth of the time, without a look at what lies between.
 */
import {parse as parseScript} from 'acorn';
import {parse} from 'es-module-lexer/js';
import {importedNames, type ImportedName} from './script-bindings.js';

export interface ModuleOutline {
	/** Local name to what it imports. */
	readonly imports: ReadonlyMap<string, ImportedName>;
	/** The exported names of each variable. Whether it keeps its first value is not known. */
	readonly exportsByLocal: ReadonlyMap<string, readonly string[]>;
}

/** Undefined when the lexer cannot read the module. */
export function outlineModule(source: string): ModuleOutline | undefined {
	try {
		const [imports, exports] = parse(source);
		const statements = imports.filter(({type}) => type === 'static').map(({importStart, importEnd}) => source.slice(importStart, importEnd));
		return {imports: new Map(statements.flatMap(statement => [...namesOf(statement)])), exportsByLocal: exportsOf(exports)};
	} catch {
		return undefined;
	}
}

/** Those of one statement. `export {a} from 'b'` imports nothing that the module could use. */
function namesOf(statement: string): ReadonlyMap<string, ImportedName> {
	return statement.startsWith('import')
		? importedNames(parseScript(statement, {ecmaVersion: 'latest', sourceType: 'module'}))
		: new Map<string, ImportedName>();
}

function exportsOf(exports: ReturnType<typeof parse>[1]): ReadonlyMap<string, readonly string[]> {
	const names = new Map<string, string[]>();
	for (const exported of exports) {
		if (exported.type === 'direct' && exported.localName !== undefined) {
			names.set(exported.localName, [...names.get(exported.localName) ?? [], exported.name]);
		}
	}

	return names;
}
