import vm from 'node:vm';
import {takeImportWarning} from './import-warning.js';
import type {TaskFunction} from './module-handle.js';
import type {SourceReference} from './source-function.js';

const compiled = new Map<string, TaskFunction>();
const rememberedFunctions = 1000;

/** The function that a text makes. One text is one function, so it stays compiled and optimised from task to task. */
export function compiledFunction(reference: SourceReference): TaskFunction {
	const {text, name, isStrict} = reference;
	const key = `${isStrict ? 'strict' : 'sloppy'} ${name}\n${text}`;
	const known = compiled.get(key);
	if (known) {
		return known;
	}

	const [oldest] = compiled.keys();
	if (oldest !== undefined && compiled.size >= rememberedFunctions) {
		compiled.delete(oldest);
	}

	const fn = compile(reference);
	if (fn.name !== name) {
		Object.defineProperty(fn, 'name', {value: name, configurable: true});
	}

	compiled.set(key, fn);
	return fn;
}

function compile({text, name, isStrict, hasImport, url, line}: SourceReference): TaskFunction {
	const head = `(function () { ${isStrict ? '\'use strict\'; ' : ''}return (`;
	const options = {
		// Neither a URL nor an absolute path: then import() resolves packages from the directory of the worker.
		filename: url ?? `[source of ${name === '' ? 'a function' : name}]`,
		lineOffset: (line ?? 1) - 1,
		columnOffset: -head.length,
	};
	const source = `${head}${text}); })`;
	if (!hasImport) {
		return evaluate(new vm.Script(source, options));
	}

	takeImportWarning();
	return evaluate(new vm.Script(source, {...options, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER}));
}

const evaluate = (script: vm.Script): TaskFunction => (script.runInThisContext() as () => TaskFunction)();
