/**
 * The payload format. A payload is one flat msgpack array: a header, then tokens in the order in which a value is
 * walked. A primitive stands for itself; `null` announces an operation, whose code follows. Nothing nests in msgpack
 * itself (but lists of primitives), so msgpackr never recurses, and its own types and maps are never used: they lose
 * -0, holes, `__proto__` and cycles, and other users of the library may replace them.
 *
 * The header is a sum of `hasReferences`, if some object is met twice, so that the reader has to number them, and `hasCodes`; or an
 * array of that, the codes if there are any, and the bytes of every ArrayBuffer.
 */

/** Codes below `firstSizedCode`. The operands follow in the order given. */
export const operation = {
	null: 0,
	/** An object already met: its number, counted in the order in which objects begin. */
	reference: 1,
	/** Keys used for the first time: how many, the keys, then the values. */
	newShape: 2,
	/** How many holes. */
	holes: 3,
	/** An array with properties: length, items, how many properties, key and value of each. */
	namedArray: 4,
	/** A msgpack array of primitives. */
	primitives: 5,
	map: 6,
	set: 7,
	date: 8,
	/** Source, flags. */
	regexp: 9,
	/** Class, how many fields, key and value of each. */
	error: 10,
	/** Name, message, stack. */
	domException: 11,
	boxed: 12,
	/** Its number in the header. */
	arrayBuffer: 13,
	/** Kind, number of the ArrayBuffer, byte offset, byte length. */
	view: 14,
	/** As hexadecimal text. */
	bigint: 15,
	negativeZero: 16,
	/** A string that UTF-8 cannot carry, as UTF-16LE bytes. */
	utf16: 17,
	/** A container whose contents follow after the current value: its kind. */
	later: 18,
	/** Keys used once: how many, then key and value of each. */
	record: 19,
	/** A list of numbers, as the bytes of a Float64Array. */
	numbers: 20,
	/** What a reducer made of an object, as a payload of its own. */
	reduced: 21,
	/**
	Number of the code, whether it is late (0 or 1), for a class its id, then the value of each captured parameter, in which `self` stands for the
	function itself. Unless late, it is created after its values were read. A late one is created after the early ones: the others may lead back
	to it. Classes are always late.
	*/
	function: 22,
	/** In place of a captured value: the function whose value this is. */
	self: 23,
	/** A variable that functions share and assign to: its value. */
	cell: 24,
	/** A function of a module: URL, whether CommonJS, hash of the file or undefined, hash of the text, how many steps, kind and key of each. */
	exported: 25,
	/** Something of the runtime: module or undefined for the global object, how many steps, each step. */
	builtin: 26,
	/** Whether it is late (0 or 1), target, `this`, how many arguments, each. A late one is created after its target. */
	bound: 27,
	/**
	Flags, the object (unless `decoration.announced`), its prototype, how many properties, then of each its key, its attributes, and its value or
	its getter and setter (undefined for none), how many deleted properties, the key of each.
	*/
	decorated: 28,
	/** Kind, then key, name or description. */
	symbol: 29,
	/** The object under `prototype` of the function that follows. It is not numbered: the function is. */
	prototypeOf: 30,
	/** The namespace of a module: URL. */
	namespace: 31,
	url: 32,
	/** A class of the receiving side: its id. */
	knownClass: 33,
} as const;

/** Of `operation.decorated`: what follows, and what becomes of the object when everything is read. */
export const decoration = {
	prototype: 1,
	properties: 2,
	deletions: 4,
	/** The object was announced with `later`, and this is its turn. */
	announced: 8,
	nonExtensible: 16,
	sealed: 32,
	frozen: 64,
} as const;

/** Attributes of a property. */
export const attribute = {
	enumerable: 1, configurable: 2, writable: 4, accessor: 8,
} as const;

/** Of `operation.symbol`: `Symbol.for(key)`, `Symbol.iterator` and its like by name, and one that is unique in the payload. */
export const symbolKind = {
	registered: 0, wellKnown: 1, unique: 2,
} as const;

/** From here on: even distances are the length of an array, odd ones twice the number of a known shape plus one. */
export const firstSizedCode = 48;

/** In the header. */
export const hasReferences = 1;

/** In the header: the texts of the functions lie in the payload, as a payload of their own, ahead of the ArrayBuffers. */
export const hasCodes = 2;

/** What a container that comes later is. */
export const laterKind = {
	array: 0,
	record: 1,
	map: 2,
	set: 3,
	error: 4,
	/** Number of the code, for a class its id, and the values of the early parameters follow; the others when its turn comes. */
	function: 5,
	cell: 6,
	/** The tokens of an object follow of which only the decoration comes later. */
	whole: 7,
} as const;

/** Containers within containers before the rest is put off: what keeps the stack flat on both ends. */
export const maxNesting = 100;

/** Levels of a value that may travel. */
export const defaultMaxDepth = 100_000;

/** Key lists that a payload remembers. */
export const maxShapes = 32;

/** The classes of views; the position is the kind. */
export const viewKinds = [
	'Int8Array',
	'Uint8Array',
	'Uint8ClampedArray',
	'Int16Array',
	'Uint16Array',
	'Int32Array',
	'Uint32Array',
	'Float32Array',
	'Float64Array',
	'BigInt64Array',
	'BigUint64Array',
	'Float16Array',
	'DataView',
	'Buffer',
] as const;

/** The error classes of the language, which every process has. */
export const errorClasses: ReadonlyMap<string, ErrorConstructor | AggregateErrorConstructor> = new Map<string, ErrorConstructor | AggregateErrorConstructor>([
	['Error', Error],
	['EvalError', EvalError],
	['RangeError', RangeError],
	['ReferenceError', ReferenceError],
	['SyntaxError', SyntaxError],
	['TypeError', TypeError],
	['URIError', URIError],
	['AggregateError', AggregateError],
]);
