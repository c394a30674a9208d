//! The end of a worker whose parent is gone, with everything that its tasks have started.
//!
//! What is in its group dies with it, by one signal. What has left the group is looked for by its mark, and while somebody
//! looks, the tasks may start more. So a process apart does both: it kills the group, and looks until nobody is left. It shares
//! the worker's memory, so it needs none where none is left, and neither allocates nor takes a lock that a dead thread may hold.

use std::ffi::{c_int, c_void};
use std::ptr::from_ref;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::process::{Pid, Signal, getpgid, getpid};

use crate::mark::Mark;
use crate::sweep::until_none_is_left;
use crate::sys;

/// For a few system calls and what they read.
const STACK_BYTES: usize = 128 * 1024;

/// How long the process apart may take to kill this one.
const GRACE: Duration = Duration::from_secs(2);

/// What this worker has to do in the end.
pub struct LastAct {
	worker: Pid,
	/// By what the processes that left the group are known. `None`: they are left alone.
	mark: Option<Mark>,
	/// Of the process apart. Made before it is needed; the kernel gives the memory when it is.
	stack: Mutex<Option<&'static mut [u8]>>,
	has_begun: AtomicBool,
	origin: Instant,
}

impl LastAct {
	/// That of this process.
	pub fn new(mark: Option<Mark>) -> Self {
		let stack = mark.map(|_| &mut *vec![0; STACK_BYTES].leak());
		Self {
			worker: getpid(),
			mark,
			stack: Mutex::new(stack),
			has_begun: AtomicBool::new(false),
			origin: Instant::now(),
		}
	}

	/// Ends this process, its group if it leads one, and what carries its mark. May be called by several threads.
	pub fn perform(&self) -> ! {
		if self.has_begun.swap(true, Ordering::SeqCst) {
			pause(2 * GRACE);
		} else if self.mark.is_some() {
			if self.leave_it_to_another() {
				pause(GRACE);
			}
			self.sweep();
		}
		self.kill_group();
		// SAFETY: ends the process without running anything of it.
		unsafe { libc::_exit(1) }
	}

	fn leave_it_to_another(&self) -> bool {
		let stack = self.stack.try_lock().ok().and_then(|mut stack| stack.take());
		let argument = from_ref(self).cast_mut().cast::<c_void>();
		// SAFETY: this never returns from `perform`, so it stays valid; the body does not allocate.
		stack.is_some_and(|stack| unsafe { sys::start_apart(stack, apart, argument) }.is_ok())
	}

	fn kill_group(&self) {
		let _ = if getpgid(Some(self.worker)) == Ok(self.worker) {
			// The group is ours alone.
			rustix::process::kill_process_group(self.worker, Signal::KILL)
		} else {
			rustix::process::kill_process(self.worker, Signal::KILL)
		};
	}

	fn sweep(&self) {
		let Some(mark) = self.mark else { return };
		let look = || sys::kill_marked(|found| found == mark, |_| {});
		// Where nothing can be found, the group is all.
		let _ = until_none_is_left(look, || self.origin.elapsed(), pause);
	}
}

/// Without `errno`, which the process apart shares with a thread.
fn pause(time: Duration) {
	if let Ok(time) = Timespec::try_from(time) {
		let _ = rustix::event::poll(&mut [], Some(&time));
	}
}

extern "C" fn apart(argument: *mut c_void) -> c_int {
	// SAFETY: it is what `leave_it_to_another` has given, and its memory lives as long as this process.
	let last_act = unsafe { &*argument.cast_const().cast::<LastAct>() };
	// Not to be killed with the group.
	let _ = rustix::process::setsid();
	// Whoever waits for the end of the worker's pipes waits for the worker.
	sys::close_all();
	last_act.kill_group();
	last_act.sweep();
	0
}
