/** Whether an instance has members with `#` names, which no copy of it could have. */
import {privateMembers} from './private-members.js';
import {functionOrigin} from './function-origin.js';
import {functionName} from './function-refusal.js';

const {toString} = Function.prototype;
const cleanPrototypes = new WeakSet<object>();

/** The name of the instance's class if it has such members, also by a class that it extends. Runs no code of the program. */
export function privateNameOf(instance: object): string | undefined {
	const prototype = Object.getPrototypeOf(instance) as object | null;
	if (prototype === null || cleanPrototypes.has(prototype)) {
		return undefined;
	}

	const classes = classesOf(prototype);
	// A `#` in a comment or a string costs a look at each instance, and does no other harm.
	if (!classes.some(found => toString.call(found).includes('#'))) {
		cleanPrototypes.add(prototype);
		return undefined;
	}

	const members = privateMembers(instance);
	const [first] = classes;
	return members === undefined || members.length > 0 ? functionName(first!) : undefined;
}

/** The name of the class of Node that the instance's class is or extends. */
export function internalClassOf(instance: object): string | undefined {
	const found = classesOf(Object.getPrototypeOf(instance) as object).find(one => functionOrigin(one)?.url?.startsWith('node:') === true);
	return found && (functionName(found) || 'a nameless class');
}

function classesOf(prototype: object): object[] {
	const classes: object[] = [];
	for (let owner: object | null = prototype; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
		const constructor: unknown = Object.getOwnPropertyDescriptor(owner, 'constructor')?.value;
		if (typeof constructor === 'function') {
			classes.push(constructor);
		}
	}

	return classes;
}
