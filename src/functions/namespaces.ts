/** From the namespace of a module to the module, where anything tells. */
import {types} from 'node:util';
import {builtinObjectReferenceOf} from './builtin-functions.js';
import {importedUrlOf} from './module-import.js';

/** The URL of a module of which this is the namespace; undefined for others, and where it is not known. */
export function namespaceUrlOf(value: object): string | undefined {
	return types.isModuleNamespaceObject(value) ? importedUrlOf(value) ?? builtinUrl(value as Readonly<Record<string, unknown>>) : undefined;
}

/** That of a module of Node, which exports its object as `default` and each of its properties. */
function builtinUrl(namespace: Readonly<Record<string, unknown>>): string | undefined {
	// The members of a namespace are variables: reading them runs no code.
	const exported = Object.hasOwn(namespace, 'default') ? namespace['default'] : undefined;
	const reference = isObject(exported) ? builtinObjectReferenceOf(exported) : undefined;
	if (reference?.module === undefined || reference.module === null || reference.path.length > 0) {
		return undefined;
	}

	const isNodes = Object.keys(namespace).every(key => key === 'default' || key === 'module.exports' || Object.hasOwn(exported as object, key));
	return isNodes && Object.keys(namespace).length > 2 ? reference.module : undefined;
}

const isObject = (value: unknown): value is object => typeof value === 'function' || (typeof value === 'object' && value !== null);
