/** What a host writes down about a promise, an error, a value: plain data, so that a judgement can be made elsewhere. */
import {setTimeout as delay} from 'node:timers/promises';

const readable = value => {
	try {
		return JSON.parse(JSON.stringify(value, (key, inner) => typeof inner === 'bigint' ? `${inner}n` : inner)) ?? null;
	} catch {
		return String(value);
	}
};

/** An error or whatever else was thrown. `text` is everything of it that could tell the reason, without the stack. */
export function describeError(thrown) {
	if (!(thrown instanceof Error)) {
		return {isError: false, type: thrown === null ? 'null' : typeof thrown, text: typeof thrown === 'string' ? thrown : JSON.stringify(readable(thrown))};
	}

	const own = Object.fromEntries(Object.keys(thrown).filter(key => key !== 'stack').map(key => [key, readable(thrown[key])]));
	return {
		isError: true,
		isTypeError: thrown instanceof TypeError,
		name: thrown.name,
		message: thrown.message,
		stack: String(thrown.stack),
		own,
		cause: thrown.cause instanceof Error ? {name: thrown.cause.name, message: thrown.cause.message} : null,
		text: [thrown.name, thrown.message, JSON.stringify(own), thrown.cause instanceof Error ? thrown.cause.message : ''].join(' '),
	};
}

/** What became of a promise within `patience` ms. `start` may throw, or return a promise of any kind. */
export async function settlement(start, patience) {
	const began = performance.now();
	const since = () => Math.round(performance.now() - began);
	const settled = (async () => start())().then(
		value => ({status: 'fulfilled', value, milliseconds: since()}),
		error => ({status: 'rejected', error: describeError(error), milliseconds: since()}),
	);
	const timer = new AbortController();
	const outcome = await Promise.race([
		settled,
		delay(patience, undefined, {signal: timer.signal}).then(() => ({status: 'pending'}), () => undefined),
	]);
	timer.abort();
	return outcome;
}
