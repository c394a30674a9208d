//! The end of a worker whose parent is gone.
//!
//! The kernel closes the parent's end of the control socket with the parent, however it died. A thread of the worker waits
//! for that, so it works while the worker's main thread is in an endless loop, or has changed its user, which disarms a
//! parent-death signal. A stopped worker has no running thread, and there the parent-death signal serves: SIGCONT, which
//! lets the thread run and see the end. SIGKILL would be quicker but would not reach the processes that the task started.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::process::{Signal, getppid};

use crate::channel::wait_until;
use crate::last_act::LastAct;
use crate::process::block_signals;
use crate::sys;

/// Room for a few system calls.
const STACK_BYTES: usize = 64 * 1024;

/// Between two looks at the parent where the socket is lost.
const GLANCES: Duration = Duration::from_millis(100);

/// Starts the watch. The socket stays open as long as the process lives.
pub fn start(control: OwnedFd, last_act: Arc<LastAct>) -> io::Result<()> {
	// Until the thread runs.
	sys::signal_when_parent_dies(Signal::KILL);
	thread::Builder::new()
		.name("loky watcher".into())
		.stack_size(STACK_BYTES)
		.spawn(move || watch(&control, &last_act))?;
	sys::signal_when_parent_dies(Signal::CONT);
	Ok(())
}

fn watch(control: impl AsFd, last_act: &LastAct) {
	// The handlers of the program run in the threads of the program.
	let _ = block_signals();
	let parent = getppid();
	// The socket may carry messages, which are not ours to read. Once this waits, it does not matter when a task closes
	// descriptors that are not its own.
	if !matches!(wait_until(control, sys::PEER_CLOSED), Ok(happened) if !happened.contains(PollFlags::NVAL)) {
		// It was closed before: what is left is to look again and again.
		while getppid() == parent {
			thread::sleep(GLANCES);
		}
	}
	last_act.perform();
}
