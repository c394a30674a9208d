/**
 * Codes as they arrive: plain data that may be anything.
 */
import type {CapturedKind, Code, FixedParameter} from './code.js';

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200C\u200D]*$/v;

const fixedKinds: ReadonlySet<unknown> = new Set<FixedParameter['kind']>(['namespace', 'required', 'commonJs', 'importMeta', 'identity']);
const capturedKinds: ReadonlySet<unknown> = new Set<CapturedKind>(['value', 'constant', 'cell', 'superclass', 'key', 'privateStatic']);
const commonJsNames: ReadonlySet<unknown> = new Set(['require', 'module', 'exports', '__filename', '__dirname']);

/** @throws {TypeError} It is no list of codes. */
export function readCodes(value: unknown): readonly Code[] {
	if (!Array.isArray(value) || !value.every(code => isCode(code))) {
		throw new TypeError('the codes of the functions are none');
	}

	return value;
}

type Fields<T> = {readonly [K in keyof T]?: unknown};

function isCode(value: unknown): value is Code {
	if (typeof value !== 'object' || value === null) {
		return false;
	}

	const code = value as Fields<Code>;
	return (code.kind === 'function' || code.kind === 'class')
		&& typeof code.text === 'string' && typeof code.name === 'string'
		&& typeof code.isStrict === 'boolean' && typeof code.hasDynamicImport === 'boolean'
		&& (code.url === null || typeof code.url === 'string')
		// What was put ahead of a text may make its column negative.
		&& isPosition(code.line) && Number.isInteger(code.column)
		&& Array.isArray(code.fixed) && code.fixed.every(parameter => isFixed(parameter))
		&& Array.isArray(code.captured) && code.captured.every(parameter => isCaptured(parameter));
}

const isPosition = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;

/** A parameter is put into a text that is compiled. */
function isParameter(value: unknown, kinds: ReadonlySet<unknown>): value is {readonly kind: string; readonly parameter: string} {
	if (typeof value !== 'object' || value === null) {
		return false;
	}

	const {kind, parameter} = value as {readonly kind?: unknown; readonly parameter?: unknown};
	return kinds.has(kind) && typeof parameter === 'string' && identifier.test(parameter);
}

const isCaptured = (value: unknown): boolean => isParameter(value, capturedKinds);

function isFixed(value: unknown): boolean {
	if (!isParameter(value, fixedKinds)) {
		return false;
	}

	const {kind, specifier, attributes, path, name} = value as Readonly<Record<string, unknown>>;
	switch (kind) {
		case 'namespace': {
			return typeof specifier === 'string' && (attributes === null || (typeof attributes === 'object' && Object.values(attributes).every(one => typeof one === 'string')));
		}

		case 'required': {
			return typeof specifier === 'string' && Array.isArray(path) && path.every(key => typeof key === 'string');
		}

		case 'commonJs': {
			return commonJsNames.has(name);
		}

		default: {
			return true;
		}
	}
}
