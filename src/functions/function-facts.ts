import type {
	AnyNode, ArrowFunctionExpression, FunctionDeclaration, FunctionExpression,
} from 'acorn';

export type FunctionNode = FunctionDeclaration | FunctionExpression | ArrowFunctionExpression;

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
