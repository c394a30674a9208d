import {SerializationError} from '../errors.js';
import {analyzeFunction} from './free-names.js';
import {parseFunctionText} from './function-text.js';
import {exportReferenceOf, type ExportReference, type TaskFunction} from './module-handle.js';

/** A function of the runtime itself: of the module, or of the global object when there is none. */
export interface BuiltinReference {
	readonly kind: 'builtin';
	readonly module: string | null;
	readonly path: readonly string[];
}

/** A function that uses nothing outside itself, by its text. */
export interface SourceReference {
	readonly kind: 'source';
	/** An expression. */
	readonly text: string;
	readonly name: string;
	readonly isStrict: boolean;
	/** Whether the text has `import()`, which costs a loader hook. */
	readonly hasImport: boolean;
	readonly url: string | null;
	readonly line: number | null;
}

/** How a function travels: plain data. */
export type FunctionReference = ExportReference | BuiltinReference | SourceReference;

const described = new WeakMap<object, FunctionReference>();

/**
 * How a function travels to another process.
 *
 * @throws {SerializationError} when it cannot
 */
export function describeFunction(fn: (...args: never[]) => unknown): FunctionReference {
	const known = described.get(fn);
	if (known) {
		return known;
	}

	const reference = exportReferenceOf(fn) ?? sourceReference(fn as TaskFunction);
	described.set(fn, reference);
	return reference;
}

function sourceReference(fn: TaskFunction): SourceReference {
	const text = Function.prototype.toString.call(fn);
	const parsed = parseFunctionText(text, false);
	if (parsed === undefined || parsed === 'class') {
		throw new SerializationError(`The function ${fn.name} cannot travel.`, {side: 'submit', function: fn.name});
	}

	const [facts] = analyzeFunction(parsed.node, true);
	for (const name of facts.freeNames.keys()) {
		if (!(name in globalThis)) {
			throw new SerializationError(`The function ${fn.name} uses ${name}. Pass it as an argument, or export the function from a module and use executor.module(url).`, {side: 'submit', function: fn.name, path: [name]});
		}
	}

	return {
		kind: 'source', text: parsed.expression, name: fn.name, isStrict: true, hasImport: facts.dynamicImports.length > 0, url: null, line: null,
	};
}
