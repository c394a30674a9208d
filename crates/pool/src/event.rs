//! Facts that go into the pool, orders that come out.

use std::time::Duration;

use bytes::Bytes;

use crate::frame::Frame;
use crate::{
	Evidence, Exit, FunctionId, Memory, Outcome, Recycled, SpawnFailure, TaskId, Violation, WorkerId,
};

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
	/// The user registered a function: what workers need to be able to call it.
	FunctionRegistered {
		/// Its number, not used before.
		function: FunctionId,
		/// Opaque to the pool; sent in a `Function` frame.
		payload: Bytes,
	},
	/// The user will not submit another task that calls this function. Those that are submitted are not concerned.
	FunctionReleased(FunctionId),
	/// The user is about to submit a task: a worker may start meanwhile.
	WorkExpected,
	/// The user submitted a task.
	TaskSubmitted(Submission),
	/// The user wants a task not to run.
	CancelRequested(TaskId),
	/// The user wants a task to end, also when it runs: then its worker is killed.
	AbortRequested(TaskId),
	/// The user closes the pool. May come again, to escalate.
	ShutdownRequested(Shutdown),
	/// The process of a worker exists.
	WorkerSpawned(WorkerId),
	/// The process of a worker could not be made.
	SpawnFailed(WorkerId, SpawnFailure),
	/// A whole frame arrived from a worker.
	FrameReceived(WorkerId, Frame),
	/// How much memory a worker's process has. See [`Pool::due_looks`](crate::Pool::due_looks).
	MemoryMeasured(WorkerId, Memory),
	/// What arrived from a worker is not what the protocol allows.
	ProtocolViolated(WorkerId, Violation),
	/// The process of a worker is gone and reaped. All frames that it had written completely came before this.
	WorkerExited(WorkerId, Exit, Option<Evidence>),
	/// The time returned by `next_deadline` has come.
	DeadlinePassed,
	/// The driver cannot go on.
	SupervisorFailed(String),
}

/// One unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
	/// Its number, larger than every one before, or that of a task that a death has settled and that is tried again: then
	/// it takes its old place in the queue.
	pub task: TaskId,
	/// What to call; registered before, and not released.
	pub function: FunctionId,
	/// The encoded arguments.
	pub payload: Bytes,
	/// How long it may run, counted from its start.
	pub timeout: Option<Duration>,
	/// Whether somebody wants to be told of its start. Costs a frame.
	pub is_observed: bool,
	/// Of all that wait, the one with the highest goes first; 0 is that of tasks without one.
	pub priority: i64,
}

/// How to close. Later ones are stronger; a weaker one after a stronger one changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shutdown {
	/// Finish everything that was submitted, then let the workers go.
	Drain,
	/// Settle what has not started as `PoolClosed`, finish what runs.
	CancelPending,
	/// Kill the workers, settle everything as `PoolClosed`.
	Kill,
}

/// Something to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
	/// Start a process, then report `WorkerSpawned` or `SpawnFailed`.
	SpawnWorker {
		/// Its number, never used before.
		worker: WorkerId,
		/// The smallest number that no living worker has: stable and dense, unlike `worker`.
		index: u32,
	},
	/// Write this frame to the worker, after everything ordered before.
	SendFrame(WorkerId, Frame),
	/// Send this signal to the worker's whole process group.
	SignalWorker(WorkerId, StopSignal),
	/// Tell the submitter that an observed task is about to run. Comes before its settlement, at most once per submission.
	TellStart {
		/// The task.
		task: TaskId,
		/// Where it runs.
		worker: WorkerId,
		/// Counted from 1: one more for each worker that died before it could start the task.
		attempt: u32,
	},
	/// Tell the owner of an error that nobody handled.
	TellStrayError {
		/// The task that left it, settled or not, if that is known.
		task: Option<TaskId>,
		/// Where it turned up.
		worker: WorkerId,
		/// Encoded.
		error: Bytes,
	},
	/// Tell the submitter. The only place where a task ends.
	SettleTask(TaskId, Outcome),
	/// Tell the submitter that a worker was replaced. It was asked to leave, its replacement takes tasks.
	TellRecycled(Recycled),
	/// Nothing more will happen: every task is settled, every process reaped, the pool accepts nothing.
	Close,
}

/// The signals of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
	/// SIGTERM.
	Terminate,
	/// SIGKILL.
	Kill,
}
