/** Which modules' functions travel by value although they are exported. */
import {moduleUrl} from './module-url.js';
import {isEntryScript} from './entry-script.js';
import {isMainScript} from './main-script.js';

class ReferenceRules {
	/** Counts the changes: what was remembered under another version has to be found out again. */
	version = 0;
	/** Whether workers import the main script too, so that its functions can be found there. */
	#isMainImported = false;
	readonly #byValue = new Set<string>();

	/** Whether the functions that the script exports may be found by its URL. */
	allows(url: string): boolean {
		return !this.#byValue.has(url) && (this.#isMainImported || (!isEntryScript(url) && !isMainScript(url)));
	}

	addByValue(url: string): void {
		this.#byValue.add(url);
		this.version++;
	}

	importMain(): void {
		if (!this.#isMainImported) {
			this.#isMainImported = true;
			this.version++;
		}
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
