/** Where in its script a function or class stands: what gives it a name, and makes it a method. */

import type {
	AnyNode, AssignmentProperty, MethodDefinition, Property, PropertyDefinition,
} from 'acorn';
import type {FunctionNode} from './function-facts.js';
import type {ClassNode} from './name-uses.js';

/** What a node stands in: the outermost first, its parent last. */
export function ancestorsOf(root: AnyNode, target: AnyNode): readonly AnyNode[] {
	const ancestors: AnyNode[] = [];
	let node: AnyNode | undefined = root;
	while (node && node !== target) {
		ancestors.push(node);
		node = childAround(node, target);
	}

	return ancestors;
}

function childAround(node: AnyNode, target: AnyNode): AnyNode | undefined {
	for (const value of Object.values(node) as unknown[]) {
		for (const child of Array.isArray(value) ? value as unknown[] : [value]) {
			if (isAround(child, target)) {
				return child;
			}
		}
	}

	return undefined;
}

const isAround = (value: unknown, target: AnyNode): value is AnyNode => {
	if (typeof value !== 'object' || value === null) {
		return false;
	}

	const {type, start, end} = value as Partial<AnyNode>;
	return typeof type === 'string' && start! <= target.start && end! >= target.end;
};

/** A key that the syntax tells; undefined for a computed one. That of a private name begins with `#`. */
export function keyOf({key, computed}: Pick<Property | MethodDefinition | PropertyDefinition, 'key' | 'computed'>): string | undefined {
	if (key.type === 'Literal') {
		return key.regex ? undefined : String(key.value);
	}

	if (computed) {
		return undefined;
	}

	switch (key.type) {
		case 'Identifier': {
			return key.name;
		}

		case 'PrivateIdentifier': {
			return `#${key.name}`;
		}

		default: {
			return undefined;
		}
	}
}

/** The method or accessor that a function is the code of. */
export type Method = Property | MethodDefinition;

export function methodOf(node: AnyNode, parent: AnyNode | undefined): Method | undefined {
	const isMethod = parent?.type === 'MethodDefinition' || (parent?.type === 'Property' && (parent.method || parent.kind !== 'init'));
	return isMethod && parent.value === node ? parent : undefined;
}

/** The `name` that a function or class gets from the syntax; empty for none, and for a computed one. */
export function syntacticName(node: FunctionNode | ClassNode, parent: AnyNode | undefined): string {
	if (node.type !== 'ArrowFunctionExpression' && node.id) {
		return node.id.name;
	}

	switch (parent?.type) {
		case 'VariableDeclarator': {
			return parent.id.type === 'Identifier' ? parent.id.name : '';
		}

		case 'AssignmentExpression': {
			return parent.right === node && parent.left.type === 'Identifier' && ['=', '&&=', '||=', '??='].includes(parent.operator) ? parent.left.name : '';
		}

		case 'AssignmentPattern': {
			return parent.left.type === 'Identifier' ? parent.left.name : '';
		}

		case 'ExportDefaultDeclaration': {
			return 'default';
		}

		case 'Property':
		case 'MethodDefinition':
		case 'PropertyDefinition': {
			return parent.value === node ? memberName(parent) : '';
		}

		default: {
			return '';
		}
	}
}

function memberName(member: Property | AssignmentProperty | MethodDefinition | PropertyDefinition): string {
	const key = keyOf(member);
	if (key === undefined || (member.type === 'Property' && key === '__proto__' && !member.method && member.kind === 'init')) {
		return '';
	}

	return member.type !== 'PropertyDefinition' && (member.kind === 'get' || member.kind === 'set') ? `${member.kind} ${key}` : key;
}
