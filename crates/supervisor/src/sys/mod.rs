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
//! | `die_before_parent` | `oom_score_adj` | nothing |
//! | `memory_of` | `/proc/<pid>/statm` | unsupported: unknown |
//! | `is_inspected` | `/proc` | nothing |
//! | `SHARED_MEMORY_TYPE` | a regular file | nothing known |
//! | `PEER_CLOSED` | `POLLRDHUP` | `POLLHUP` |
//! | `bear_mark`, `kill_marked` | the limit of file locks | unsupported |
//! | `start_apart` | `clone` with the memory shared | unsupported |
//! | `prepare_write_end`, `SigpipeGuard` | the signal is blocked while writing | `F_SETNOSIGPIPE` |

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(target_os = "linux")]
mod linux_marks;
#[cfg(target_os = "linux")]
pub use linux_marks::*;

#[cfg(target_os = "macos")]
mod bsd;
#[cfg(target_os = "macos")]
pub use bsd::*;

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;

use pool::Exit;
use rustix::process::Pid;

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

/// What one look at all processes has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
	/// How many were wanted, alive, and sent a signal.
	pub found: usize,
	/// Whether one was gone when it was to be looked at. Others may have come from it.
	pub has_missed: bool,
}

/// Blocks until the child is dead, and leaves it unreaped.
pub fn wait_for_death(pid: Pid) {
	while wait_unreaped(pid, 0).is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
}

/// Whether the child is dead. Leaves it unreaped.
fn wait_unreaped(pid: Pid, options: c_int) -> io::Result<bool> {
	let mut information = MaybeUninit::<libc::siginfo_t>::zeroed();
	let id = pid.as_raw_pid().unsigned_abs();
	let options = libc::WEXITED | libc::WNOWAIT | options;
	// SAFETY: the pointer is to writable memory of the right type.
	if unsafe { libc::waitid(libc::P_PID, id, information.as_mut_ptr(), options) } != 0 {
		return Err(io::Error::last_os_error());
	}
	// SAFETY: zeroed, and all bit patterns are valid.
	let information = unsafe { information.assume_init() };
	// SAFETY: the kernel fills the members of SIGCHLD; zero means that no child was ready.
	Ok(unsafe { information.si_pid() } != 0)
}

/// Reaps the dead children of ours in a process group. Whether there are living ones.
pub fn reap_group(group: Pid) -> bool {
	loop {
		let mut information = MaybeUninit::<libc::siginfo_t>::zeroed();
		let id = group.as_raw_pid().unsigned_abs();
		let options = libc::WEXITED | libc::WNOHANG;
		// SAFETY: the pointer is to writable memory of the right type.
		if unsafe { libc::waitid(libc::P_PGID, id, information.as_mut_ptr(), options) } != 0 {
			return false;
		}
		// SAFETY: zeroed, and all bit patterns are valid.
		let information = unsafe { information.assume_init() };
		// SAFETY: the kernel fills the members of SIGCHLD; zero means that no child was ready.
		if unsafe { information.si_pid() } == 0 {
			return true;
		}
	}
}
