/** Waits for a clean-up whose own failure is nobody's concern: the error before it is the one to report. */
export async function ignoreFailure(cleanup: Promise<void>): Promise<void> {
	try {
		await cleanup;
	} catch {
		// Deliberately nothing: see above.
	}
}
