//! Writing to pipes without SIGPIPE.

use std::cell::Cell;

use crate::sys::SigpipeGuard;

thread_local! {
	static IS_BLOCKED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that the calling thread blocks the signal for good.
pub fn is_blocked_here() {
	IS_BLOCKED.set(true);
}

/// Keeps the signal away from the calling thread. Free of charge in threads that block it anyway.
pub struct Guard {
	guard: Option<SigpipeGuard>,
}

impl Guard {
	/// Until it is dropped.
	pub fn block() -> Self {
		Self {
			guard: (!IS_BLOCKED.get()).then(SigpipeGuard::block),
		}
	}

	/// Takes the signal back that a failed write has raised.
	pub fn consume(&self) {
		if let Some(guard) = &self.guard {
			guard.consume();
		}
	}
}
