/**
 * From the text of a function to functions: a script that is compiled once, whose value is a function with a parameter for everything
 * outside the text.
 *
 * Values that are known beforehand are arguments, which is as fast as the variables of a module. What comes late is assigned to the
 * parameters afterwards, by a second function in the same scope.
 */
import vm from 'node:vm';
import {isEarly, type CapturedParameter, type Code} from './code.js';
import {takeImportWarning} from './import-warning.js';
import {uncoveredName} from './uncovered-name.js';

export type AnyFunction = (...args: never[]) => unknown;

/** Takes the fixed values, then the captured ones. */
export type Factory = (...values: readonly unknown[]) => AnyFunction;

/** A function whose variables come later, by position among those that are not early. */
export interface Unfilled {
	readonly fn: AnyFunction;
	/** Gives the private static fields of a class their values again, by position among the captured parameters of that kind; null for others. */
	readonly setPrivateStatics: ((values: readonly unknown[]) => void) | null;
	fill(values: readonly unknown[]): void;
}

/** Takes the fixed values, then the early ones. */
export type LateFactory = (...values: readonly unknown[]) => Unfilled;

/**
 * @param selves the positions in `code.captured` of variables whose value is the function itself
 * @throws {SyntaxError} This Node.js does not understand the text.
 */
export function compileFactory(code: Code, selves: readonly number[] = []): Factory {
	const fresh = freshNames(code);
	const declarations: string[] = [];
	const parameters = code.captured.map(({kind, parameter}, index) => {
		if (kind !== 'constant') {
			return parameter;
		}

		// Nothing but a real constant makes an assignment throw.
		if (!selves.includes(index)) {
			declarations.push(`const ${parameter}=${fresh(`${index}`)};`);
		}

		return fresh(`${index}`);
	});
	const begin = `(function(${parameterList(code, parameters)}){${directive(code)}${declarations.join('')}`;
	const [open, close] = naming(code);
	if (selves.length === 0) {
		return compile(code, `${begin}return ${open}`, `${close}})`) as Factory;
	}

	const itself = fresh('f');
	const assignments = selves.map(index => selfDeclaration(code.captured[index]!, itself));
	return compile(code, `${begin}const ${itself}=${open}`, `${close};${assignments.join('')}return ${itself}})`) as Factory;
}

const selfDeclaration = ({kind, parameter}: CapturedParameter, itself: string): string =>
	kind === 'constant' ? `const ${parameter}=${itself};` : `${parameter}=${itself};`;

/**
 * A constant takes its value once: `fill` leaves it alone the second time, when a class is filled again.
 *
 * @throws {SyntaxError} This Node.js does not understand the text.
 */
export function compileLateFactory(code: Code): LateFactory {
	const fresh = freshNames(code);
	const late = code.captured.filter(parameter => !isEarly(parameter));
	const values = fresh('v');
	const assignments: string[] = [];
	const constants: string[] = [];
	for (const [index, parameter] of late.entries()) {
		(isFilledOnce(parameter, code) ? constants : assignments).push(`${parameter.parameter}=${values}[${index}]`);
	}

	const parameters = code.captured.filter(parameter => !isFilledOnce(parameter, code)).map(({parameter}) => parameter);
	const list = parameterList(code, parameters);
	const [open, close] = naming(code);
	const setter = privateSetter(code, fresh);
	const end = `${close},fill:function(${values}){${assignments.join(';')}},setPrivateStatics:${setter === null ? 'null' : setter.name}}`;
	if (constants.length === 0) {
		const begin = `(function(${[list, ...setter === null ? [] : [setter.name]].filter(Boolean).join(',')}){${directive(code)}return {fn:${open}`;
		return compile(code, begin, `${end}})`, setter?.text) as LateFactory;
	}

	// A generator stops ahead of the declarations and goes on when the values are there.
	const steps = compile(
		code,
		`(function*(${list}){${directive(code)}${setter === null ? '' : `let ${setter.name};`}const ${fresh('f')}={fn:${open}`,
		`${end},${values}=yield ${fresh('f')},${constants.join(',')};})`,
		setter?.text,
	) as (...values: readonly unknown[]) => Generator<Unfilled, void, readonly unknown[]>;
	return (...early) => {
		const step = steps(...early);
		const unfilled = step.next().value as Unfilled;
		return {
			...unfilled,
			fill(values) {
				unfilled.fill(values);
				step.next(values);
			},
		};
	};
}

/** Only code in the body of a class can assign to its private fields, so a block is added that leaves a function for it. */
function privateSetter({kind, text, captured}: Code, fresh: (suffix: string) => string): {readonly name: string; readonly text: string} | null {
	const fields = captured.filter(parameter => parameter.kind === 'privateStatic').map(({parameter}) => parameter.replace(/^.*?static_/v, '#'));
	if (kind !== 'class' || fields.length === 0) {
		return null;
	}

	const name = fresh('s');
	const assignments = fields.map((field, index) => `this.${field}=${fresh('v')}[${index}]`).join(';');
	return {name, text: `${text.slice(0, -1)};static{${name}=${fresh('v')}=>{${assignments}}}}`};
}

/**
 * Only a class is filled again. What cannot change is kept in registers: on Node 20 that makes a loop twice as fast. Sloppy code may have
 * variables whose names mean something in a generator.
 */
const isFilledOnce = (parameter: CapturedParameter, {kind, isStrict}: Code): boolean =>
	parameter.kind === 'constant' || (kind === 'function' && isStrict && !isEarly(parameter));

const directive = ({isStrict}: Code): string => isStrict ? '"use strict";' : '';

const parameterList = ({fixed}: Code, captured: readonly string[]): string =>
	[...fixed.map(({parameter}) => parameter), ...captured].join(',');

/** What gives an anonymous function its name as it is created: to define it afterwards costs twenty times as much. */
function naming({name}: Code): readonly [open: string, close: string] {
	const key = JSON.stringify(name);
	return name === '' || name === '__proto__' ? ['(', ')'] : [`({${key}:(`, `)})[${key}]`];
}

/** Names that the text cannot mean. */
function freshNames({text, fixed, captured}: Code): (suffix: string) => string {
	const taken = [text, ...[...fixed, ...captured].map(({parameter}) => parameter)].join(' ');
	let prefix = 'loky$';
	while (taken.includes(prefix)) {
		prefix += '$';
	}

	return suffix => prefix + suffix;
}

/** As the body of a function: V8 keeps the texts of whole scripts for minutes, and thousands of them may be used once. */
function compile(code: Code, head: string, tail: string, text = code.text): unknown {
	const begin = `return ${head}`;
	const options = {
		filename: scriptName(code),
		lineOffset: code.line,
		columnOffset: code.column - begin.length,
	};
	const source = `${begin}${text}${tail}`;
	if (!code.hasDynamicImport) {
		return evaluate(vm.compileFunction(source, [], options));
	}

	takeImportWarning();
	return evaluate(vm.compileFunction(source, [], {...options, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER}));
}

const evaluate = (body: object): unknown => (body as () => unknown)();

/** How stack traces name the script. */
function scriptName({url, name, hasDynamicImport}: Code): string {
	if (url === null) {
		// Neither a URL nor an absolute path: then import() resolves packages from the current directory.
		return `[source of ${name === '' ? 'a function' : name}]`;
	}

	return uncoveredName(url, hasDynamicImport);
}
