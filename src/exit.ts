/**
 * What pools do when the process exits, behind one listener for all of them: a listener each would make Node warn of a leak.
 */
import process from 'node:process';

const actions = new Map<object, () => void>();

/** Calls `action` when the process exits; null takes that back. Holds the owner until then. */
export function watchExit(owner: object, action: (() => void) | null): void {
	if (action === null) {
		actions.delete(owner);
		if (actions.size === 0) {
			process.off('exit', runActions);
		}

		return;
	}

	if (actions.size === 0) {
		process.on('exit', runActions);
	}

	actions.set(owner, action);
}

function runActions(): void {
	for (const action of actions.values()) {
		action();
	}
}
