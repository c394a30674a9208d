//! How tasks, workers and pools end.

use std::fmt;

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
	/// The user gave the task up after it had started, and its worker was killed for it.
	Aborted(Termination),
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
	/// What it did, where the reason is that it broke the protocol.
	pub violation: Option<Violation>,
	/// Which attempt at the task ended with it: 1, and one more for each worker that died before it could start the task.
	/// `None` where no single task is concerned.
	pub attempt: Option<u32>,
}

/// Why a worker died, judged from its exit and from what we did to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminationReason {
	/// A signal that a program raises against itself: SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS.
	Crash,
	/// Its JavaScript heap was full, so it ended itself.
	Heap,
	/// The kernel killed it because memory ran out, or we did because it had more than its limit.
	OutOfMemory,
	/// Any other signal, not sent by us.
	Killed,
	/// It ended by itself, with whatever code.
	Exit,
	/// We killed it because a deadline passed.
	Timeout,
	/// We killed it because the user gave up the task that it ran.
	Aborted,
	/// We killed it because it broke the protocol.
	Protocol,
	/// We killed it because the pool was told to kill its workers, or broke.
	Shutdown,
}

/// What the driver has found out about an exit beyond its status. Counts only beside a signal that fits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
	/// The last words were those of a full JavaScript heap.
	HeapLimit,
	/// The kernel counted a kill for lack of memory where the process lived, which no other death explains.
	OutOfMemoryKill,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
	/// The bytes are no frame: see the field for what was wrong.
	BadFrame(crate::frame::FrameError),
	/// A frame of this kind is not allowed from a worker in its state.
	UnexpectedFrame(crate::frame::FrameKind),
	/// A result for a sequence that the worker does not hold, or had not claimed.
	UnknownSequence(crate::Sequence),
	/// It closed one of its pipes and lives on.
	PipeClosed,
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

impl fmt::Display for TerminationReason {
	fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
		out.write_str(match self {
			TerminationReason::Crash => "it crashed",
			TerminationReason::Heap => "its JavaScript heap was full",
			TerminationReason::OutOfMemory => "the system killed it because memory ran out",
			TerminationReason::Killed => "it was killed from outside",
			TerminationReason::Exit => "it exited by itself",
			TerminationReason::Timeout => "it was killed because a deadline passed",
			TerminationReason::Aborted => "it was killed because its task was given up",
			TerminationReason::Protocol => "it was killed because it broke the protocol",
			TerminationReason::Shutdown => "it was killed by the shutdown of its pool",
		})
	}
}

impl fmt::Display for Exit {
	fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Exit::Code(code) => write!(out, "exit code {code}"),
			Exit::Signal {
				signal,
				core_dumped: false,
			} => write!(out, "signal {signal}"),
			Exit::Signal {
				signal,
				core_dumped: true,
			} => write!(out, "signal {signal}, core dumped"),
			Exit::NeverStarted(failure) => write!(out, "never started: {failure}"),
			Exit::Unknown => out.write_str("unknown exit: somebody else reaped it"),
		}
	}
}

impl fmt::Display for SpawnFailure {
	fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(
			out,
			"{} failed: {}",
			self.operation,
			std::io::Error::from_raw_os_error(self.errno)
		)
	}
}

impl std::error::Error for SpawnFailure {}

impl fmt::Display for Violation {
	fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Violation::BadFrame(error) => write!(out, "it sent {error}"),
			Violation::UnexpectedFrame(kind) => write!(out, "it sent a frame of kind {kind:?} out of turn"),
			Violation::UnknownSequence(sequence) => {
				write!(
					out,
					"it sent a result for sequence {}, which it was not running",
					sequence.0
				)
			}
			Violation::PipeClosed => {
				out.write_str("it closed one of the descriptors of its pipes and lived on")
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_exit_names_its_code_or_its_signal() {
		assert_eq!(Exit::Code(3).to_string(), "exit code 3");
		assert_eq!(
			Exit::Signal {
				signal: 9,
				core_dumped: false
			}
			.to_string(),
			"signal 9"
		);
		assert_eq!(
			Exit::Signal {
				signal: 11,
				core_dumped: true
			}
			.to_string(),
			"signal 11, core dumped"
		);
	}

	#[test]
	fn a_spawn_failure_names_the_operation_and_the_error() {
		let failure = SpawnFailure {
			operation: "posix_spawn",
			errno: 2,
			is_transient: false,
		};
		assert!(
			failure
				.to_string()
				.starts_with("posix_spawn failed: No such file or directory")
		);
		assert!(
			Exit::NeverStarted(failure)
				.to_string()
				.starts_with("never started: posix_spawn")
		);
	}

	#[test]
	fn a_violation_says_what_the_worker_did() {
		let violation = Violation::BadFrame(crate::frame::FrameError::UnknownKind(7));
		assert_eq!(violation.to_string(), "it sent a frame of the unknown kind 7");
		let violation = Violation::UnknownSequence(crate::Sequence(4));
		assert_eq!(
			violation.to_string(),
			"it sent a result for sequence 4, which it was not running"
		);
	}
}
