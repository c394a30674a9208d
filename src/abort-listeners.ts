/** The listeners of one signal, and the one listener that the signal itself sees. */
interface Subscription {
	readonly listeners: Set<() => void>;
	readonly notify: () => void;
}

const subscriptions = new WeakMap<AbortSignal, Subscription>();

/**
 * Calls `listener` when the signal aborts; the function returned withdraws it.
 *
 * However many listeners there are, the signal sees one: Node warns of a leak from the eleventh on, and a thousand waits may share a signal.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
	const {listeners, notify} = subscriptions.get(signal) ?? subscribe(signal);
	listeners.add(listener);
	return () => {
		if (listeners.delete(listener) && listeners.size === 0) {
			signal.removeEventListener('abort', notify);
			subscriptions.delete(signal);
		}
	};
}

function subscribe(signal: AbortSignal): Subscription {
	const listeners = new Set<() => void>();
	const notify = (): void => {
		for (const listener of listeners) {
			listener();
		}
	};

	const subscription = {listeners, notify};
	signal.addEventListener('abort', notify);
	subscriptions.set(signal, subscription);
	return subscription;
}
