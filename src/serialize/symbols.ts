/** Symbols: those that every process has travel by name, others are one per payload. */
import {operation, symbolKind} from './wire.js';

const wellKnownNames: ReadonlyMap<symbol, string> = new Map(Object.getOwnPropertyNames(Symbol)
	.map(name => [Object.getOwnPropertyDescriptor(Symbol, name)?.value as unknown, name] as const)
	.filter((entry): entry is [symbol, string] => typeof entry[0] === 'symbol'));

/** Where tokens go. */
export type SymbolTarget = {readonly tokens: unknown[]; write(value: unknown): void};

export function writeSymbol(value: symbol, target: SymbolTarget): void {
	const registered = Symbol.keyFor(value);
	const wellKnown = wellKnownNames.get(value);
	if (registered !== undefined) {
		target.tokens.push(null, operation.symbol, symbolKind.registered);
		target.write(registered);
	} else if (wellKnown === undefined) {
		target.tokens.push(null, operation.symbol, symbolKind.unique);
		target.write(value.description);
	} else {
		target.tokens.push(null, operation.symbol, symbolKind.wellKnown, wellKnown);
	}
}
