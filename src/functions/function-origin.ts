/**
 * The script that a function stands in, and the place there, as V8 itself has them: about 0.3 µs, and no domain of the inspector is
 * enabled.
 */

import process from 'node:process';
import vm from 'node:vm';
import {calibrateOrigin, moduleFlag, scriptName} from '../native.js';

/** Lines and columns count from 0. The place is that of `(` for a function, of the first character for an arrow function. */
export interface FunctionOrigin {
	readonly scriptId: number;
	readonly line: number;
	readonly column: number;
	/** As V8 has it: with its query, or a plain path. Null for a script without a name. */
	readonly url: string | null;
	readonly isModule: boolean;
}

const place = new Int32Array(4);
let isCalibrated: boolean | undefined;

/** Where a function stands; null for one without a script, such as a native or bound one or a Proxy, and where V8 does not tell. */
export function functionOrigin(fn: object): FunctionOrigin | null {
	isCalibrated ??= calibrate();
	return isCalibrated ? readOrigin(fn) : null;
}

/** Whether V8 tells the place of functions at all. */
export function originsAreKnown(): boolean {
	isCalibrated ??= calibrate();
	return isCalibrated;
}

function readOrigin(fn: object): FunctionOrigin | null {
	const name = scriptName(fn, place);
	if (name === null) {
		return null;
	}

	const [scriptId = 0, line = 0, column = 0, flags = 0] = place;
	// eslint-disable-next-line no-bitwise -- V8's flags.
	const isModule = (flags & moduleFlag) !== 0;
	return {
		scriptId, line, column, url: typeof name === 'string' && name !== '' ? name : null, isModule,
	};
}

/** Objects are laid out as expected: 64 bits a word, and pointers are whole addresses. */
export function hasWholePointers(): boolean {
	const {variables} = process.config as {variables: Readonly<Record<string, unknown>>};
	return ['v8_enable_pointer_compression', 'v8_enable_31bit_smis_on_64bit_arch', 'v8_enable_sandbox']
		.every(name => variables[name] === undefined || variables[name] === 0 || variables[name] === false)
		&& ['x64', 'arm64'].includes(process.arch);
}

// Numbers that stand nowhere else in a structure.
const lineOffset = 1_234_567;
const columnOffset = 7_654_321;

function calibrate(): boolean {
	const filename = 'loky:origin';
	const functionOf = (head: string) => new vm.Script(`${head}(function known() {})`, {filename, lineOffset, columnOffset}).runInThisContext() as object;
	const first = functionOf('  ');
	if (!hasWholePointers() || !calibrateOrigin(first, lineOffset, columnOffset)) {
		return false;
	}

	const expected = [
		{fn: first, line: lineOffset, column: columnOffset + 17},
		{fn: functionOf('\n'), line: lineOffset + 1, column: 15},
	];
	return expected.every(({fn, line, column}) => {
		const origin = readOrigin(fn);
		return origin?.url === filename && origin.line === line && origin.column === column && !origin.isModule && origin.scriptId > 0;
	}) && readOrigin(Math.max) === null && readOrigin(functionOrigin.bind(null)) === null;
}
