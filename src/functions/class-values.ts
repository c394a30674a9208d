/** What was evaluated when a class was defined, found again on the class. */
import type {CaptureRefusal} from './captured-function.js';
import type {ClassMember} from './code-plan.js';
import {functionOrigin} from './function-origin.js';
import type {FunctionPlan} from './function-plan.js';
import {exportIt, type Refusal} from './function-refusal.js';
import type {NaturalShape} from './own-properties.js';
import {privateMembers} from './private-members.js';

type Refuse = (refusal: Refusal) => CaptureRefusal;

/** The value of an early parameter: superclass, computed key or private static field. */
export function classValue(fn: object, index: number, plan: FunctionPlan, refuse: Refuse): unknown {
	const {kind} = plan.code.captured[index]!;
	const {name} = plan.plan.variables[index]!;
	switch (kind) {
		case 'superclass': {
			return Object.getPrototypeOf(fn);
		}

		case 'key': {
			const member = plan.plan.members?.find(({keyParameter}) => keyParameter === index);
			const key = member && keyOf(fn, member, plan);
			if (key === undefined) {
				throw refuse({
					code: 'ERR_CAPTURE_UNSUPPORTED',
					variable: name,
					words: `has a member whose key ${name} was computed when the class was defined, and nothing tells what it was. Give the member a fixed key. ${exportIt}`,
				});
			}

			return key;
		}

		case 'privateStatic': {
			const member = privateMembers(fn)?.find(found => found.name === name);
			if (member === undefined) {
				throw refuse({code: 'ERR_CAPTURE_PRIVATE', variable: name, words: `has the private static member ${name}, which cannot be read from outside. ${exportIt}`});
			}

			return member.value;
		}

		case 'value':
		case 'constant':
		case 'cell': {
			throw new TypeError(`A ${kind} is no part of the definition of a class.`);
		}

		default: {
			kind satisfies never;
			return undefined;
		}
	}
}

/** The key of a member with a computed one: where its function is. */
function keyOf(fn: object, member: ClassMember, plan: FunctionPlan): string | symbol | undefined {
	const holder: unknown = member.isStatic ? fn : Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
	return Reflect.ownKeys(holder as object).find(key => {
		const descriptor = Object.getOwnPropertyDescriptor(holder, key);
		const found: unknown = member.kind === 'get' || member.kind === 'set' ? descriptor?.[member.kind] : descriptor?.value;
		return isAt(found, member, plan);
	});
}

function isAt(fn: unknown, {location}: ClassMember, {origin}: FunctionPlan): boolean {
	if (typeof fn !== 'function' || location === null || origin === null) {
		return false;
	}

	const found = functionOrigin(fn);
	return found?.scriptId === origin.scriptId && found.line === location.line && found.column === location.column;
}

/** What the function or class has by its syntax alone. */
export function shapeOf(fn: object, plan: FunctionPlan): NaturalShape {
	const {code, members, length} = {...plan.plan, code: plan.code};
	// A method that was the class's own stays so: functions do not move.
	const originals = new WeakSet<object>();
	return {
		isClass: code.kind === 'class',
		name: code.name,
		length,
		members: (members ?? []).flatMap(member => {
			const key = member.key ?? keyOf(fn, member, plan);
			return key === undefined ? [] : [{key, member}];
		}),
		isOriginal(found, member) {
			if (typeof found !== 'function') {
				return false;
			}

			if (!originals.has(found) && isAt(found, member, plan)) {
				originals.add(found);
			}

			return originals.has(found);
		},
	};
}
