/**
 * The text of a class as it travels. What was evaluated when the class was defined is not evaluated again: the superclass and computed keys
 * are parameters, static fields and static blocks are gone. Private static fields cannot be added later, so they stay, with their values.
 */

import type {MethodDefinition, PropertyDefinition} from 'acorn';
import type {ClassMember} from './code-plan.js';
import {blank, type Edit} from './code-rewrite.js';
import {replacement, type CodeShape, type EarlyValue} from './code-shape.js';
import type {ClassNode} from './name-uses.js';
import type {ScriptSyntax} from './script-syntax.js';
import {ancestorsOf, keyOf, syntacticName} from './syntax-context.js';

type Part = {readonly start: number; readonly end: number};

/** @param prefix what the names of parameters begin with */
export function classShape(script: ScriptSyntax, node: ClassNode, prefix: string): CodeShape {
	const edits: Edit[] = [];
	const left: Part[] = [];
	const early: EarlyValue[] = [];
	const members: ClassMember[] = [];
	const {superClass} = node;
	const replace = (part: Part, value: Omit<EarlyValue, 'offset'>): void => {
		edits.push(replacement(script.source, part, value.parameter));
		left.push(part);
		early.push({...value, offset: part.start});
	};

	if (superClass && !(superClass.type === 'Literal' && superClass.raw === 'null')) {
		replace(superClass, {kind: 'superclass', name: 'extends', parameter: `${prefix}superclass`});
	}

	for (const member of node.body.body) {
		if (member.type === 'StaticBlock' || (member.type === 'PropertyDefinition' && member.static && member.key.type !== 'PrivateIdentifier')) {
			edits.push({start: member.start, end: member.end, text: blank(script.source.slice(member.start, member.end))});
			left.push(member);
		} else if (member.type === 'PropertyDefinition' && member.static) {
			replacePrivateStatic(member);
		}

		const isConstructor = member.type === 'MethodDefinition' && member.kind === 'constructor';
		if (member.type !== 'StaticBlock' && member.key.type !== 'PrivateIdentifier' && !isConstructor) {
			const isGone = member.type === 'PropertyDefinition' && member.static;
			members.push({...memberOf(script, member), keyParameter: isGone ? null : replaceKey(member)});
		}
	}

	return {
		name: syntacticName(node, ancestorsOf(script.root, node).at(-1)),
		start: node.start,
		end: node.end,
		head: '',
		tail: '',
		edits,
		left,
		early,
		members,
	};

	function replaceKey(member: MethodDefinition | PropertyDefinition): number | null {
		if (!member.computed || keyOf(member) !== undefined) {
			return null;
		}

		const {key} = member;
		replace(key, {kind: 'key', name: script.source.slice(key.start, key.end), parameter: `${prefix}key${early.length}`});
		return early.length - 1;
	}

	function replacePrivateStatic({key, value}: PropertyDefinition): void {
		const name = script.source.slice(key.start, key.end);
		const parameter = `${prefix}static_${name.slice(1)}`;
		if (value) {
			replace(value, {kind: 'privateStatic', name, parameter});
		} else {
			edits.push({start: key.end, end: key.end, text: ` = ${parameter}`});
			early.push({
				kind: 'privateStatic', name, parameter, offset: key.start,
			});
		}
	}
}

function memberOf(script: ScriptSyntax, member: MethodDefinition | PropertyDefinition): Omit<ClassMember, 'keyParameter'> {
	const key = keyOf(member) ?? null;
	if (member.type === 'PropertyDefinition') {
		return {
			isStatic: member.static, kind: 'field', key, location: null,
		};
	}

	return {
		isStatic: member.static,
		kind: member.kind === 'get' || member.kind === 'set' ? member.kind : 'method',
		key,
		location: script.lines.placeOf(member.value.start),
	};
}
