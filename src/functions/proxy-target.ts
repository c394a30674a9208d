/** The object behind a Proxy, without running its handler. */
import {withInspector} from './inspector-session.js';
import {isQuiet} from './quiet-objects.js';

/** Undefined where it cannot be seen, and for a Proxy that was revoked. */
export function proxyTarget(proxy: object): object | undefined {
	return withInspector(inspector => {
		const target = inspector.internals(proxy).slots.get('[[Target]]');
		const value = target && inspector.value(target);
		return typeof value === 'object' && value !== null && isQuiet(value) ? value : undefined;
	});
}
