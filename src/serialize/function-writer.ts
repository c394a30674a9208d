/**
 * Writes functions: by name where the other side has them, otherwise code and captured variables. Part of the walk of `graph-writer.ts`.
 */
import {
	CaptureRefusal, type CapturedCode, type CapturedFunction, type Decoration, type FunctionCapture, type SharedVariables,
} from '../functions/captured-function.js';
import {isEarly, type Code, type ModuleFunctionReference} from '../functions/code.js';
import type {BuiltinReference} from '../functions/builtin-functions.js';
import {
	SerializationError, type FunctionPlace, type PathStep, type SerializationSide,
} from '../errors.js';
import {laterKind, operation} from './wire.js';

/** The walk that functions are met in. */
export interface FunctionWalk {
	readonly tokens: unknown[];
	readonly side: SerializationSide;
	write(value: unknown): void;
	writeText(text: string): void;
	/** Writes each value one level further down, under its name; `holder` is the function that they belong to. */
	writeNamed(values: ReadonlyArray<readonly [PathStep, unknown]>, holder: FunctionPlace | null): void;
	/** As `writeNamed`, with all that holds other objects put off: nothing that they lead to may come before they are read. */
	writeNamedFlat(values: ReadonlyArray<readonly [PathStep, unknown]>, holder: FunctionPlace | null): void;
	/** What `writeObject` writes, and then what the object has besides; `more` writes properties of its own. */
	writeDecorated(decoration: Decoration | null, writeObject: () => void, more?: readonly [count: number, write: () => void]): void;
	putOff(value: object): void;
	path(): PathStep[];
}

/** The functions of one payload. */
export class FunctionWriter {
	/** The texts that the payload refers to by number. */
	readonly codes: Code[] = [];
	/** The functions by value, for whoever wants to know whether the same bytes would be written again. */
	readonly captured: CapturedCode[] = [];
	/** The classes by value: who awaits an instance of one has to keep it. */
	readonly classes: object[] = [];
	/** Whether anything was met whose contents may differ at the next capture. */
	isStable = true;
	readonly #numbers = new Map<Code, number>();
	readonly #capture: FunctionCapture;
	readonly #variables: SharedVariables;
	readonly #walk: FunctionWalk;
	/** Where the tokens of functions stand that are being written, for those that lead back to themselves. */
	readonly #open = new Map<object, number>();
	readonly #announced = new Map<object, CapturedCode>();

	constructor(capture: FunctionCapture, walk: FunctionWalk) {
		this.#capture = capture;
		this.#walk = walk;
		this.#variables = capture.createVariables();
	}

	/** An object that is met again while it is written has to exist before its values. */
	referTo(value: object): void {
		const position = this.#open.get(value);
		if (position !== undefined) {
			this.#walk.tokens[position] = 1;
		}
	}

	write(fn: object): void {
		const captured = this.#describe(fn);
		switch (captured.kind) {
			case 'code': {
				this.#writeDecorated(captured, fn, () => {
					this.#writeCode(captured, fn);
				});
				break;
			}

			case 'module': {
				this.#writeModuleFunction(captured.reference);
				break;
			}

			case 'builtin': {
				this.writeBuiltin(captured.reference);
				break;
			}

			case 'knownClass': {
				this.#walk.tokens.push(null, operation.knownClass, captured.id);
				break;
			}

