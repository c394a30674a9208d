import process from 'node:process';
import {inspect} from 'node:util';

/**
 * Futures that fail for one and the same reason, as when an executor breaks: they warn once between them.
 */
export interface FailureGroup {
	warned: boolean;
}

interface UnobservedFailure {
	readonly error: unknown;
	readonly group: FailureGroup | undefined;
}

export const createFailureGroup = (): FailureGroup => ({warned: false});

/** The text of any thrown value. Runs no code of the value's own, and never throws. */
export function describeFailure(error: unknown): string {
	try {
		return inspect(error, {customInspect: false});
	} catch {
		return 'a value that cannot be shown';
	}
}

const registry = new FinalizationRegistry<UnobservedFailure>(({error, group}) => {
	if (group?.warned) {
		return;
	}

	if (group !== undefined) {
		group.warned = true;
	}

	process.emitWarning('A task failed, and nothing ever looked at its future. Await it, or handle the error with catch() or exception().', {
		type: 'UnobservedFailureWarning',
		code: 'LOKY_UNOBSERVED_FAILURE',
		detail: describeFailure(error),
	});
});

/** Warns about `error` when `future` is garbage collected. The error must not lead back to the future, or neither is ever collected. */
export function warnWhenCollected(future: WeakKey, error: unknown, group: FailureGroup | undefined): void {
	registry.register(future, {error, group}, future);
}

/** Somebody has looked at the failure: no warning. */
export function withdrawWarning(future: WeakKey): void {
	registry.unregister(future);
}
