import process from 'node:process';
import vm from 'node:vm';

let isTaken = false;

/** Node warns once per process that this way to import is experimental, at the first import(). The user can do nothing about it. */
export function takeImportWarning(): void {
	if (isTaken) {
		return;
	}

	isTaken = true;
	const {emitWarning} = process;
	process.emitWarning = () => undefined;
	try {
		void new vm.Script('import("node:process")', {importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER}).runInThisContext();
	} finally {
		process.emitWarning = emitWarning;
	}
}
