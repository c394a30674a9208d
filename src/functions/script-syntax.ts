import type {AnyNode} from 'acorn';
import type {NameUses} from './name-uses.js';
import type {Scope} from './scope.js';
import type {ImportedName} from './script-bindings.js';
import type {ScriptLines} from './script-lines.js';
import type {ScriptKind} from './syntax-walk.js';

/** A script, or the text of a function alone, after it was parsed and walked through. */
export interface ScriptSyntax {
	readonly source: string;
	/** Null for the text of a function alone. */
	readonly kind: ScriptKind | null;
	readonly isModule: boolean;
	readonly root: AnyNode;
	readonly uses: NameUses;
	readonly lines: Pick<ScriptLines, 'placeOf'>;
	/** The scope of its top level; null for a text alone. */
	readonly top: Scope | null;
	readonly imports: ReadonlyMap<string, ImportedName>;
	/** Exported names of the variables that keep their first value. */
	readonly exportsByLocal: ReadonlyMap<string, readonly string[]>;
}
