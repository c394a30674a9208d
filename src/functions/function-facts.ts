import type {
	AnyNode, ArrowFunctionExpression, FunctionDeclaration, FunctionExpression, ImportExpression,
} from 'acorn';
import type {Binding, Reference} from './scope.js';

export type FunctionNode = FunctionDeclaration | FunctionExpression | ArrowFunctionExpression;

/** What is known about one function of an analysed text. */
export interface FunctionFacts {
	readonly node: FunctionNode;
	readonly isStrict: boolean;
	/** Uses of names declared outside it, by name. A private name of a class outside it is here as `#name`, an outer `arguments` under its name. */
	readonly freeNames: Map<string, Reference[]>;
	/** Names declared in it that are used. */
	readonly bindings: Binding[];
	readonly dynamicImports: ImportExpression[];
	/** For an arrow function: whether it, or an arrow in it, uses the `this` around it. */
	usesThis: boolean;
	usesNewTarget: boolean;
	usesSuper: boolean;
	usesImportMeta: boolean;
	hasDirectEval: boolean;
	hasWith: boolean;
}

/** The record of a function of which nothing was visited yet. */
export function emptyFacts(node: FunctionNode, isStrict: boolean): FunctionFacts {
	return {
		node,
		isStrict,
		freeNames: new Map(),
		bindings: [],
		dynamicImports: [],
		usesThis: false,
		usesNewTarget: false,
		usesSuper: false,
		usesImportMeta: false,
		hasDirectEval: false,
		hasWith: false,
	};
}

/** Whether a function body begins with a "use strict" directive. */
export function hasStrictDirective(body: AnyNode): boolean {
	if (body.type !== 'BlockStatement' && body.type !== 'Program') {
		return false;
	}

	for (const statement of body.body) {
		if (statement.type !== 'ExpressionStatement' || statement.directive === undefined) {
			return false;
		}

		if (statement.directive === 'use strict') {
			return true;
		}
	}

	return false;
}
