import {Buffer} from 'node:buffer';
import {Packr} from 'msgpackr';
import type {CapturedParameter, Code} from '#dist/functions/code.js';
import {prepareCode, type PreparedCode} from '#dist/functions/prepared-code.js';
import {decodeWithFunctions, encode, type FunctionContext} from '#dist/serialize/codec.js';
import {hasCodes} from '#dist/serialize/wire.js';

/** Any function, as a test calls it. */
export type Callable = (...args: unknown[]) => unknown;

const packr = new Packr({useRecords: false, moreTypes: true, structuredClone: true});

export const codeOf = (text: string, captured: ReadonlyArray<CapturedParameter | string> = [], more: Partial<Code> = {}): Code => ({
	kind: 'function',
	text,
	name: 'fn',
	isStrict: true,
	hasDynamicImport: false,
	url: null,
	line: 0,
	column: 0,
	fixed: [],
	captured: captured.map(parameter => typeof parameter === 'string' ? {kind: 'value', parameter} : parameter),
	...more,
});

export const classOf = (name: string, text: string, captured: ReadonlyArray<CapturedParameter | string> = []): Code => codeOf(text, captured, {kind: 'class', name});

/** A function of that code, whose imports are awaited. */
export async function createFunction(code: Code, ...values: unknown[]): Promise<Callable> {
	const prepared = await prepareCode(code);
	return createNow(prepared, ...values);
}

export const createNow = (prepared: PreparedCode, ...values: unknown[]): Callable => prepared.create(values, null) as Callable;

/** The bytes of a payload that brings its codes. */
export const payload = (codes: readonly Code[], tokens: readonly unknown[], flags = 1): Uint8Array =>
	packr.pack([[flags + hasCodes, Buffer.from(encode(codes))], ...tokens]);

export const plainPayload = (tokens: readonly unknown[], flags = 1): Uint8Array => packr.pack([flags, ...tokens]);

/** What these tokens stand for, in a payload that brings the codes. */
export const readTokens = (codes: readonly Code[], tokens: readonly unknown[], context: FunctionContext = {}): unknown =>
	decodeWithFunctions(payload(codes, tokens), 'worker', context);
