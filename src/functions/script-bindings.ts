/** What the top level of a script is connected to: imports, exports, and modules that it requires. */

import type {
	AnyNode, Expression, Identifier, ImportAttribute, Literal, ModuleDeclaration, Pattern, Program, Statement,
} from 'acorn';
import {patternNames} from './declarations.js';
import {isReassigned, type Binding, type Scope} from './scope.js';

/** A name that a module imports. */
export interface ImportedName {
	readonly specifier: string;
	/** `*` for the namespace. */
	readonly exported: string;
	readonly attributes: Readonly<Record<string, string>> | null;
}

const nameOf = (node: Identifier | Literal): string => node.type === 'Identifier' ? node.name : String(node.value);

function attributesOf(attributes: readonly ImportAttribute[] | undefined): Readonly<Record<string, string>> | null {
	const entries = attributes?.map(({key, value}) => [nameOf(key), String(value.value)] as const) ?? [];
	return entries.length > 0 ? Object.fromEntries(entries) : null;
}

/** Local name to what it imports. */
export function importedNames({body}: Program): ReadonlyMap<string, ImportedName> {
	const names = new Map<string, ImportedName>();
	for (const statement of body) {
		if (statement.type !== 'ImportDeclaration') {
			continue;
		}

		const specifier = String(statement.source.value);
		const attributes = attributesOf(statement.attributes);
		for (const imported of statement.specifiers) {
			const exported = imported.type === 'ImportSpecifier' ? nameOf(imported.imported) : {ImportDefaultSpecifier: 'default', ImportNamespaceSpecifier: '*'}[imported.type];
			names.set(imported.local.name, {specifier, exported, attributes});
		}
	}

	return names;
}

function * exportedPairs(statement: Statement | ModuleDeclaration): Generator<readonly [local: string, exported: string]> {
	if (statement.type === 'ExportDefaultDeclaration') {
		const {declaration} = statement;
		if ((declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration') && declaration.id) {
			yield [declaration.id.name, 'default'];
		}
	} else if (statement.type === 'ExportNamedDeclaration' && !statement.source) {
		const {declaration} = statement;
		const declared = declaration?.type === 'VariableDeclaration' ? declaration.declarations.flatMap(({id}) => [...patternNames(id)]) : [declaration?.id];
		for (const id of declared) {
			if (id) {
				yield [id.name, id.name];
			}
		}

		for (const {local, exported} of statement.specifiers) {
			yield [nameOf(local), nameOf(exported)];
		}
	}
}

/** The exported names of the variables of a module that keep their first value. */
export function exportedNames({body}: Program, top: Scope): ReadonlyMap<string, readonly string[]> {
	const names = new Map<string, string[]>();
	for (const [local, exported] of body.flatMap(statement => [...exportedPairs(statement)])) {
		const binding = top.own(local);
		if (binding && binding.kind !== 'import' && !isReassigned(binding) && !binding.scope.isSeenByEval) {
			names.set(local, [...names.get(local) ?? [], exported]);
		}
	}

	return names;
}

/** The module that a variable has, or the part of one: `const {a: {b}} = require('s').c`. */
export interface RequiredName {
	readonly specifier: string;
	readonly path: readonly string[];
}

export function requiredName({name, node, scope, ...binding}: Binding): RequiredName | undefined {
	if (node.type !== 'VariableDeclaration' || isReassigned({
		name, node, scope, ...binding,
	}) || scope.isSeenByEval) {
		return undefined;
	}

	for (const {id, init} of node.declarations) {
		const inner = pathTo(id, name);
		const required = inner && init ? requiredExpression(init, scope) : undefined;
		if (inner && required) {
			return {specifier: required.specifier, path: [...required.path, ...inner]};
		}
	}

	return undefined;
}

/** The keys that lead to a name in a pattern; undefined when anything else happens on the way. */
function pathTo(pattern: Pattern, name: string): readonly string[] | undefined {
	if (pattern.type === 'Identifier') {
		return pattern.name === name ? [] : undefined;
	}

	for (const property of pattern.type === 'ObjectPattern' ? pattern.properties : []) {
		if (property.type === 'Property' && !property.computed && (property.key.type === 'Identifier' || property.key.type === 'Literal')) {
			const inner = pathTo(property.value, name);
			if (inner) {
				return [nameOf(property.key), ...inner];
			}
		}
	}

	return undefined;
}

function requiredExpression(expression: Expression, scope: Scope): RequiredName | undefined {
	const path: string[] = [];
	let node: AnyNode = expression;
	while (node.type === 'MemberExpression' && !node.computed && !node.optional && node.property.type === 'Identifier') {
		path.unshift(node.property.name);
		node = node.object;
	}

	if (node.type !== 'CallExpression' || node.optional || node.callee.type !== 'Identifier' || node.callee.name !== 'require' || node.arguments.length !== 1) {
		return undefined;
	}

	const [specifier] = node.arguments;
	const require = scope.lookup('require');
	const isNodes = require !== undefined && !isReassigned(require) && (require.kind === 'commonJs' || isCreatedRequire(require));
	return isNodes && specifier?.type === 'Literal' && typeof specifier.value === 'string' ? {specifier: specifier.value, path} : undefined;
}

/** Whether a variable is `createRequire(import.meta.url)`: what `require` is to a module that is no CommonJS module. */
export function isCreatedRequire({kind, name, node, scope}: Binding): boolean {
	if (kind !== 'const' || node.type !== 'VariableDeclaration' || scope.isSeenByEval) {
		return false;
	}

	const init = node.declarations.find(({id}) => id.type === 'Identifier' && id.name === name)?.init;
	if (init?.type !== 'CallExpression' || init.arguments.length !== 1) {
		return false;
	}

	const {callee, arguments: [base]} = init;
	const creator = callee.type === 'MemberExpression' && !callee.computed ? callee.property : callee;
	return creator.type === 'Identifier' && creator.name === 'createRequire'
		&& (callee.type === 'MemberExpression' || scope.lookup('createRequire')?.kind === 'import')
		&& base?.type === 'MemberExpression' && base.object.type === 'MetaProperty' && !base.computed
		&& base.property.type === 'Identifier' && (base.property.name === 'url' || base.property.name === 'filename');
}
