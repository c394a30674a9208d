/**
 * Namespaces as bundlers and test runners make them: an object with accessors, or a Proxy, that stands for a module. When a function uses
 * nothing but members of it, the members travel and the rest stays.
 */
import {types} from 'node:util';
import {proxyTarget} from './proxy-target.js';

/** A copy with the members that are used, or the value itself where it is no namespace of a tool. */
export function memberSnapshot(value: unknown, members: readonly string[] | null): unknown {
	const namespace = members === null ? undefined : namespaceOf(value);
	if (members === null || namespace === undefined) {
		return value;
	}

	const snapshot: Record<string, unknown> = {};
	for (const member of members) {
		// The accessors of a namespace give the module's variables.
		Object.defineProperty(snapshot, member, {
			value: namespace[member], enumerable: true, configurable: true, writable: true,
		});
	}

	return snapshot;
}

type Namespace = Readonly<Record<string, unknown>>;

function namespaceOf(value: unknown): Namespace | undefined {
	if (typeof value !== 'object' || value === null) {
		return undefined;
	}

	// Without running its handler: only a Proxy of a module is one of a tool.
	const target = types.isProxy(value) ? proxyTarget(value) : value;
	return target !== undefined && isToolNamespace(target) ? target as Namespace : undefined;
}

function isToolNamespace(value: object): boolean {
	if (types.isModuleNamespaceObject(value)) {
		return true;
	}

	if (types.isProxy(value)) {
		return false;
	}

	const tag: unknown = Object.getOwnPropertyDescriptor(value, Symbol.toStringTag)?.value;
	return tag === 'Module' || Object.getOwnPropertyDescriptor(value, '__esModule')?.value === true || isInteroperable(value);
}

/** What `__toESM` of a bundler makes: the module under `default`, and an accessor for each of its properties. */
function isInteroperable(value: object): boolean {
	const descriptors = Object.entries(Object.getOwnPropertyDescriptors(value));
	return Object.hasOwn(value, 'default') && descriptors.some(([, {get}]) => get !== undefined)
		&& descriptors.every(([key, {get}]) => key === 'default' || get !== undefined);
}
