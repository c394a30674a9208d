/**
 * The only importer of the addon. What crosses is data: numbers, bytes, plain objects with every property present.
 */

/** How a worker's process ended. Exactly one of the fields is not null, unless nobody can tell. */
export interface NativeExit {
	readonly exitCode: number | null;
	readonly signal: number | null;
	readonly coreDumped: boolean;
	/** The errno of an attempt to start that failed, and the operation. */
	readonly spawnErrno: number | null;
	readonly spawnOperation: string | null;
}

/** The facts of a worker's death. */
export interface NativeDeath extends NativeExit {
	readonly workerIndex: number;
	readonly pid: number | null;
	readonly reason: 'crash' | 'killed' | 'exit' | 'timeout' | 'protocol' | 'shutdown';
	readonly stderrTail: Uint8Array;
	/** From spawn to end, in ms. */
	readonly lifetime: number;
	/** Largest resident set in bytes. */
	readonly peakMemory: number | null;
}
