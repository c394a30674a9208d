/** Functions, classes, cells and bound functions, from their tokens. */
import type {AnyFunction, Unfilled} from '../functions/factory.js';
import {SharedVariable} from '../functions/captured-function.js';
import {
	localClass, rebuiltClass, registerRebuiltClass, resetClass,
} from '../functions/classes.js';
import {createLateBound} from '../functions/late-bound.js';
import type {PreparedCode} from '../functions/prepared-code.js';
import {provenanceOf} from '../functions/provenance.js';
import {DecorationReader} from './decoration-reader.js';
import {malformed} from './leaf-reader.js';
import {Announced, type ObjectSource, type Target} from './object-source.js';
import {readForeign, readSymbol} from './reference-reader.js';
import {laterKind, operation} from './wire.js';

/** A function whose variables come later. */
class AnnouncedFunction extends Announced {
	readonly lateCount: number;
	readonly unfilled: Unfilled;

	constructor(unfilled: Unfilled, lateCount: number) {
		super(unfilled.fn);
		this.unfilled = unfilled;
		this.lateCount = lateCount;
	}
}

class AnnouncedCell extends Announced {
	readonly cell: SharedVariable;

	constructor(cell: SharedVariable) {
		super(cell);
		this.cell = cell;
	}
}

/** An object of which only the decoration comes later. */
class AnnouncedWhole extends Announced {
	readonly isFilled = true;
}

const noMore = (): void => {
	// Its variables are its own.
};

export class FunctionReader {
	readonly #source: ObjectSource;
	readonly #decorations: DecorationReader;
	#codes: readonly PreparedCode[] | null = null;

	constructor(source: ObjectSource) {
		this.#source = source;
		this.#decorations = new DecorationReader(source);
	}

	/** @param target what was announced, if this is its turn */
	read(code: number, target: Target): unknown {
		if (code === operation.decorated) {
			return this.#decorations.read(target, target instanceof AnnouncedWhole ? target.object : null);
		}

		if (target !== null) {
			return this.#readTurn(code, target);
		}

		switch (code) {
			case operation.function: {
				return this.#readFunction();
			}

			case operation.cell: {
				return this.#fillCell(this.#source.add(new SharedVariable(undefined)));
			}

			case operation.bound: {
				return this.#readBound();
			}

			case operation.prototypeOf: {
				return this.#readPrototypeOf();
			}

			case operation.symbol: {
				return this.#source.add(readSymbol(this.#source));
			}

			case operation.url: {
				return this.#source.add(new URL(this.#source.text()));
			}

			default: {
				return this.#source.add(this.#decorations.protect(readForeign(code, this.#source)));
			}
		}
	}

	/** Makes what is completed on its turn. */
	announce(kind: number): Announced {
		switch (kind) {
			case laterKind.function: {
				const number = this.#source.begin();
				const code = this.#code();
				const unfilled = this.#beginFunction(code, number);
				return new AnnouncedFunction(unfilled, code.code.captured.length - code.earlyCount);
			}

			case laterKind.cell: {
				return new AnnouncedCell(this.#source.add(new SharedVariable(undefined)));
			}

			case laterKind.whole: {
				this.#source.enter();
				const object = this.#source.readInto(null);
				this.#source.leave();
				if (!isObject(object)) {
					throw malformed('an object is none');
				}

				return new AnnouncedWhole(object);
			}

			default: {
				throw malformed('a container has no known kind');
			}
		}
	}

	/** To be called when everything is read. */
	finish(): void {
		this.#decorations.finish();
	}

	#readTurn(code: number, target: Exclude<Target, null>): object {
		if (code === operation.function && target instanceof AnnouncedFunction) {
			this.#fillFunction(target.unfilled, target.lateCount);
			return target.object;
		}

		if (code === operation.cell && target instanceof AnnouncedCell) {
			return this.#fillCell(target.cell);
		}

		throw malformed('a container changes its kind');
	}

