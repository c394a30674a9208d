//! What V8 knows of a function object and N-API does not tell: the script that it stands in, and the variables around it.
//!
//! A value of N-API is a pointer to a **slot** that holds a tagged pointer to the object; methods of V8's own API take
//! the same pointer as their `this`. Those methods are exported by the node executable and looked up while the program
//! runs. The layout of what they return, and of objects, differs between versions: JavaScript calibrates both with
//! functions whose answer is known, and uses nothing of this file where the answers are wrong.

#![cfg_attr(
	test,
	allow(dead_code, reason = "nothing is exported to JavaScript in a test")
)]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use napi::bindgen_prelude::{Int32ArraySlice, Unknown};
use napi::{Env, JsValue, ValueType, sys};
use napi_derive::napi;

use crate::symbol::symbol;

/// Words of a `v8::ScriptOrigin` that are looked at. The smallest one has five.
const ORIGIN_WORDS: usize = 4;
/// The smallest `JSFunction` has seven words; its map, the first one, is no context.
const FUNCTION_WORDS: u32 = 7;
/// Every context has four words: map, length, scope info and the context around it.
const CONTEXT_WORDS: u32 = 4;
/// The smallest scope info has four words, and every function's more than ten.
const SCOPE_INFO_WORDS: u32 = 4;
const NAMES_WORDS: u32 = 8;
/// From here on V8 keeps the names of a context in a hash table.
const TABLE_SIZE: usize = 75;
/// More contexts than these around one function are not looked at.
const MAX_DEPTH: u32 = 10_000;
/// The lowest two bits of a tagged pointer to an object. Small integers have 0 in the lowest, weak pointers 3 in both.
const OBJECT_TAG: usize = 1;
const TAG_MASK: usize = 3;

/// Room for a `v8::ScriptOrigin`, of which V8 writes the first five or six words. Above two words a structure is
/// returned through a pointer to such room on every platform here, whatever its members are.
#[repr(C)]
struct OriginRoom {
	words: [u64; ORIGIN_WORDS],
	rest: [u64; 12],
}

/// Methods of `v8::Function`.
struct Methods {
	script_id: unsafe extern "C" fn(this: *const c_void) -> c_int,
	line: unsafe extern "C" fn(this: *const c_void) -> c_int,
	column: unsafe extern "C" fn(this: *const c_void) -> c_int,
	origin: unsafe extern "C" fn(this: *const c_void) -> MaybeUninit<OriginRoom>,
}

impl Methods {
	/// Their names by the Itanium C++ ABI, under which `this` is the first argument.
	fn look_up() -> Option<Self> {
		Some(Self {
			// SAFETY: `int v8::Function::ScriptId() const`.
			script_id: unsafe { symbol(c"_ZNK2v88Function8ScriptIdEv") }?,
			// SAFETY: `int v8::Function::GetScriptLineNumber() const`.
			line: unsafe { symbol(c"_ZNK2v88Function19GetScriptLineNumberEv") }?,
			// SAFETY: `int v8::Function::GetScriptColumnNumber() const`.
			column: unsafe { symbol(c"_ZNK2v88Function21GetScriptColumnNumberEv") }?,
			// SAFETY: `v8::ScriptOrigin v8::Function::GetScriptOrigin() const`.
			origin: unsafe { symbol(c"_ZNK2v88Function15GetScriptOriginEv") }?,
		})
	}

	fn known() -> Option<&'static Self> {
		static METHODS: OnceLock<Option<Methods>> = OnceLock::new();
		METHODS.get_or_init(Self::look_up).as_ref()
	}
}

/// Which word of an origin is the resource name; `ORIGIN_WORDS` while that is not known. The same for all threads.
static NAME_WORD: AtomicUsize = AtomicUsize::new(ORIGIN_WORDS);

/// A function that has a script: no Proxy, no bound and no native one.
struct Closure {
	methods: &'static Methods,
	slot: *const c_void,
	script_id: c_int,
}

impl Closure {
	fn new(value: &Unknown) -> Option<Self> {
		let methods = Methods::known()?;
		if value.get_type().ok()? != ValueType::Function {
			return None;
		}
		let slot: *const c_void = value.raw().cast();
		if slot.is_null() || !slot.cast::<usize>().is_aligned() {
			return None;
		}
		// SAFETY: the slot holds something callable, for which V8 tells itself whether it is a `JSFunction`.
		let script_id = unsafe { (methods.script_id)(slot) };
		(script_id > 0).then_some(Self {
			methods,
			slot,
			script_id,
		})
	}

