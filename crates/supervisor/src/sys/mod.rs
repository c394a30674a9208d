//! What differs between kernels. Each platform's module exports the same names.
//!
//! | name | Linux | macOS |
//! |---|---|---|
//! | `pipe`, `socket_pair` | atomically close-on-exec | close-on-exec a moment later |
//! | `enlarge_pipe` | `F_SETPIPE_SZ` | nothing |
//! | `shared_memory` | sealed memfd | unlinked `shm_open` |
//! | `ProcessWatch` | pidfd | `EVFILT_PROC` |
//! | `reap` | `waitid` on the pidfd | `wait4` on the pid |
//! | `close_the_rest` | `closefrom`, or each one by number | `POSIX_SPAWN_CLOEXEC_DEFAULT` |
//! | `signal_when_parent_dies` | parent-death signal | nothing |
//! | `PEER_CLOSED` | `POLLRDHUP` | `POLLHUP` |
//! | `prepare_write_end`, `SigpipeGuard` | the signal is blocked while writing | `F_SETNOSIGPIPE` |

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(target_os = "macos")]
mod bsd;
#[cfg(target_os = "macos")]
pub use bsd::*;

use pool::Exit;

/// How a process ended, with what the kernel counted for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaped {
	/// How.
	pub exit: Exit,
	/// Its largest resident set in bytes, where the kernel's number is surely its own.
	pub peak_memory: Option<u64>,
}

impl Reaped {
	/// Somebody else took the status.
	pub const UNKNOWN: Self = Self {
		exit: Exit::Unknown,
		peak_memory: None,
	};
}
