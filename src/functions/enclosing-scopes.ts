/**
 * The variables around a function, as the inspector of this thread shows them.
 *
 * The text of a function does not tell whether `fetch` is the global or something that the module imports under that name. V8 keeps every
 * variable that a function mentions in the function's scopes. No domain of the inspector is enabled, so the program runs as fast as before.
 */

import process from 'node:process';
import type {Session} from 'node:inspector';

/** One scope around a function, innermost first. */
export type EnclosingScope = {
	/** V8's words: `Module`, `Script`, `Block`, `Catch`, `With Block`, `Closure (name)`. */
	readonly description: string;
	/** A snapshot: a variable before its initialisation is an accessor that throws, or undefined on Node 20. */
	readonly variables: Readonly<Record<string, unknown>>;
};

type RemoteObject = {readonly objectId?: string};
type Holder = {fn: unknown; scopes: ArrayLike<{readonly description: string; readonly object: Record<string, unknown>}> | undefined};

const group = 'loky-scopes';
const holderKey = 'loky.scopes';

class ScopeReader {
	readonly #session: Session;
	readonly #holder: Holder = {fn: undefined, scopes: undefined};
	readonly #holderId: string;

	constructor(session: Session) {
		this.#session = session;
		session.connect();
		// By way of `process`: it is the same object in every context of the thread.
		const key = Symbol.for(holderKey);
		Object.defineProperty(process, key, {value: this.#holder, configurable: true});
		try {
			this.#holderId = this.#objectId('Runtime.evaluate', {expression: `process[Symbol.for('${holderKey}')]`});
		} finally {
			Reflect.deleteProperty(process, key);
		}
	}

	read(fn: unknown): EnclosingScope[] {
		this.#holder.fn = fn;
		try {
			const fnId = this.#objectId('Runtime.callFunctionOn', {
				objectId: this.#holderId, functionDeclaration: 'function () { return this.fn; }', objectGroup: group,
			});
			const {internalProperties = []} = this.#post('Runtime.getProperties', {objectId: fnId, ownProperties: true}) as {
				internalProperties?: Array<{name: string; value?: RemoteObject}>;
			};
			const scopes = internalProperties.find(property => property.name === '[[Scopes]]')?.value;
			if (!scopes?.objectId) {
				return [];
			}

			this.#post('Runtime.callFunctionOn', {
				objectId: scopes.objectId,
				functionDeclaration: 'function (holder) { holder.scopes = this; }',
				arguments: [{objectId: this.#holderId}],
				objectGroup: group,
			});
			return Array.from(this.#holder.scopes ?? [], ({description, object}) => ({description, variables: object}))
				.filter(scope => scope.description !== 'Global');
		} finally {
			this.#holder.fn = undefined;
			this.#holder.scopes = undefined;
			// What the inspector has handed out it keeps alive, closures included, until told otherwise.
			this.#post('Runtime.releaseObjectGroup', {objectGroup: group});
		}
	}

	#objectId(method: string, parameters: Record<string, unknown>): string {
		const {result} = this.#post(method, parameters) as {result: RemoteObject};
		if (!result.objectId) {
			throw new Error(`${method} did not give an object.`);
		}

		return result.objectId;
	}

	/** On the same thread, the inspector answers before `post` returns. */
	#post(method: string, parameters: Record<string, unknown>): unknown {
		let answer: {error: Error | null; result: unknown} | undefined;
		this.#session.post(method, parameters, (error, result) => {
			answer = {error, result};
		});
		if (!answer || answer.error) {
			throw new Error(`The inspector did not answer ${method}.`, {cause: answer?.error});
		}

		return answer.result;
	}
}

let reader: ScopeReader | undefined;
let isUnavailable = false;

/** The scopes around a function; undefined where Node has no inspector or may not use it. */
export function enclosingScopes(fn: unknown): readonly EnclosingScope[] | undefined {
	if (isUnavailable) {
		return undefined;
	}

	try {
		reader ??= openReader();
		return reader.read(fn);
	} catch {
		isUnavailable = true;
		return undefined;
	}
}

/** A build without the inspector, and `--permission` without `--allow-inspector`, throw here. */
function openReader(): ScopeReader {
	const {Session} = process.getBuiltinModule('node:inspector');
	const opened = new ScopeReader(new Session());
	const probe = ((variable: number) => () => variable)(1);
	if (!opened.read(probe).some(scope => scope.variables['variable'] === 1)) {
		throw new Error('The inspector does not show the variables of a function.');
	}

	return opened;
}
