/** Where in a value the writer stands: the steps from the root, also across the parts that were put off. */
import type {FunctionPlace, PathStep} from '../errors.js';
import {maxNesting} from './wire.js';

/** Where a part of the value hangs: the steps from its own root, and where that hangs. */
export type Trail = {readonly parent: Trail | null; readonly steps: readonly PathStep[]};

/** A part of the value whose turn comes later. */
export type PutOff = {
	readonly value: object;
	readonly trail: Trail;
	readonly level: number;
	/** Whether it is something that a function captures, which travels with all that it has. */
	readonly isCaptured: boolean;
	readonly holder: FunctionPlace | null;
};

export class WritePosition {
	/** Steps from the root of the current part to the current value; only the first `depth` count. */
	readonly steps: PathStep[] = [];
	depth = 0;
	/** The depth from which on containers are put off. */
	nestingLimit: number;
	isCaptured = false;
	/** The innermost function that the current value belongs to. */
	holder: FunctionPlace | null = null;
	/** The steps that lead to the root. */
	root: readonly PathStep[];
	/** The level of the current part's root. */
	#level = 0;
	/** Where the current part hangs; for the first part nowhere. */
	#trail: Trail | null = null;
	readonly #maxDepth: number;

	constructor(root: readonly PathStep[], maxDepth: number) {
		this.root = root;
		this.#maxDepth = maxDepth;
		this.nestingLimit = Math.min(maxNesting, maxDepth);
	}

	get level(): number {
		return this.#level + this.depth;
	}

	/** The steps from the root of everything. */
	path(): PathStep[] {
		const parts: Array<readonly PathStep[]> = [this.steps.slice(0, this.depth)];
		for (let trail = this.#trail; trail !== null; trail = trail.parent) {
			parts.push(trail.steps);
		}

		return [...this.root, ...parts.toReversed().flat()];
	}

	/** What has to be known to come back to a value that is here. */
	putOff(value: object): PutOff {
		return {
			value,
			// Roots differ only for the parts of one call, none of which hangs on another.
			trail: {parent: this.#trail, steps: [...this.#trail === null ? this.root : [], ...this.steps.slice(0, this.depth)]},
			level: this.level,
			isCaptured: this.isCaptured,
			holder: this.holder,
		};
	}

	moveTo({trail, level, isCaptured, holder}: PutOff): void {
		this.root = [];
		this.#trail = trail;
		this.#level = level;
		this.nestingLimit = Math.min(maxNesting, this.#maxDepth - level);
		this.depth = 0;
		this.isCaptured = isCaptured;
		this.holder = holder;
	}
}
