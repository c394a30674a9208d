/** The plan of one function or class of a script that was walked through. */

import {classShape} from './class-shape.js';
import type {CapturedParameter} from './code.js';
import type {CodePlan, PlannedVariable} from './code-plan.js';
import {freePrefix, rewritten} from './code-rewrite.js';
import type {FunctionNode} from './function-facts.js';
import {functionShape, isLeft, type CodeShape} from './code-shape.js';
import {freeReferences, type ClassNode, type Region} from './name-uses.js';
import {PlanNames, type Undeclared} from './plan-names.js';
import {planRefusal} from './plan-refusal.js';
import {isReassigned, type Reference} from './scope.js';
import type {ImportedName} from './script-bindings.js';
import {exportPathOf} from './script-exports.js';
import type {ScriptSyntax} from './script-syntax.js';

const makers = new WeakMap<CodePlan, {readonly make: (undeclared: Undeclared) => CodePlan; readonly undeclared: Undeclared}>();

const isClass = (node: Region['node']): node is ClassNode => node.type === 'ClassDeclaration' || node.type === 'ClassExpression';

/**
 * The same function, with globals captured under their names as variables are.
 *
 * @param names of `plan.globals`
 */
export const withGlobals = (plan: CodePlan, names: readonly string[]): CodePlan => remade(plan, {captured: names});

/** The plan of a text, of which some names of unknown origin have turned out to be no variables. */
export const withoutVariables = (plan: CodePlan, names: readonly string[]): CodePlan => remade(plan, {globals: names});

/** The plan of a text, of which some names have turned out to be imports of its module. */
export const withImports = (plan: CodePlan, imports: ReadonlyMap<string, ImportedName>): CodePlan => remade(plan, {imports});

type Changes = {readonly captured?: readonly string[]; readonly globals?: readonly string[]; readonly imports?: ReadonlyMap<string, ImportedName>};

function remade(plan: CodePlan, {captured = [], globals = [], imports = new Map()}: Changes): CodePlan {
	const maker = makers.get(plan);
	if (!maker) {
		throw new TypeError('The plan is not one of a script.');
	}

	return maker.make({
		captured: new Set([...maker.undeclared.captured, ...captured]),
		globals: new Set([...maker.undeclared.globals, ...globals]),
		imports: new Map([...maker.undeclared.imports, ...imports]),
	});
}

const none: Undeclared = {captured: new Set(), globals: new Set(), imports: new Map()};

export function makePlan(script: ScriptSyntax, region: Region, undeclared = none): CodePlan {
	const {node} = region;
	const within = script.uses.references.slice(region.firstReference, region.endReference);
	const prefix = freePrefix(script.source.slice(node.start, node.end), new Set(within.map(({name}) => name)));
	const shape = isClass(node) ? classShape(script, node, prefix) : functionShape(script, region);
	const free = freeUses(script, region, shape);
	const names = new PlanNames(script, prefix, undeclared);
	for (const name of new Set(free.map(({name}) => name))) {
		names.add(name, free.filter(reference => reference.name === name));
	}

	const plan: CodePlan = {
		code: {
			kind: isClass(node) ? 'class' : 'function',
			...textOf(script, shape, names),
			name: shape.name,
			isStrict: region.isStrictOutside,
			hasDynamicImport: script.uses.dynamicImports.some(({start}) => start >= shape.start && start < shape.end && !isLeft(shape, start)),
			url: null,
			fixed: names.fixed,
			captured: [...shape.early.map(({kind, parameter}): CapturedParameter => ({kind, parameter})), ...names.captured],
		},
		variables: [...shape.early.map(early => earlyVariable(script, early)), ...names.variables],
		refusal: planRefusal(script, region, within.filter(({node}) => !isLeft(shape, node.start)), free) ?? names.refusal,
		globals: names.globals,
		exportPath: script.kind === 'module' ? exportPathOf(script, node) : null,
		length: lengthOf(node),
		members: shape.members,
	};
	makers.set(plan, {make: changed => makePlan(script, region, changed), undeclared});
	return plan;
}

/** How many parameters come before the first that is optional. */
function lengthOf(node: Region['node']): number {
	const fn = isClass(node) ? node.body.body.find(member => member.type === 'MethodDefinition' && member.kind === 'constructor') : node;
	const {params} = fn?.type === 'MethodDefinition' ? fn.value : (fn as FunctionNode | undefined) ?? {params: []};
	const optional = params.findIndex(({type}) => type === 'AssignmentPattern' || type === 'RestElement');
	return optional === -1 ? params.length : optional;
}

/** The uses of names that the text does not declare, in what is left of it. */
function freeUses(script: ScriptSyntax, region: Region, shape: CodeShape): readonly Reference[] {
	const {node} = region;
	const free = script.kind === null && node.type === 'FunctionExpression'
		// Whether this is the name of an expression or of a declaration, the text does not tell.
		? script.uses.references.slice(region.firstReference, region.endReference).filter(({binding}) => binding?.kind === 'self' && binding.node === node)
		: [];
	return [...freeReferences(script.uses, region), ...free].filter(reference => !isLeft(shape, reference.node.start) && !isItself(script, region, reference));
}

/** Whether a name in a function declaration always means this function: as an expression, its text says so by itself. */
function isItself({kind}: ScriptSyntax, {node}: Region, {binding}: Reference): boolean {
	return binding?.kind === 'function' && binding.node === node && kind !== 'script' && !binding.scope.isSeenByEval && !isReassigned(binding);
}

function textOf(script: ScriptSyntax, shape: CodeShape, names: PlanNames): {readonly text: string; readonly line: number; readonly column: number} {
	const {source, uses, lines} = script;
	const {start, end, head, tail} = shape;
	// In a script, `<!--` begins a comment.
	const commentLike = script.isModule ? uses.commentLike.filter(offset => source[offset - 1] === '<') : [];
	const spaces = commentLike.map(offset => ({start: offset + 1, end: offset + 1, text: ' '}));
	const named = names.edits.filter(edit => !isLeft(shape, edit.start));
	const {line, column} = lines.placeOf(start);
	return {text: head + rewritten(source, start, end, [...shape.edits, ...named, ...spaces]) + tail, line, column: column - head.length};
}

function earlyVariable(script: ScriptSyntax, {name, offset}: CodeShape['early'][number]): PlannedVariable {
	const {line, column} = script.lines.placeOf(offset);
	return {
		name,
		origin: 'declared',
		isStable: false,
		members: null,
		isOnlyTypeof: false,
		isOwnName: false,
		line: line + 1,
		column: column + 1,
	};
}
