/** What becomes of the names that a function uses and does not declare: parameters of its factory, or globals. */

import type {CapturedParameter, FixedParameter} from './code.js';
import type {PlannedVariable} from './code-plan.js';
import {lineEnds, type Edit} from './code-rewrite.js';
import type {Refusal} from './function-refusal.js';
import {undeclaredWrite} from './plan-refusal.js';
import {isReassigned, type Binding, type Reference} from './scope.js';
import {isCreatedRequire, requiredName, type ImportedName} from './script-bindings.js';
import type {ScriptSyntax} from './script-syntax.js';

/** How names count that nobody in the text declares. */
export interface Undeclared {
	/** Globals that are captured. */
	readonly captured: ReadonlySet<string>;
	/** Of a text alone: names that are no variables. */
	readonly globals: ReadonlySet<string>;
	/** Of a text alone: names that the module imports. */
	readonly imports: ReadonlyMap<string, ImportedName>;
}

export class PlanNames {
	readonly fixed: FixedParameter[] = [];
	readonly captured: CapturedParameter[] = [];
	readonly variables: PlannedVariable[] = [];
	readonly globals: string[] = [];
	readonly edits: Edit[] = [];
	refusal: Refusal | null = null;
	readonly #script: ScriptSyntax;
	readonly #prefix: string;
	readonly #undeclared: Undeclared;
	readonly #namespaces = new Map<string, string>();

	constructor(script: ScriptSyntax, prefix: string, undeclared: Undeclared) {
		this.#script = script;
		this.#prefix = prefix;
		this.#undeclared = undeclared;
	}

	/** @param uses all the uses of one name */
	add(name: string, uses: readonly Reference[]): void {
		const binding = uses[0]?.binding;
		const imported = this.#undeclared.imports.get(name);
		if (name === 'import.meta') {
			const parameter = `${this.#prefix}importMeta`;
			this.fixed.push({kind: 'importMeta', parameter});
			this.#replace(uses, parameter);
		} else if (name === 'this' || name === 'super' || name === 'new.target') {
			// Only the `this` of a module is not refused, and that is undefined in the factory too.
		} else if (binding) {
			this.#declared(binding, uses);
		} else if (imported) {
			this.#import(imported, uses);
		} else if (this.#script.kind === null && !this.#undeclared.globals.has(name)) {
			this.#capture(uses, 'cell', 'unknown', false);
		} else if (uses.some(({access}) => access === 'write')) {
			this.refusal ??= undeclaredWrite(name);
		} else if (this.#undeclared.captured.has(name)) {
			// In strict code no parameter can have the name eval.
			this.#capture(uses, name === 'eval' ? 'cell' : 'value', 'undeclared', false);
		} else {
			this.globals.push(name);
		}
	}

