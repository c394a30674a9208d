//! Functions of the running program that belong to no N-API version, looked up while the program runs.

use std::ffi::{CStr, c_void};

/// A function of the running program, by name.
///
/// # Safety
///
/// `F` must be the type of a pointer to that function.
pub unsafe fn symbol<F: Copy>(name: &CStr) -> Option<F> {
	const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
	// SAFETY: the name ends with a zero byte.
	let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
	if address.is_null() {
		return None;
	}
	// SAFETY: a pointer to a function has the size of any other here, and the caller vouches for its type.
	Some(unsafe { std::mem::transmute_copy::<*mut c_void, F>(&address) })
}
