import type {FunctionNode} from './function-facts.js';
import type {ClassNode} from './name-uses.js';

/**
 * Where V8 says that a function stands: an arrow function at its first character, any other at its parenthesis, a class at that of its
 * constructor, or, without one, at its first character.
 */
export function functionOffset(source: string, node: FunctionNode | ClassNode): number {
	switch (node.type) {
		case 'ArrowFunctionExpression': {
			return node.start;
		}

		case 'FunctionDeclaration':
		case 'FunctionExpression': {
			return parenthesisAfter(source, node.id?.end ?? node.start);
		}

		case 'ClassDeclaration':
		case 'ClassExpression': {
			const constructor = node.body.body.find(member => member.type === 'MethodDefinition' && member.kind === 'constructor');
			return constructor?.type === 'MethodDefinition' ? constructor.value.start : node.start;
		}
	}
}

/** The next parenthesis outside comments. Nothing but words, a star and comments can stand before it. */
function parenthesisAfter(source: string, start: number): number {
	const pattern = /\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\/|\(/gv;
	pattern.lastIndex = start;
	let found = pattern.exec(source);
	while (found && found[0] !== '(') {
		found = pattern.exec(source);
	}

	return found?.index ?? start;
}
