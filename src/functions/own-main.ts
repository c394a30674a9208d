/**
 * Functions of this program's own main script, under the names that it exports them by.
 *
 * It may still be running, up to an `await` for the very result that names them: then to import it would wait for ever.
 */
import type {ModuleFunctionReference} from './code.js';

type Finder = (reference: ModuleFunctionReference) => object | undefined;

const finders = new Map<string, Finder>();

/** Says how to find what the main script with this URL exports. */
export function provideMainExports(url: string, find: Finder): void {
	finders.set(url, find);
}

/** Undefined where only an import can tell. */
export const ownMainFunction = (reference: ModuleFunctionReference): object | undefined => finders.get(reference.url)?.(reference);
