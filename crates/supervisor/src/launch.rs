//! How worker processes are started.

use std::ffi::OsString;
use std::path::PathBuf;

/// What to execute as a worker, and how to watch it.
#[derive(Clone, Debug)]
pub struct Launch {
	/// The program, an absolute path.
	pub program: PathBuf,
	/// Its arguments, without the program itself.
	pub arguments: Vec<OsString>,
	/// Its whole environment, as `(name, value)`.
	pub environment: Vec<(OsString, OsString)>,
	/// How the death of a worker is noticed. `None`: by a pidfd where the kernel gives one.
	pub death_watch: Option<DeathWatch>,
	/// Whether what the tasks of a worker have started is killed after it also where it has left the worker's process group.
	pub kills_descendants: bool,
	/// The most bytes of payload in one frame: of a function, and of what is accepted from a worker.
	pub max_payload: u32,
	/// What becomes of the text that workers write.
	pub text_use: TextUse,
}

/// What becomes of the text that workers write to their standard output and standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextUse {
	/// It is told as [`Notice::Output`](crate::Notice::Output).
	PassedOn,
	/// The same. The worker marks which task has written what: see `marks.rs`.
	Marked,
	/// Nothing: only the last of standard error is kept, to explain a death.
	Discarded,
}

/// How the death of a worker is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeathWatch {
	/// A pidfd (kqueue: a process note) in the poll set. Immediate, no thread.
	Descriptor,
	/// A small thread per worker that waits for it. For kernels and sandboxes that refuse pidfds.
	Thread,
}