	#declared(binding: Binding, uses: readonly Reference[]): void {
		const {name, kind, scope} = binding;
		const imported = kind === 'import' ? this.#script.imports.get(name) : undefined;
		const required = requiredName(binding);
		if (imported) {
			this.#import(imported, uses);
		} else if (kind === 'commonJs') {
			this.fixed.push({kind, parameter: name, name: name as 'require'});
		} else if (required) {
			this.fixed.push({kind: 'required', parameter: name, ...required});
		} else if (isCreatedRequire(binding)) {
			this.fixed.push({kind: 'commonJs', parameter: name, name: 'require'});
		} else if (kind === 'const' || kind === 'using' || kind === 'self') {
			const isWritten = uses.some(({access}) => access === 'write');
			if (this.#script.kind === null) {
				this.#capture(uses, 'cell', 'unknown', false);
			} else {
				this.#capture(uses, isWritten ? 'constant' : 'value', 'declared', !scope.isSeenByEval);
			}
		} else if (this.#script.kind === 'script' && scope.kind === 'program') {
			// Other scripts see these too: `let` and classes as variables, the others as properties of the global object.
			this.#capture(uses, 'cell', kind === 'var' || kind === 'function' ? 'unknown' : 'declared', false);
		} else {
			// In the text of a declared function, its own name would hide a parameter.
			const isCell = isReassigned(binding) || (kind === 'function' && scope.isSeenByEval);
			this.#capture(uses, isCell ? 'cell' : 'value', 'declared', !isCell && keepsItsValue(binding));
		}
	}

	#import({specifier, exported, attributes}: ImportedName, uses: readonly Reference[]): void {
		const key = JSON.stringify([specifier, attributes]);
		let parameter = this.#namespaces.get(key);
		if (parameter === undefined) {
			parameter = `${this.#prefix}ns${this.#namespaces.size}`;
			this.#namespaces.set(key, parameter);
			this.fixed.push({
				kind: 'namespace', parameter, specifier, attributes,
			});
		}

		if (exported === '*') {
			// An assignment to the name throws a TypeError, and so does one to a property of a namespace.
			this.#replace(uses.filter(({access}) => access === 'read'), parameter);
			this.#replace(uses.filter(({access}) => access !== 'read'), `${parameter}.default`);
		} else {
			this.#replace(uses, /^[\p{ID_Start}$_][\p{ID_Continue}$\u200C\u200D]*$/v.test(exported) ? `${parameter}.${exported}` : `${parameter}[${JSON.stringify(exported)}]`);
		}
	}

	#capture(uses: readonly Reference[], kind: 'value' | 'constant' | 'cell', origin: PlannedVariable['origin'], isStable: boolean): void {
		const [first] = uses;
		const {name, node} = first!;
		const parameter = kind === 'cell' ? `${this.#prefix}c_${name}` : name;
		const members = uses.map(({place}) => place.member);
		const {line, column} = this.#script.lines.placeOf(node.start);
		this.captured.push({kind, parameter});
		this.variables.push({
			name,
			origin,
			isStable,
			members: members.includes(undefined) ? null : [...new Set(members)] as string[],
			isOnlyTypeof: uses.every(({place}) => place.isTypeof),
			isOwnName: first!.binding?.kind === 'self' && this.#script.kind === null,
			line: line + 1,
			column: column + 1,
		});
		if (kind === 'cell') {
			this.#replace(uses, `${parameter}.v`);
		}
	}

	/** Puts an expression in place of a name. */
	#replace(uses: readonly Reference[], expression: string): void {
		const identity = `${this.#prefix}identity`;
		for (const {name, node, place: {isShorthand, isCalled, named}} of uses) {
			const text = this.#script.source.slice(node.start, node.end);
			const isMember = /[.\[]/v.test(expression);
			const called = isCalled && isMember ? `${identity}(${expression})` : expression;
			if (isCalled && isMember && !this.fixed.some(({kind}) => kind === 'identity')) {
				this.fixed.push({kind: 'identity', parameter: identity});
			}

			// `{__proto__: value}` would set the prototype.
			const key = name === '__proto__' ? '["__proto__"]' : text;
			this.edits.push({start: node.start, end: node.end, text: `${isShorthand ? `${key}: ` : ''}${called}${lineEnds(text)}`});
			if (named) {
				// A function that is assigned to a property gets no name; in a literal it does.
				const {start, end} = named;
				this.edits.push({start, end: start, text: `({${name}: `}, {
					start: end, end, text: `}).${name}`, opened: start,
				});
			}
		}
	}
}

/** Whether a variable that nothing assigns to can be read once and for all. */
function keepsItsValue(binding: Binding): boolean {
	const {kind, scope} = binding;
	if (isReassigned(binding) || kind === 'var' || scope.isSeenByEval) {
		return false;
	}

	// Sloppy code ties `arguments` to the parameters.
	const isTied = kind === 'parameter' && !scope.isStrict && scope.own('arguments') !== undefined;
	return !isTied;
}
