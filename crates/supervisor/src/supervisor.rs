//! The parent's side as its owner sees it.

use bytes::Bytes;
use pool::{FunctionId, PoolConfig, Shutdown, Submission, TaskId, WorkerId};

use crate::{Launch, Notice, StartError};

/// A pool of worker processes with the thread that looks after them.
pub struct Supervisor {}

/// What a worker is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSnapshot {
	/// The worker.
	pub worker: WorkerId,
	/// Its dense number, below the maximum of workers.
	pub index: u32,
	/// Its process; `None` while it is being spawned.
	pub pid: Option<u32>,
	/// Where it is in its life, in the words of the pool: `starting`, `idle`, `busy`, `exiting`.
	pub state: &'static str,
	/// The task that it has started and not finished.
	pub running: Option<TaskId>,
}

impl Supervisor {
	/// Starts the thread. Workers are started when the pool wants them.
	///
	/// `wake` is called, on any thread and without a lock held, when there are notices again after there were none;
	/// then not again before they were taken.
	///
	/// # Errors
	///
	/// [`StartError`] where the system refuses a poller or a thread, or the launch cannot be written down.
	pub fn start(
		_pool: PoolConfig,
		_launch: Launch,
		_wake: impl Fn() + Send + Sync + 'static,
	) -> Result<Self, StartError> {
		unimplemented!()
	}

	/// Makes a function known that later submissions name.
	pub fn register_function(&self, _function: FunctionId, _payload: Bytes) {
		unimplemented!()
	}

	/// Submits tasks, in order. Frames for idle workers are written before this returns.
	pub fn submit(&self, _submissions: impl IntoIterator<Item = Submission>) {
		unimplemented!()
	}

	/// Cancels tasks that have not started. `true`: it will be settled as cancelled. `false`: it runs or is settled.
	pub fn cancel(&self, _tasks: &[TaskId]) -> Vec<bool> {
		unimplemented!()
	}

	/// [`Self::cancel`] for one task.
	pub fn cancel_one(&self, _task: TaskId) -> bool {
		unimplemented!()
	}

	/// Whether a worker has started the task and not finished it.
	pub fn is_running(&self, _task: TaskId) -> bool {
		unimplemented!()
	}

	/// Closes the pool. May come again, to escalate. [`Notice::Closed`] tells that it is done.
	pub fn shutdown(&self, _how: Shutdown) {
		unimplemented!()
	}

	/// Moves the notices that have come to the end of `into`.
	pub fn take_notices(&self, _into: &mut Vec<Notice>) {
		unimplemented!()
	}

	/// The workers that live, in the order of their starts.
	pub fn workers(&self) -> Vec<WorkerSnapshot> {
		unimplemented!()
	}

	/// How many tasks are submitted and not settled.
	pub fn outstanding(&self) -> usize {
		unimplemented!()
	}
}
