/** Where the importers of a module find a function, when its place in the text tells that for certain. */

import type {AnyNode} from 'acorn';
import type {ExportStep} from './code.js';
import type {Binding} from './scope.js';
import type {ScriptSyntax} from './script-syntax.js';
import {ancestorsOf, keyOf} from './syntax-context.js';

/**
 * The path from the namespace of the module: through object literals, and to methods and accessors of classes. The top level of a module
 * runs once, so what stands there is made once.
 */
export function exportPathOf(script: ScriptSyntax, target: AnyNode): readonly ExportStep[] | null {
	const ancestors = [...ancestorsOf(script.root, target)];
	const steps: ExportStep[] = [];
	let node = target;
	for (;;) {
		const parent = ancestors.pop();
		switch (parent?.type) {
			case 'Property':
			case 'MethodDefinition': {
				const holder = ancestors.at(-1);
				const key = keyOf(parent);
				if (parent.value !== node || key === undefined || key.startsWith('#') || !isLastOfItsKey(parent, holder)) {
					return null;
				}

				const isAccessor = parent.kind === 'get' || parent.kind === 'set';
				steps.unshift({kind: isAccessor ? parent.kind as 'get' | 'set' : 'value', key});
				if (parent.type === 'MethodDefinition' && !parent.static) {
					steps.unshift({kind: 'value', key: 'prototype'});
				}

				// A class body stands between a member and its class.
				node = holder?.type === 'ClassBody' ? ancestors.at(-2)! : holder!;
				ancestors.length -= holder?.type === 'ClassBody' ? 2 : 1;
				break;
			}

			default: {
				return fromTopLevel(script, node, [...ancestors, ...parent ? [parent] : []], steps);
			}
		}
	}
}

/** Whether no other member of the literal or class can have taken its key. */
function isLastOfItsKey(member: AnyNode, holder: AnyNode | undefined): boolean {
	const key = keyOf(member as Parameters<typeof keyOf>[0]);
	switch (holder?.type) {
		case 'ObjectExpression': {
			const isSetter = member.type === 'Property' && key === '__proto__' && !member.method && !member.shorthand && member.kind === 'init';
			return !isSetter && holder.properties.every(other => other === member
				|| (other.type === 'Property' && !(other.computed && keyOf(other) === undefined) && (keyOf(other) !== key || isOtherHalf(other, member))));
		}

		case 'ClassBody': {
			return holder.body.every(other => {
				// Fields of instances are not in the prototype.
				const isElsewhere = other.type === 'StaticBlock' || other.static !== (member as {static?: boolean}).static
					|| (other.type === 'PropertyDefinition' && !other.static);
				return other === member || isElsewhere || (keyOf(other) !== undefined && (keyOf(other) !== key || isOtherHalf(other, member)));
			});
		}

		default: {
			return false;
		}
	}
}

/** The getter beside a setter. */
const isOtherHalf = (one: AnyNode, other: AnyNode): boolean => {
	const kinds = new Set([one, other].map(node => 'kind' in node ? node.kind : ''));
	return kinds.has('get') && kinds.has('set');
};

function fromTopLevel(script: ScriptSyntax, node: AnyNode, ancestors: readonly AnyNode[], steps: readonly ExportStep[]): readonly ExportStep[] | null {
	const types = ancestors.map(({type}) => type).filter(type => type !== 'Program' && type !== 'ExportNamedDeclaration').join(' ');
	const name = declaredName(node, types, ancestors.at(-1));
	if (name === null) {
		return types === 'ExportDefaultDeclaration' ? [{kind: 'value', key: 'default'}, ...steps] : null;
	}

	const binding = script.top?.own(name);
	const exported = script.exportsByLocal.get(name)?.[0];
	const [first] = steps;
	if (!binding || exported === undefined || (first && isMemberWritten(binding, first.key))) {
		return null;
	}

	return [{kind: 'value', key: exported}, ...steps];
}

/** The variable of the top level that a piece of syntax is the value of. */
function declaredName(node: AnyNode, types: string, parent: AnyNode | undefined): string | null {
	switch (types) {
		case '':
		case 'ExportDefaultDeclaration': {
			return (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && node.id ? node.id.name : null;
		}

		case 'VariableDeclaration VariableDeclarator': {
			return parent?.type === 'VariableDeclarator' && parent.init === node && parent.id.type === 'Identifier' ? parent.id.name : null;
		}

		default: {
			return null;
		}
	}
}

const isMemberWritten = ({references}: Binding, key: string): boolean =>
	references.some(({place}) => place.isMemberWritten && (place.member === undefined || place.member === key));
