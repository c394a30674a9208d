/** Which modules' functions travel by value although they are exported. */
import {moduleUrl} from './module-url.js';
import {isEntryScript} from './entry-script.js';
import {isInheritedMain} from './main-script.js';

class ReferenceRules {
	/** Counts the changes: what was remembered under another version has to be found out again. */
	version = 0;
	readonly #byValue = new Set<string>();

	/**
	 * Whether the functions that the script exports may be found by its URL.
	 *
	 * @param importsMain whether the receiver has imported the main script too
	 */
	allows(url: string, importsMain: boolean): boolean {
		return !this.#byValue.has(url) && (importsMain || (!isEntryScript(url) && !isInheritedMain(url)));
	}

	addByValue(url: string): void {
		this.#byValue.add(url);
		this.version++;
	}
}

export const referenceRules = new ReferenceRules();

/**
 * Lets the functions and classes of a module travel by value, although it exports them: for a module that workers cannot import, or that
 * changes while the program runs.
 *
 * @param module its URL or absolute path
 * @throws {TypeError} It is neither.
 */
export function registerByValue(module: URL | string): void {
	referenceRules.addByValue(moduleUrl(module));
}
