/**
 * The inspector of this thread, as far as it answers without a domain being enabled: so the program runs as fast as before.
 */

import process from 'node:process';
import type {Session} from 'node:inspector';

/** The inspector's handle of a value, or the value itself when it is a primitive. */
export type RemoteValue = {
	readonly type: string;
	readonly objectId?: string;
	readonly unserializableValue?: string;
	readonly value?: unknown;
};

type RemoteProperty = {readonly name: string; readonly value?: RemoteValue; readonly get?: RemoteValue; readonly set?: RemoteValue};

/** What V8 keeps about an object beside its properties. */
export type Internals = {
	/** `[[Scopes]]` and its like. */
	readonly slots: ReadonlyMap<string, RemoteValue>;
	/** Private fields and accessors, with their `#`. */
	readonly privates: readonly RemoteProperty[];
};

// Captured at the start: the program may replace it, as those that fake time do.
const {queueMicrotask} = globalThis;

const group = 'loky';
/** To let go of what the inspector handed out costs a tenth of a read, and as much for many. */
const mostReads = 32;
const holderKey = Symbol.for('loky.inspected');

/** Where values pass from JavaScript to the inspector and back without being copied. */
type Holder = {given: unknown; taken: unknown};

export class InspectorSession {
	readonly #session: Session;
	readonly #holder: Holder = {given: undefined, taken: undefined};
	readonly #holderId: string;
	/** Those whose objects the inspector still keeps. */
	#reads = 0;

	/** A build without the inspector, and `--permission` without `--allow-inspector`, throw here. */
	constructor() {
		const inspector = process.getBuiltinModule('node:inspector');
		this.#session = new inspector.Session();
		this.#session.connect();
		// The inspector evaluates in the main context, and this code may run in another, as under jest, where even `process` is a copy.
		// The exports of a builtin module are the same object everywhere.
		Object.defineProperty(inspector, holderKey, {value: this.#holder, configurable: true});
		try {
			const {result} = this.post('Runtime.evaluate', {
				expression: 'process.getBuiltinModule(\'node:inspector\')[Symbol.for(\'loky.inspected\')]',
			}) as {result: RemoteValue};
			if (result.objectId === undefined) {
				throw new Error('The inspector did not give an object.');
			}

			this.#holderId = result.objectId;
		} catch (error) {
			this.close();
			throw error;
		} finally {
			Reflect.deleteProperty(inspector, holderKey);
		}
	}

	/** Runs `read`, and soon lets go of everything that the inspector handed out meanwhile: it would keep it alive, closures included. */
	reading<Read>(read: () => Read): Read {
		try {
			return read();
		} finally {
			this.#holder.given = undefined;
			this.#holder.taken = undefined;
			this.#reads++;
			if (this.#reads === mostReads) {
				this.#release();
			} else if (this.#reads === 1) {
				queueMicrotask(() => {
					this.#release();
				});
			}
		}
	}

	/** Within `reading`. Runs no accessor of the object, but shows its values: see `isQuiet`. */
	internals(object: object): Internals {
		this.#holder.given = object;
		const {result} = this.#call('function () { return this.given; }', this.#holderId, []);
		const {internalProperties = [], privateProperties = []} = this.post('Runtime.getProperties', {
			objectId: result.objectId, ownProperties: true, nonIndexedPropertiesOnly: true,
		}) as {internalProperties?: RemoteProperty[]; privateProperties?: RemoteProperty[]};
		const slots = new Map<string, RemoteValue>();
		for (const {name, value} of internalProperties) {
			if (value) {
				slots.set(name, value);
			}
		}

		return {slots, privates: privateProperties};
	}

	/** Within `reading`. The value itself, of the same identity. */
	value(remote: RemoteValue): unknown {
		this.#call('function (value) { this.taken = value; }', this.#holderId, [argumentOf(remote)]);
		return this.#holder.taken;
	}

	/** As `value`, of several. */
	values(remotes: readonly RemoteValue[]): readonly unknown[] {
		this.#call('function (...values) { this.taken = values; }', this.#holderId, remotes.map(remote => argumentOf(remote)));
		return this.#holder.taken as readonly unknown[];
	}

	/** On the same thread, the inspector answers before `post` returns. */
	post(method: string, parameters: Record<string, unknown>): unknown {
		let answer: {error: Error | null; result: unknown} | undefined;
		this.#session.post(method, parameters, (error, result) => {
			answer = {error, result};
		});
		if (!answer || answer.error) {
			throw new Error(`The inspector did not answer ${method}.`, {cause: answer?.error});
		}

		return answer.result;
	}

	/** Calls `listener` with each event of the method while `run` runs. */
	listening<Parameters>(method: string, listener: (parameters: Parameters) => void, run: () => void): void {
		const onEvent = ({params}: {params: Parameters}): void => {
			listener(params);
		};

		this.#session.on(method, onEvent);
		try {
			run();
		} finally {
			this.#session.off(method, onEvent);
		}
	}

	close(): void {
		this.#session.disconnect();
	}

	#release(): void {
		if (this.#reads > 0) {
			this.#reads = 0;
			this.post('Runtime.releaseObjectGroup', {objectGroup: group});
		}
	}

	#call(functionDeclaration: string, objectId: string, parameters: readonly unknown[]): {result: RemoteValue} {
		// Silent: a debugger that is attached does not stop for it.
		const answer = this.post('Runtime.callFunctionOn', {
			functionDeclaration, objectId, arguments: parameters, objectGroup: group, silent: true,
		}) as {result: RemoteValue; exceptionDetails?: unknown};
		if (answer.exceptionDetails) {
			throw new Error('The inspector could not call a function.');
		}

		return answer;
	}
}

function argumentOf({objectId, unserializableValue, value}: RemoteValue): Record<string, unknown> {
	if (objectId !== undefined) {
		return {objectId};
	}

	return unserializableValue === undefined ? {value} : {unserializableValue};
}

let session: InspectorSession | undefined;
let isUnavailable = false;

/** Uses the one session of this thread; undefined where Node has no inspector or may not use it. */
export function withInspector<Answer>(use: (inspector: InspectorSession) => Answer): Answer | undefined {
	if (isUnavailable) {
		return undefined;
	}

	try {
		session ??= new InspectorSession();
	} catch {
		isUnavailable = true;
		return undefined;
	}

	return session.reading(() => use(session!));
}
