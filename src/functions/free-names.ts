/**
 * Which names a function uses that it does not declare, and what else of its surroundings it needs: `this`, `super`, direct eval.
 *
 * The result is about every function in the text, outermost first.
 */

import {
	emptyFacts, hasStrictDirective, type FunctionFacts, type FunctionNode,
} from './function-facts.js';
import {freeReferences, type NameUses, type Region} from './name-uses.js';
import {walkText} from './syntax-walk.js';

/**
 * The facts of a function and of all functions in it.
 *
 * @param isStrict whether the code around the function is strict
 */
export function analyzeFunction(node: FunctionNode, isStrict: boolean): readonly [FunctionFacts, ...FunctionFacts[]] {
	const uses = walkText(node, isStrict);
	const [first, ...others] = [...uses.regions.values()].filter(({node}) => !node.type.startsWith('Class')).map(region => factsOf(uses, region));
	return [first!, ...others];
}

function factsOf(uses: NameUses, region: Region): FunctionFacts {
	const node = region.node as FunctionNode;
	const facts = emptyFacts(node, region.isStrictOutside || hasStrictDirective(node.body));
	for (const reference of freeReferences(uses, region)) {
		switch (reference.name) {
			case 'this': {
				facts.usesThis = true;
				break;
			}

			case 'new.target': {
				facts.usesNewTarget = true;
				break;
			}

			case 'super': {
				facts.usesSuper = true;
				break;
			}

			case 'import.meta': {
				facts.usesImportMeta = true;
				break;
			}

			default: {
				facts.freeNames.set(reference.name, [...facts.freeNames.get(reference.name) ?? [], reference]);
			}
		}
	}

	const within = uses.references.slice(region.firstReference, region.endReference);
	facts.hasDirectEval = within.some(({place}) => place.isDirectEval === true);
	const isWithin = (start: number): boolean => start >= node.start && start < node.end;
	facts.hasWith = uses.withs.some(start => isWithin(start));
	for (const found of uses.dynamicImports) {
		if (found.type === 'ImportExpression' && isWithin(found.start)) {
			facts.dynamicImports.push(found);
		}
	}

	for (const {binding, name} of within) {
		const isOwn = binding && binding.scope.number >= region.firstScope && binding.scope.number < region.endScope;
		// Its own `this` and `super`: those of a plain function are found within it.
		if (isOwn && binding.scope.kind === 'function' && binding.scope.parent && binding.node.start >= node.start && node.type !== 'ArrowFunctionExpression') {
			const isOfThis = binding.scope.number <= region.firstScope + 1 && binding.scope.kind === 'function';
			facts.usesThis ||= isOfThis && name === 'this';
			facts.usesNewTarget ||= isOfThis && name === 'new.target';
			facts.usesSuper ||= isOfThis && name === 'super';
		}

		if (isOwn && !facts.bindings.includes(binding)) {
			facts.bindings.push(binding);
		}
	}

	return facts;
}
