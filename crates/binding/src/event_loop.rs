//! A callback from the event loop when a descriptor can be read.
//!
//! Node's own way for this is a socket object, which reads ahead into JavaScript and costs several microseconds a frame.
//! libuv's poll handle costs one. Its functions are exported by the node executable but belong to no N-API version, so
//! they are looked up while the program runs. A runtime that lacks them cannot be a worker yet.

use std::ffi::{c_int, c_void};
use std::os::fd::RawFd;
use std::ptr::{self, NonNull};

use napi::bindgen_prelude::{Env, Error, Function, FunctionRef, JsValue, Result};
use napi::{check_status, sys};

use crate::symbol::symbol;

/// `UV_POLL` in libuv's list of handle types; part of its stable interface since 1.0.
const UV_POLL: c_int = 8;
/// `UV_READABLE`.
const UV_READABLE: c_int = 1;

type PollCallback = extern "C" fn(handle: *mut c_void, status: c_int, events: c_int);

/// The functions of libuv that are needed here.
struct Libuv {
	handle_size: unsafe extern "C" fn(kind: c_int) -> usize,
	handle_set_data: unsafe extern "C" fn(handle: *mut c_void, data: *mut c_void),
	handle_get_data: unsafe extern "C" fn(handle: *const c_void) -> *mut c_void,
	poll_init: unsafe extern "C" fn(event_loop: *mut c_void, handle: *mut c_void, descriptor: c_int) -> c_int,
	poll_start: unsafe extern "C" fn(handle: *mut c_void, events: c_int, callback: PollCallback) -> c_int,
}

impl Libuv {
	/// The type of each is that of its declaration in uv.h, unchanged since libuv 1.19.
	fn look_up() -> Option<Self> {
		Some(Self {
			// SAFETY: `size_t uv_handle_size(uv_handle_type)`.
			handle_size: unsafe { symbol(c"uv_handle_size") }?,
			// SAFETY: `void uv_handle_set_data(uv_handle_t*, void*)`.
			handle_set_data: unsafe { symbol(c"uv_handle_set_data") }?,
			// SAFETY: `void* uv_handle_get_data(const uv_handle_t*)`.
			handle_get_data: unsafe { symbol(c"uv_handle_get_data") }?,
			// SAFETY: `int uv_poll_init(uv_loop_t*, uv_poll_t*, int)`.
			poll_init: unsafe { symbol(c"uv_poll_init") }?,
			// SAFETY: `int uv_poll_start(uv_poll_t*, int, uv_poll_cb)`.
			poll_start: unsafe { symbol(c"uv_poll_start") }?,
		})
	}
}

/// What the callback of libuv finds in its handle.
struct Context {
	env: Env,
	callback: FunctionRef<(), ()>,
}

/// libuv's handle has one word for its user, so the look-up of that word must be found without it.
static GET_DATA: std::sync::OnceLock<unsafe extern "C" fn(handle: *const c_void) -> *mut c_void> =
	std::sync::OnceLock::new();

/// A watch that lasts as long as the process: a worker has one, and ends by exiting.
pub struct ReadableWatch {
	_handle: NonNull<c_void>,
}

impl ReadableWatch {
	/// Calls `callback` from now on whenever `descriptor` can be read. Keeps the loop alive.
	pub fn start(env: Env, descriptor: RawFd, callback: &Function<(), ()>) -> Result<Self> {
		let libuv = Libuv::look_up().ok_or_else(|| {
			Error::from_reason("this runtime does not export libuv: a worker must be a Node.js process")
		})?;
		GET_DATA.get_or_init(|| libuv.handle_get_data);
		let context = Box::new(Context {
			env,
			callback: callback.create_ref()?,
		});
		// SAFETY: the function has no precondition.
		let size = unsafe { (libuv.handle_size)(UV_POLL) };
		// u128 for its alignment, which is that of malloc.
		let memory = vec![0_u128; size.div_ceil(size_of::<u128>())].leak();
		let handle: *mut c_void = memory.as_mut_ptr().cast();
		let event_loop: *mut c_void = env.get_uv_event_loop()?.cast();
		// SAFETY: the handle is large enough, lives for ever, and we are on the loop's thread.
		let code = unsafe { (libuv.poll_init)(event_loop, handle, descriptor) };
		check(code, "uv_poll_init")?;
		// SAFETY: the handle is initialised.
		unsafe { (libuv.handle_set_data)(handle, Box::into_raw(context).cast()) };
		// SAFETY: the handle is initialised, and its data is what the callback expects.
		let code = unsafe { (libuv.poll_start)(handle, UV_READABLE, on_readable) };
		check(code, "uv_poll_start")?;
		let handle = NonNull::new(handle).ok_or_else(|| Error::from_reason("no memory for a poll handle"))?;
		Ok(Self { _handle: handle })
	}
}

fn check(code: c_int, operation: &str) -> Result<()> {
	if code == 0 {
		Ok(())
	} else {
		Err(Error::from_reason(format!("{operation}: error {code}")))
	}
}

extern "C" fn on_readable(handle: *mut c_void, _status: c_int, _events: c_int) {
	let Some(get_data) = GET_DATA.get() else { return };
	// SAFETY: libuv gives the handle that was started.
	let data = unsafe { get_data(handle) };
	// SAFETY: `start` put a leaked context there.
	let context = unsafe { &*data.cast::<Context>() };
	// A failure means that the environment is ending: nobody is left to tell.
	let _ = call(context);
}

/// Calls into JavaScript from the bare loop: with a scope for the handles, and with the microtasks and ticks that follow.
fn call(context: &Context) -> Result<()> {
	let env = context.env.raw();
	let mut scope = ptr::null_mut();
	// SAFETY: on the loop's thread, outside any other scope.
	check_status!(unsafe { sys::napi_open_handle_scope(env, &raw mut scope) })?;
	let result = call_in_scope(context, env);
	// SAFETY: the scope that was opened above.
	check_status!(unsafe { sys::napi_close_handle_scope(env, scope) })?;
	result
}

fn call_in_scope(context: &Context, env: sys::napi_env) -> Result<()> {
	let callback = context.callback.borrow_back(&context.env)?;
	let global = context.env.get_global()?;
	let mut returned = ptr::null_mut();
	// SAFETY: both values are alive in the scope of the caller. A missing async context means the root one.
	let status = unsafe {
		sys::napi_make_callback(
			env,
			ptr::null_mut(),
			global.raw(),
			callback.raw(),
			0,
			ptr::null(),
			&raw mut returned,
		)
	};
	if status == sys::Status::napi_pending_exception {
		let mut exception = ptr::null_mut();
		// SAFETY: an exception is pending.
		check_status!(unsafe { sys::napi_get_and_clear_last_exception(env, &raw mut exception) })?;
		// SAFETY: the exception that was pending. It becomes an uncaught one, as from any other callback.
		return check_status!(unsafe { sys::napi_fatal_exception(env, exception) });
	}
	check_status!(status)
}
