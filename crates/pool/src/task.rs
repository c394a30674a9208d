//! One task, from its submission to its settlement.

use std::time::Duration;

use bytes::Bytes;

use crate::{FunctionId, Sequence, Submission, TaskId, WorkerId};

/// A task that is not settled. Settling removes it from the table, so it cannot be settled twice.
#[derive(Debug)]
pub(crate) struct Task {
	pub(crate) function: FunctionId,
	pub(crate) payload: Bytes,
	pub(crate) timeout: Option<Duration>,
	/// Whether its start is to be told. Until it was told.
	pub(crate) is_observed: bool,
	pub(crate) priority: i64,
	/// How many workers died that were about to read this task. Blames a task that kills whoever reads it.
	pub(crate) unstarted_deaths: u32,
	pub(crate) state: TaskState,
}

/// A task, as the worker that holds it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
	pub(crate) task: TaskId,
	pub(crate) timeout: Option<Duration>,
	pub(crate) priority: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskState {
	/// In the queue.
	Pending,
	/// On a worker, which may or may not have claimed it: only the ledger knows.
	Sent { worker: WorkerId, sequence: Sequence },
}

impl Task {
	/// Counted from 1.
	pub(crate) fn attempt(&self) -> u32 {
		self.unstarted_deaths + 1
	}

	/// What its worker is to know of it.
	pub(crate) fn held_as(&self, id: TaskId) -> Held {
		Held {
			task: id,
			timeout: self.timeout,
			priority: self.priority,
		}
	}

	pub(crate) fn new(submission: Submission) -> Task {
		let Submission {
			task: _,
			function,
			payload,
			timeout,
			is_observed,
			priority,
		} = submission;
		Task {
			function,
			payload,
			timeout,
			is_observed,
			priority,
			unstarted_deaths: 0,
			state: TaskState::Pending,
		}
	}
}
