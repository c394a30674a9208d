/**
 * Namespaces as bundlers and test runners make them: an object with accessors, or a Proxy, that stands for a module. When a function uses
 * nothing but members of it, the members travel and the rest stays.
 */
import {types} from 'node:util';

/** A copy with the members that are used, or the value itself where it is no namespace of a tool. */
export function memberSnapshot(value: unknown, members: readonly string[] | null): unknown {
	if (members === null || typeof value !== 'object' || value === null || !isToolNamespace(value)) {
		return value;
	}

	const snapshot: Record<string, unknown> = {};
	for (const member of members) {
		// The accessors of a namespace give the module's variables.
		Object.defineProperty(snapshot, member, {
			value: (value as Readonly<Record<string, unknown>>)[member], enumerable: true, configurable: true, writable: true,
		});
	}

	return snapshot;
}

const nativeModule = (value: object): boolean => types.isModuleNamespaceObject(value);

function isToolNamespace(value: object): boolean {
	if (nativeModule(value)) {
		return true;
	}

	// A Proxy shows nothing of itself without running its handler; tools use them for modules.
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
