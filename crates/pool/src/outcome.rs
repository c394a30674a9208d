//! How tasks, workers and pools end.

use bytes::Bytes;

use crate::WorkerId;

/// How a task ended. Settled exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
	/// The function returned; the encoded value.
	Returned(Bytes),
	/// The function threw, or its result could not be encoded; the encoded error.
	Threw(Bytes),
	/// The worker could not decode the task or find its function; the encoded error.
	Undecodable(Bytes),
	/// The worker died after it had started the task, or too many died before they could.
	WorkerTerminated(Termination),
	/// The task's own deadline passed, and its worker was killed for it.
	TimedOut(Termination),
	/// Cancelled before it started.
	Cancelled,
	/// The pool was shut down before the task could finish.
	PoolClosed,
	/// The pool broke.
	PoolBroken(BreakCause),
}

/// The facts of a worker's death, as far as the pool knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Termination {
	/// The worker.
	pub worker: WorkerId,
	/// How its process ended.
	pub exit: Exit,
	/// Why.
	pub reason: TerminationReason,
}

/// Why a worker died, judged from its exit and from what we did to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminationReason {
	/// A signal that a program raises against itself: SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS.
	Crash,
	/// Any other signal, not sent by us.
	Killed,
	/// It ended by itself, with whatever code.
	Exit,
	/// We killed it because a deadline passed.
	Timeout,
	/// We killed it because it broke the protocol.
	Protocol,
	/// We killed it because the pool was told to kill its workers, or broke.
	Shutdown,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
	/// It exited with this code.
	Code(i32),
	/// This signal ended it.
	Signal {
		/// The number of the signal on this platform.
		signal: i32,
		/// Whether the kernel wrote a core file.
		core_dumped: bool,
	},
	/// It could not be spawned.
	NeverStarted(SpawnFailure),
	/// Somebody else reaped it (SIGCHLD ignored, a foreign `waitpid(-1)`), so nobody can tell.
	Unknown,
}

/// Why a process could not be spawned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnFailure {
	/// The operation that failed, such as `posix_spawn` or `pipe2`.
	pub operation: &'static str,
	/// The number of the error on this platform.
	pub errno: i32,
	/// Whether trying again may help (EAGAIN, ENOMEM, EMFILE, ENFILE), unlike a program that is missing.
	pub is_transient: bool,
}

/// How a worker broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
	/// The bytes are no frame: see the field for what was wrong.
	BadFrame(crate::frame::FrameError),
	/// A frame of this kind is not allowed from a worker in its state.
	UnexpectedFrame(crate::frame::FrameKind),
	/// A result for a sequence that the worker does not hold, or had not claimed.
	UnknownSequence(crate::Sequence),
	/// It closed its result pipe and lives on.
	ResultPipeClosed,
}

/// Why a pool broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakCause {
	/// Several workers in a row died before they were ready; the last one.
	WorkersNeverReady(Termination),
	/// The initializer threw in several workers in a row; the last encoded error.
	InitializerThrew(Bytes),
	/// The worker program cannot be spawned at all.
	CannotSpawn(SpawnFailure),
	/// A worker died and the pool was configured to break then.
	WorkerDied(Termination),
	/// The driver failed; its own words.
	SupervisorFailed(String),
}
