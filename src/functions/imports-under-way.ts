/**
 * Whether this worker is importing a module for a task. What the module starts while it is imported it would start in every worker again,
 * when it leads back to the program that submitted the task.
 */

let underWay = 0;

export const isImporting = (): boolean => underWay > 0;

/** Called in a worker. */
export async function whileImporting(importIt: () => Promise<void>): Promise<void> {
	underWay++;
	try {
		await importIt();
	} finally {
		underWay--;
	}
}

/** As `whileImporting`, of a module that is required. */
export function whileRequiring<T>(requireIt: () => T): T {
	underWay++;
	try {
		return requireIt();
	} finally {
		underWay--;
	}
}
