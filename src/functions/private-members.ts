/**
 * Members of an object with `#` names. Nothing else of the language shows them to code outside the class.
 */

import {types} from 'node:util';
import {type RemoteValue, withInspector} from './inspector-session.js';
import {isQuiet} from './quiet-objects.js';

export type PrivateMember = {
	/** With its `#`. */
	readonly name: string;
	readonly kind: 'field' | 'accessor' | 'method';
	/** Of a field its value, of a method the function; undefined for an accessor. */
	readonly value: unknown;
};

/**
 * The private members of an instance, or the static ones of a class. Methods and accessors count: an object has them by a brand that no
 * copy would have. Undefined where they cannot be seen: see `inspectFunction`.
 */
export function privateMembers(object: object): readonly PrivateMember[] | undefined {
	// A Proxy has none: private names bypass it.
	if (types.isProxy(object)) {
		return [];
	}

	if (!isQuiet(object)) {
		return undefined;
	}

	return withInspector(inspector => {
		const {slots, privates} = inspector.internals(object);
		const members = privates.map(({name, value}): PrivateMember => value
			? {name, kind: 'field', value: inspector.value(value)}
			: {name, kind: 'accessor', value: undefined});
		const methods: RemoteValue | undefined = slots.get('[[PrivateMethods]]');
		const list = methods ? inspector.value(methods) as ArrayLike<{readonly name: string; readonly value: unknown}> : [];
		return [...members, ...Array.from(list, ({name, value}): PrivateMember => ({name, kind: 'method', value}))];
	});
}