	fn origin(&self) -> [u64; ORIGIN_WORDS] {
		// SAFETY: the slot holds a function; what V8 makes of it lives in the handle scope of the native call.
		let room = unsafe { (self.methods.origin)(self.slot) };
		let words = room.as_ptr().cast::<[u64; ORIGIN_WORDS]>();
		// SAFETY: the first words of the room, all of which V8 has written.
		unsafe { words.read() }
	}

	fn line(&self) -> c_int {
		// SAFETY: the slot holds a function.
		unsafe { (self.methods.line)(self.slot) }
	}

	fn column(&self) -> c_int {
		// SAFETY: the slot holds a function.
		unsafe { (self.methods.column)(self.slot) }
	}

	/// The context so many contexts out. Its address holds only until V8 next allocates.
	fn context(&self, hops: u32, context_word: u32, previous_word: u32) -> Option<usize> {
		// SAFETY: the slot is aligned, and a slot of the handle scope of the native call.
		let function = unsafe { self.slot.cast::<usize>().read() };
		let mut context = object_word(function, context_word)?;
		for _ in 0..hops {
			context = object_word(context, previous_word)?;
		}
		is_object(context).then_some(context)
	}
}

/// The scope info of a context.
fn scope_info(context: usize) -> Option<usize> {
	object_word(context, 2)
}

/// A small integer, whose value is the upper half of its word.
fn small_integer(word: usize) -> Option<u32> {
	let [low, value] = halves(word as u64);
	(low == 0).then(|| u32::try_from(value).ok()).flatten()
}

/// Whether a variable of that name lives in a context. Names are unique objects in V8.
fn declares(context: usize, name: usize, count_word: u32, names_word: u32) -> Option<bool> {
	let scope_info = scope_info(context)?;
	let count = small_integer(object_word(scope_info, count_word)?)?;
	if count as usize >= TABLE_SIZE {
		let table = object_word(scope_info, names_word)?;
		let length = small_integer(object_word(table, 1)?)?;
		return Some((0..length).any(|index| object_word(table, 2 + index) == Some(name)));
	}
	// In a module one more number stands before the names, and as many numbers as names stand behind them.
	let window = names_word..=names_word + count;
	Some(
		count > 0
			&& window
				.into_iter()
				.any(|index| object_word(scope_info, index) == Some(name)),
	)
}

fn is_object(tagged: usize) -> bool {
	tagged & TAG_MASK == OBJECT_TAG && tagged > TAG_MASK
}

/// One word of an object; none for what is not an object.
fn object_word(tagged: usize, index: u32) -> Option<usize> {
	if !is_object(tagged) {
		return None;
	}
	let word = std::ptr::with_exposed_provenance::<usize>(tagged - OBJECT_TAG).wrapping_add(index as usize);
	// SAFETY: the callers keep the index within the object: by the smallest one of the kind, or by a length that it has.
	// The outer context of a context is another one or, for the outermost, not an object.
	word.is_aligned().then(|| unsafe { word.read() })
}

/// Tells where in an origin its parts are, from a function of a script whose offsets are known: they stand behind the
/// name, and the script's number behind them.
///
/// False where V8's functions are missing or answer otherwise.
#[napi]
pub fn calibrate_origin(value: Unknown, line_offset: i32, column_offset: i32) -> bool {
	if !cfg!(all(target_pointer_width = "64", target_endian = "little")) {
		return false;
	}
	let Some(closure) = Closure::new(&value) else {
		return false;
	};
	let origin = closure.origin();
	let offsets = [line_offset, column_offset];
	let found = origin.windows(3).position(|words| {
		words[0] != 0 && halves(words[1]) == offsets && halves(words[2])[1] == closure.script_id
	});
	NAME_WORD.store(found.unwrap_or(ORIGIN_WORDS), Ordering::Relaxed);
	found.is_some()
}