			case 'bound': {
				this.#walk.writeDecorated(captured.decoration, () => {
					this.#writeBound(fn, captured);
				});
				break;
			}

			default: {
				captured satisfies never;
			}
		}
	}

	/** Writes what has to be there at once of a function that is nested too deep; its values come when it is its turn. */
	writeLater(fn: object): void {
		const captured = this.#describe(fn);
		if (captured.kind !== 'code') {
			this.write(fn);
			return;
		}

		const {tokens} = this.#walk;
		tokens.push(null, operation.later, laterKind.function, this.#numberOf(captured));
		this.#writeClassId(captured);
		this.#walk.writeNamedFlat(valuesOf(captured, true, fn), captured.place);
		this.#announced.set(fn, captured);
		this.#walk.putOff(fn);
	}

	/** @returns whether the function was announced: then its values and its decoration are written. */
	writeAnnounced(fn: object): boolean {
		const captured = this.#announced.get(fn);
		if (captured === undefined) {
			return false;
		}

		this.#writeDecorated(captured, fn, () => {
			this.#walk.tokens.push(null, operation.function);
			this.#walk.writeNamed(valuesOf(captured, false, fn), captured.place);
		});
		return true;
	}

	/** Whether a class can be had at the other end. */
	travels(home: object | undefined): boolean {
		if (home === undefined) {
			return false;
		}

		try {
			this.#capture.capture(home, this.#variables);
			return true;
		} catch {
			return false;
		}
	}

	writeBuiltin({module, path}: BuiltinReference): void {
		this.#walk.tokens.push(null, operation.builtin, module ?? undefined, path.length, ...path);
	}

	#describe(fn: object): CapturedFunction {
		try {
			const captured = this.#capture.capture(fn, this.#variables);
			if (captured.kind === 'code') {
				this.captured.push(captured);
				if (captured.classId !== null) {
					this.classes.push(fn);
				}

				this.isStable &&= captured.isStable && captured.decoration === null && captured.prototypeDecoration === null;
			} else {
				this.isStable &&= captured.kind === 'module' || captured.kind === 'builtin';
			}

			return captured;
		} catch (error) {
			throw error instanceof CaptureRefusal ? this.#refusal(error) : error;
		}
	}

	#refusal({shown, words, code, variable, place}: CaptureRefusal): SerializationError {
		const path = [...this.#walk.path(), ...variable === null ? [] : [variable]];
		return new SerializationError(`${shown} ${words}`, {
			side: this.#walk.side, code, path, function: place,
		});
	}

	#numberOf({code}: CapturedCode): number {
		let number = this.#numbers.get(code);
		if (number === undefined) {
			number = this.codes.push(code) - 1;
			this.#numbers.set(code, number);
		}

		return number;
	}

	#writeClassId({classId}: CapturedCode): void {
		if (classId !== null) {
			this.#walk.tokens.push(classId);
		}
	}

	#writeCode(captured: CapturedCode, fn: object): void {
		const {tokens} = this.#walk;
		const isClass = captured.code.kind === 'class';
		const position = tokens.push(null, operation.function, this.#numberOf(captured), isClass ? 1 : 0) - 1;
		this.#writeClassId(captured);
		this.#open.set(fn, position);
		this.#walk.writeNamedFlat(valuesOf(captured, true, fn), captured.place);
		this.#walk.writeNamed(valuesOf(captured, false, fn), captured.place);
		this.#open.delete(fn);
	}

	#writeDecorated(captured: CapturedCode, fn: object, writeFunction: () => void): void {
		const {decoration, prototypeDecoration} = captured;
		if (prototypeDecoration === null) {
			this.#walk.writeDecorated(decoration, writeFunction);
			return;
		}

		this.#walk.writeDecorated(decoration ?? nothing, writeFunction, [1, () => {
			const prototype = Object.getOwnPropertyDescriptor(fn, 'prototype')!;
			this.#walk.writeText('prototype');
			this.#walk.tokens.push(prototype.writable === true ? 4 : 0);
			this.#walk.writeDecorated(prototypeDecoration, () => {
				this.#walk.tokens.push(null, operation.prototypeOf);
				this.#walk.write(fn);
			});
		}]);
	}

	#writeModuleFunction({url, isCommonJs, path, fileHash, textHash}: ModuleFunctionReference): void {
		const {tokens} = this.#walk;
		tokens.push(null, operation.exported);
		this.#walk.writeText(url);
		tokens.push(isCommonJs, fileHash ?? undefined, textHash ?? undefined, path.length);
		for (const {kind, key} of path) {
			tokens.push(kind);
			this.#walk.writeText(key);
		}
	}

	#writeBound(fn: object, {target, self, args}: CapturedFunction & {readonly kind: 'bound'}): void {
		const {tokens} = this.#walk;
		const position = tokens.push(null, operation.bound, 0) - 1;
		this.#open.set(fn, position);
		this.#walk.writeNamed([['target', target], ['this', self]], null);
		tokens.push(args.length);
		this.#walk.writeNamed(args.map((value, index) => [index, value]), null);
		this.#open.delete(fn);
	}
}

const nothing: Decoration = {
	prototype: undefined, properties: [], deletions: [], integrity: 'extensible',
};

/** Stands for the function itself among its own values. */
export const itself = Symbol('itself');

function valuesOf({code, values, names}: CapturedCode, early: boolean, fn: object): Array<readonly [PathStep, unknown]> {
	const chosen: Array<readonly [PathStep, unknown]> = [];
	for (const [index, parameter] of code.captured.entries()) {
		if (isEarly(parameter) === early) {
			const value = values[index];
			chosen.push([names[index]!, value === fn && parameter.kind !== 'cell' ? itself : value]);
		}
	}

	return chosen;
}
