/**
 * Timers and the clock as they were when the package was loaded: a test that fakes them later must not stop a pool's deadlines.
 */
const {setTimeout, clearTimeout, performance} = globalThis;
const {now} = performance;

// Node turns a longer delay into 1 ms, with a warning.
const longestDelay = 2_147_483_647;

/** Milliseconds on a clock that never jumps. */
export const monotonicNow = (): number => Reflect.apply<unknown, [], number>(now, performance, []);

/**
 * Calls `callback` once after `delay` ms, which may be longer than Node's own limit; `null` means never.
 * The timer does not hold the process. The function returned stops it.
 */
export function startTimer(delay: number | null, callback: () => void): () => void {
	if (delay === null) {
		return () => undefined;
	}

	const deadline = monotonicNow() + delay;
	let timer: NodeJS.Timeout;
	const arm = (remaining: number): void => {
		timer = setTimeout(() => {
			// A long delay comes in pieces, and Node may fire up to 1 ms early.
			const rest = deadline - monotonicNow();
			if (rest > 0) {
				arm(rest);
			} else {
				callback();
			}
		}, Math.min(Math.ceil(remaining), longestDelay));
		timer.unref();
	};

	arm(delay);
	return () => {
		clearTimeout(timer);
	};
}