/// Two neighbouring integers of a structure, from one word of it.
fn halves(word: u64) -> [i32; 2] {
	let bytes = word.to_ne_bytes();
	let (halves, _) = bytes.as_chunks();
	[0, 1].map(|index| halves.get(index).map_or(0, |half| i32::from_ne_bytes(*half)))
}

/// The name of the script of a function, as V8 has it; null for a function without a script.
///
/// `place` takes four numbers: the number of the script, line and column as the inspector counts them, and V8's flags.
#[napi]
pub fn script_name<'env>(
	env: &'env Env,
	value: Unknown,
	mut place: Int32ArraySlice<'env>,
) -> Option<Unknown<'env>> {
	let closure = Closure::new(&value)?;
	let name_word = NAME_WORD.load(Ordering::Relaxed);
	let origin = closure.origin();
	let name = usize::try_from(*origin.get(name_word)?).ok()?;
	let [flags, script_id] = halves(*origin.get(name_word + 2)?);
	if script_id != closure.script_id || name == 0 {
		return None;
	}
	// SAFETY: nothing else reads or writes the array during the call.
	let place = unsafe { place.as_mut() };
	place
		.get_mut(..4)?
		.copy_from_slice(&[script_id, closure.line(), closure.column(), flags]);
	let name: sys::napi_value = std::ptr::with_exposed_provenance_mut::<c_void>(name).cast();
	// SAFETY: calibration has shown that the word is the slot of the name, in the handle scope of this call.
	Some(unsafe { Unknown::from_raw_unchecked(env.raw(), name) })
}

/// Whether two functions see the very same variables: whether the context so many contexts out from each is one.
///
/// `context_word` and `previous_word` say which word of a function is its context, and which one of a context the next.
#[napi]
pub fn shares_context(
	first: Unknown,
	first_hops: u32,
	second: Unknown,
	second_hops: u32,
	context_word: u32,
	previous_word: u32,
) -> bool {
	if context_word >= FUNCTION_WORDS || previous_word >= CONTEXT_WORDS {
		return false;
	}
	let (Some(first), Some(second)) = (Closure::new(&first), Closure::new(&second)) else {
		return false;
	};
	// No object is allocated in between, so none moves.
	let context = first.context(first_hops, context_word, previous_word);
	context.is_some() && context == second.context(second_hops, context_word, previous_word)
}

/// How many contexts are around a function: the hops to the outermost one, which is that of the realm.
#[napi]
pub fn context_depth(value: Unknown, context_word: u32, previous_word: u32) -> Option<u32> {
	if context_word >= FUNCTION_WORDS || previous_word >= CONTEXT_WORDS {
		return None;
	}
	let mut context = Closure::new(&value)?.context(0, context_word, previous_word)?;
	for hops in 0..MAX_DEPTH {
		match object_word(context, previous_word) {
			Some(previous) if is_object(previous) => context = previous,
			_ => return Some(hops),
		}
	}
	None
}

/// A small integer of the description that V8 has of a function's context.
#[napi]
pub fn scope_number(value: Unknown, word: u32, context_word: u32) -> Option<u32> {
	if context_word >= FUNCTION_WORDS || word >= SCOPE_INFO_WORDS {
		return None;
	}
	let context = Closure::new(&value)?.context(0, context_word, 0)?;
	small_integer(object_word(scope_info(context)?, word)?)
}

/// The hops to the first context, from `from` on, that has a variable of this name.
///
/// `name` must be a key of an object. `count_word` and `names_word` say where the description of a context tells how
/// many variables it has, and their names.
#[napi]
pub fn declaring_hops(
	value: Unknown,
	name: Unknown,
	from: u32,
	context_word: u32,
	previous_word: u32,
	count_word: u32,
	names_word: u32,
) -> Option<u32> {
	let depth = context_depth(value, context_word, previous_word)?;
	if count_word >= SCOPE_INFO_WORDS
		|| names_word >= NAMES_WORDS
		|| name.get_type().ok()? != ValueType::String
	{
		return None;
	}
	let closure = Closure::new(&value)?;
	// SAFETY: a value of N-API is a slot of the handle scope of this call.
	let name = unsafe { name.raw().cast::<usize>().read() };
	(from..depth).find(|hops| {
		closure
			.context(*hops, context_word, previous_word)
			.and_then(|context| declares(context, name, count_word, names_word))
			== Some(true)
	})
}