	#fillCell(cell: SharedVariable): SharedVariable {
		this.#source.enter();
		cell.v = this.#source.read();
		this.#source.leave();
		return cell;
	}

	#code(): PreparedCode {
		const code = this.#allCodes()[this.#source.count()];
		if (code === undefined) {
			throw malformed('the code of a function is missing');
		}

		return code;
	}

	#allCodes(): readonly PreparedCode[] {
		if (this.#codes === null) {
			const {context, codes} = this.#source;
			if (context.codes === null) {
				throw malformed('a function where none may be');
			}

			this.#codes = codes === undefined ? context.codes : context.prepare(codes);
		}

		return this.#codes;
	}

	#readFunction(): AnyFunction {
		const number = this.#source.begin();
		const code = this.#code();
		if (this.#source.count() === 0) {
			return this.#readEarlyFunction(code, number);
		}

		const unfilled = this.#beginFunction(code, number);
		this.#fillFunction(unfilled, code.code.captured.length - code.earlyCount);
		return unfilled.fn;
	}

	/** Creates a function when all its values are there. */
	#readEarlyFunction(code: PreparedCode, number: number): AnyFunction {
		if (code.code.kind === 'class') {
			throw malformed('a class is not late');
		}

		const {length} = code.code.captured;
		const values: unknown[] = [];
		let selves: number[] | null = null;
		this.#source.enter();
		while (values.length < length) {
			if (this.#source.takeOperation(operation.self)) {
				selves ??= [];
				selves.push(values.length);
				values.push(undefined);
			} else {
				values.push(this.#source.read());
			}
		}

		this.#source.leave();
		const fn = code.create(values, selves);
		this.#source.place(number, fn);
		return fn;
	}

	/** Creates a function that is filled when it can be referred to. */
	#beginFunction(code: PreparedCode, number: number): Unfilled {
		const id = code.code.kind === 'class' ? this.#source.text() : null;
		this.#source.enter();
		const early: unknown[] = [];
		while (early.length < code.earlyCount) {
			early.push(this.#source.read());
		}

		this.#source.leave();
		const unfilled = id === null ? code.createLate(early) : this.#classOf(id, code, early);
		this.#source.place(number, unfilled.fn);
		return unfilled;
	}

	/** The class that has the id here, or else a new one. */
	#classOf(id: string, code: PreparedCode, early: readonly unknown[]): Unfilled {
		const known = localClass(id);
		const rebuilt = known && rebuiltClass(known);
		if (known !== undefined && rebuilt === undefined) {
			// One that was defined here keeps its own variables.
			this.#decorations.protect(known);
			return {fn: known as AnyFunction, fill: noMore, setPrivateStatics: null};
		}

		const {captured} = code.code;
		if (rebuilt !== undefined) {
			if (provenanceOf(rebuilt.fn)!.code.captured.length !== captured.length) {
				throw malformed('a class changes its code');
			}

			const superclass = captured.findIndex(({kind}) => kind === 'superclass');
			if (resetClass(rebuilt, superclass === -1 ? null : early[superclass])) {
				rebuilt.setPrivateStatics?.(early.filter((_value, index) => captured[index]!.kind === 'privateStatic'));
				return rebuilt;
			}
		}

		const made = code.createLate(early);
		registerRebuiltClass(id, made);
		return made;
	}

	#fillFunction({fn, fill}: Unfilled, count: number): void {
		const values: unknown[] = [];
		this.#source.enter();
		while (values.length < count) {
			values.push(this.#source.takeOperation(operation.self) ? fn : this.#source.read());
		}

		this.#source.leave();
		fill(values);
	}

	#readBound(): AnyFunction {
		const number = this.#source.begin();
		const isLate = this.#source.count() !== 0;
		this.#source.enter();
		const target = this.#source.read();
		if (typeof target !== 'function') {
			throw malformed('what is bound is no function');
		}

		const late = isLate ? createLateBound(target as AnyFunction) : null;
		if (late !== null) {
			this.#source.place(number, late.fn);
		}

		const self = this.#source.read();
		const count = this.#source.count();
		const args: unknown[] = [];
		while (args.length < count) {
			args.push(this.#source.read());
		}

		this.#source.leave();
		if (late !== null) {
			late.fill(self, args);
			return late.fn;
		}

		const fn = Reflect.apply(bind, target, [self, ...args]);
		this.#source.place(number, fn);
		return fn;
	}

	#readPrototypeOf(): object {
		this.#source.enter();
		const fn = this.#source.read();
		this.#source.leave();
		const prototype: unknown = typeof fn === 'function' ? Object.getOwnPropertyDescriptor(fn, 'prototype')?.value : undefined;
		if (!isObject(prototype)) {
			throw malformed('a function has no prototype');
		}

		this.#decorations.follow(fn as AnyFunction, prototype);
		return prototype;
	}
}

// Kept: a program may replace it.
const bind = Function.prototype.bind as (this: unknown, ...args: readonly unknown[]) => AnyFunction;

const isObject = (value: unknown): value is object => typeof value === 'function' || (typeof value === 'object' && value !== null);
