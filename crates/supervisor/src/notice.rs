//! What the supervisor tells its owner, in order.

use std::time::Duration;

use bytes::Bytes;
use pool::{BreakCause, Exceeded, Exit, Recycled, TaskId, TerminationReason, Violation, WorkerId};

/// Something that the owner should know.
#[derive(Clone, Debug)]
pub enum Notice {
	/// A task ended. Exactly one of these per submitted task.
	Settled(TaskId, Settlement),
	/// An observed task is about to run. Before it is settled.
	TaskStarted {
		/// The task.
		task: TaskId,
		/// The dense number of the worker, below the maximum of workers.
		index: u32,
		/// Its process.
		pid: u32,
		/// Counted from 1: one more for each worker that died before it could start the task.
		attempt: u32,
	},
	/// Nobody handled an error in a worker, which leaves.
	StrayError {
		/// The task that left it, settled or not, if that is known.
		task: Option<TaskId>,
		/// The dense number of the worker, below the maximum of workers.
		index: u32,
		/// Its process.
		pid: u32,
		/// Encoded.
		error: Bytes,
	},
	/// A worker is ready for tasks.
	WorkerStarted {
		/// The worker.
		worker: WorkerId,
		/// Its dense number, below the maximum of workers.
		index: u32,
		/// Its process.
		pid: u32,
	},
	/// A worker was replaced between two tasks, and is about to leave.
	WorkerRecycled {
		/// The worker, why, and how many tasks it has finished.
		recycled: Recycled,
		/// Its dense number.
		index: u32,
		/// Its process.
		pid: u32,
		/// Its resident memory in bytes, where that can be told.
		memory: Option<u64>,
	},
	/// A worker's process is gone.
	WorkerExited(Box<WorkerDeath>),
	/// A worker wrote to its standard output or its standard error. Whoever has taken it says so with
	/// [`Supervisor::text_taken`](crate::Supervisor::text_taken): until then it counts as waiting.
	Output {
		/// The worker.
		worker: WorkerId,
		/// Its dense number, below the maximum of workers.
		index: u32,
		/// Its process.
		pid: u32,
		/// Which of the two.
		stream: Stream,
		/// The task that has written it, where that was marked.
		task: Option<TaskId>,
		/// What it wrote: whole lines, unless one is very long or nothing will end it.
		bytes: Bytes,
	},
	/// Last words of dead workers are left out, because so many wait already. Told once.
	TextDropped,
	/// The pool broke; every task is settled by its own notice.
	Broken(BreakFacts),
	/// Nothing more will come: every task is settled and every process reaped.
	Closed,
	/// The supervisor itself failed. No more notices come: the owner must fail what it still holds.
	Failed(String),
}

/// [`BreakCause`] with what only the supervisor knows.
#[derive(Clone, Debug)]
pub struct BreakFacts {
	/// The pool's judgement.
	pub cause: BreakCause,
	/// The death behind it, if there is one.
	pub death: Option<Box<WorkerDeath>>,
}

/// [`pool::Outcome`] with what only the supervisor knows.
#[derive(Clone, Debug)]
pub enum Settlement {
	/// The encoded value.
	Returned(Bytes),
	/// The encoded error of the function.
	Threw(Bytes),
	/// The encoded error of decoding the task in the worker.
	Undecodable(Bytes),
	/// The worker died.
	WorkerTerminated(Box<WorkerDeath>),
	/// The worker was killed because the task's deadline had passed.
	TimedOut(Box<WorkerDeath>),
	/// The worker was killed because the task was given up.
	Aborted(Box<WorkerDeath>),
	/// Cancelled before it started.
	Cancelled,
	/// The pool was shut down first.
	PoolClosed,
	/// The pool broke.
	PoolBroken(BreakFacts),
}

/// The facts of a worker's death.
#[derive(Clone, Debug)]
pub struct WorkerDeath {
	/// The worker.
	pub worker: WorkerId,
	/// Its dense number, below the maximum of workers.
	pub index: u32,
	/// Its process; `None` if it was never started.
	pub pid: Option<u32>,
	/// How its process ended.
	pub exit: Exit,
	/// Why, as the pool judged it.
	pub reason: TerminationReason,
	/// What it did, where it broke the protocol.
	pub violation: Option<Violation>,
	/// Which attempt at the task ended with it, counted from 1. `None` where no single task is concerned.
	pub attempt: Option<u32>,
	/// The last lines that it wrote to its standard error, at most 4 KiB, cut at a line where possible.
	pub stderr_tail: Bytes,
	/// From its spawn to its end.
	pub lifetime: Duration,
	/// For how long the task had been the next one of this worker, or ran, where a single task is concerned.
	pub task_time: Option<Duration>,
	/// Its largest resident set in bytes, if the kernel told.
	pub peak_memory: Option<u64>,
	/// How much memory it had, if it was killed for that.
	pub exceeded: Option<Exceeded>,
	/// Whether it ended after it had claimed a task and before it called it: while it read it, or imported what it needs.
	pub was_loading: bool,
}

/// One of a worker's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
	/// Descriptor 1.
	Stdout,
	/// Descriptor 2.
	Stderr,
}
