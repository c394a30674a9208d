/** What this process has itself, and a payload only names. */
import {builtinValue} from '../functions/builtin-value.js';
import {localClass} from '../functions/classes.js';
import type {ExportStep} from '../functions/code.js';
import {moduleFunction} from '../functions/module-function.js';
import {importedNamespace, importNamespace} from '../functions/module-import.js';
import {referenceError} from '../functions/reference-error.js';
import {malformed, type LeafSource} from './leaf-reader.js';
import type {ObjectSource} from './object-source.js';
import {ImportUnderWay} from './reducers.js';
import {operation, symbolKind} from './wire.js';

export function readForeign(code: number, source: ObjectSource): object {
	if (source.context.codes === null) {
		throw malformed('an operation is unknown, or may not be here');
	}

	switch (code) {
		case operation.exported: {
			return readExported(source);
		}

		case operation.builtin: {
			const module = optionalText(source);
			return builtinValue(module, list(source, () => source.text()), source.context.side);
		}

		case operation.namespace: {
			const url = source.text();
			return importedNamespace(null, url, null) ?? wait(importNamespace(null, url, null, source.context.side));
		}

		case operation.knownClass: {
			return readKnownClass(source);
		}

		default: {
			throw malformed('an operation is unknown');
		}
	}
}

function readExported(source: ObjectSource): object {
	const url = source.text();
	const isCommonJs = source.next();
	if (typeof isCommonJs !== 'boolean') {
		throw malformed('a reference to a module is none');
	}

	const fn = moduleFunction({
		url,
		isCommonJs,
		fileHash: optionalText(source),
		textHash: optionalText(source),
		path: list(source, () => ({kind: stepKind(source.text()), key: source.text()})),
	}, source.context.side);
	return fn instanceof Promise ? wait(fn) : fn;
}

function stepKind(kind: string): ExportStep['kind'] {
	if (kind !== 'value' && kind !== 'get' && kind !== 'set') {
		throw malformed('a step to a function is none');
	}

	return kind;
}

function readKnownClass(source: ObjectSource): object {
	const id = source.text();
	const known = localClass(id);
	if (known === undefined) {
		throw referenceError('ERR_REFERENCE_MISSING', `The class ${id} is not there any more: nothing in this process refers to it. Keep the class, or an instance of it, while results are on their way.`, {side: source.context.side});
	}

	return known;
}

export function readSymbol(source: LeafSource): symbol {
	const kind = source.count();
	const text = optionalText(source);
	if (kind === symbolKind.unique) {
		return Symbol(text ?? undefined);
	}

	const symbol: unknown = kind === symbolKind.registered ? Symbol.for(text ?? '') : (Symbol as unknown as Readonly<Record<string, unknown>>)[text ?? ''];
	if (typeof symbol !== 'symbol') {
		throw malformed('a symbol is unknown');
	}

	return symbol;
}

function optionalText(source: LeafSource): string | null {
	const text = source.read();
	if (text !== undefined && typeof text !== 'string') {
		throw malformed('a text is none');
	}

	return text ?? null;
}

function list<T>(source: LeafSource, readItem: () => T): T[] {
	const count = source.count();
	const items: T[] = [];
	while (items.length < count) {
		items.push(readItem());
	}

	return items;
}

function wait(imported: Promise<unknown>): never {
	// Whoever does not wait for it has no use for its failure either.
	imported.catch(() => undefined);
	throw new ImportUnderWay(imported);
}
