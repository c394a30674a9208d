//! The pool: what it knows, and which facts concern which part of it.

use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::pace::Pace;
use crate::queue::Queue;
use crate::starts::Starts;
use crate::task::{Task, TaskState};
use crate::worker::{Worker, WorkerState};
use crate::{
	Action, BreakCause, ClaimLedger, Event, FunctionId, Outcome, PoolConfig, Shutdown, Submission, TaskId,
	WorkerId,
};

/// The state machine. See the [crate](crate) for how it is driven.
#[derive(Debug)]
pub struct Pool {
	pub(crate) config: PoolConfig,
	pub(crate) state: PoolState,
	/// In the order of their numbers, which is the order of their starts.
	pub(crate) workers: Vec<Worker>,
	/// Those that are not settled.
	pub(crate) tasks: FxHashMap<TaskId, Task>,
	pub(crate) queue: Queue,
	pub(crate) functions: FxHashMap<FunctionId, Bytes>,
	pub(crate) starts: Starts,
	pub(crate) pace: Pace,
	pub(crate) next_worker: u32,
}

/// Whether a pool takes tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolState {
	/// It takes tasks.
	Open,
	/// It cannot work. Every task is settled, the workers are killed.
	Broken {
		/// Why.
		cause: BreakCause,
	},
	/// It was shut down and has not finished.
	Closing {
		/// The strongest way that was asked for.
		how: Shutdown,
	},
	/// `Close` was ordered. Every event is ignored: whoever submits asks [`Pool::refusal`] first.
	Closed {
		/// Why it was broken before, if it was.
		cause: Option<BreakCause>,
	},
}

/// A worker, as somebody may look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerView {
	/// Its number.
	pub worker: WorkerId,
	/// Its place among the living workers, below `max_workers`.
	pub index: u32,
	/// `starting`, `idle`, `busy` or `exiting`.
	pub state: &'static str,
	/// The task at its front: it runs, or the worker is about to claim it.
	pub task: Option<TaskId>,
	/// How many tasks it holds, that one included.
	pub in_flight: usize,
}

/// The arguments of one call.
pub(crate) struct Turn<'a, L> {
	pub(crate) now: Duration,
	pub(crate) ledger: &'a mut L,
	pub(crate) actions: &'a mut Vec<Action>,
}

impl<L> Turn<'_, L> {
	pub(crate) fn settle(&mut self, task: TaskId, outcome: Outcome) {
		self.actions.push(Action::SettleTask(task, outcome));
	}
}

impl Pool {
	/// A pool without workers. The first one is started for the first task.
	#[must_use]
	pub fn new(config: PoolConfig) -> Pool {
		Pool {
			config,
			state: PoolState::Open,
			workers: Vec::new(),
			tasks: FxHashMap::default(),
			queue: Queue::default(),
			functions: FxHashMap::default(),
			starts: Starts::default(),
			pace: Pace::default(),
			next_worker: 0,
		}
	}

	/// Takes in one fact and appends the orders that follow from it. `now` is the time since any fixed origin, by a clock
	/// that never goes back.
	pub fn handle(
		&mut self,
		event: Event,
		now: Duration,
		ledger: &mut impl ClaimLedger,
		actions: &mut Vec<Action>,
	) {
		let turn = &mut Turn { now, ledger, actions };
		match &self.state {
			PoolState::Open | PoolState::Broken { .. } | PoolState::Closing { .. } => {}
			// Nothing is left that an event could concern, and nothing may be ordered after `Close`.
			PoolState::Closed { .. } => return,
		}
		match event {
			Event::FunctionRegistered { function, payload } => drop(self.functions.insert(function, payload)),
			Event::TaskSubmitted(submission) => self.submitted(submission, turn),
			Event::CancelRequested(task) => self.cancel_requested(task, turn),
			Event::ShutdownRequested(how) => self.shutdown_requested(how, turn),
			Event::WorkerSpawned(worker) => self.worker_spawned(worker, turn),
			Event::SpawnFailed(worker, failure) => self.spawn_failed(worker, failure, turn),
			Event::FrameReceived(worker, frame) => self.frame_received(worker, frame, turn),
			Event::ProtocolViolated(worker, violation) => self.protocol_violated(worker, &violation, turn),
			Event::WorkerExited(worker, exit) => self.worker_exited(worker, exit, turn),
			Event::DeadlinePassed => self.deadline_passed(turn),
			Event::SupervisorFailed(words) => self.break_down(BreakCause::SupervisorFailed(words), turn),
		}
		self.close_when_finished(turn);
	}

	/// How many tasks are not settled.
	#[must_use]
	pub fn outstanding(&self) -> usize {
		self.tasks.len()
	}

	/// Whether a worker has started this task and it is not settled.
	#[must_use]
	pub fn is_running(&self, task: TaskId, ledger: &impl ClaimLedger) -> bool {
		match self.tasks.get(&task).map(|task| task.state) {
			None | Some(TaskState::Pending) => false,
			Some(TaskState::Sent { worker, sequence }) => ledger.is_claimed(worker, sequence),
		}
	}

	/// The workers whose processes are not reaped, oldest first.
	pub fn workers(&self) -> impl Iterator<Item = WorkerView> {
		self.workers.iter().map(|worker| WorkerView {
			worker: worker.id,
			index: worker.index,
			state: match worker.state {
				WorkerState::Starting { .. } => "starting",
				WorkerState::Idle { .. } => "idle",
				WorkerState::Busy(_) => "busy",
				WorkerState::Exiting { .. } => "exiting",
			},
			task: worker.in_flight.front().map(|front| front.task),
			in_flight: worker.in_flight.len(),
		})
	}

	/// Whether it takes tasks, and why not.
	#[must_use]
	pub fn state(&self) -> &PoolState {
		&self.state
	}

	/// Whether it broke, closed since or not.
	#[must_use]
	pub fn is_broken(&self) -> bool {
		self.break_cause().is_some()
	}

	/// Why it broke, if it did.
	#[must_use]
	pub fn break_cause(&self) -> Option<&BreakCause> {
		match &self.state {
			PoolState::Broken { cause } | PoolState::Closed { cause: Some(cause) } => Some(cause),
			PoolState::Open | PoolState::Closing { .. } | PoolState::Closed { cause: None } => None,
		}
	}

	/// What a task that is submitted in this moment settles as without being tried. `None`: it is taken.
	#[must_use]
	pub fn refusal(&self) -> Option<Outcome> {
		match &self.state {
			PoolState::Open => None,
			PoolState::Broken { cause } | PoolState::Closed { cause: Some(cause) } => {
				Some(Outcome::PoolBroken(cause.clone()))
			}
			PoolState::Closing { .. } | PoolState::Closed { cause: None } => Some(Outcome::PoolClosed),
		}
	}

	/// The place of a worker in the table.
	pub(crate) fn position(&self, worker: WorkerId) -> Option<usize> {
		self.workers
			.binary_search_by_key(&worker, |worker| worker.id)
			.ok()
	}

	/// Puts tasks that no worker holds any longer back into the queue.
	pub(crate) fn put_back(&mut self, tasks: impl IntoIterator<Item = TaskId>) {
		for id in tasks {
			if let Some(task) = self.tasks.get_mut(&id) {
				task.state = TaskState::Pending;
				self.queue.push(id);
			}
		}
	}

	fn submitted(&mut self, submission: Submission, turn: &mut Turn<'_, impl ClaimLedger>) {
		let id = submission.task;
		if let Some(refusal) = self.refusal() {
			turn.settle(id, refusal);
			return;
		}
		let earlier = self.tasks.insert(id, Task::new(submission));
		debug_assert!(earlier.is_none(), "{id:?} was submitted twice");
		self.queue.push(id);
	}

	fn cancel_requested(&mut self, id: TaskId, turn: &mut Turn<'_, impl ClaimLedger>) {
		// A task that is not in the table is settled: too late.
		let Some(state) = self.tasks.get(&id).map(|task| task.state) else {
			return;
		};
		match state {
			TaskState::Pending => {
				self.tasks.remove(&id);
				self.queue.forget(|task| self.tasks.contains_key(&task));
			}
			TaskState::Sent { worker, sequence } => {
				if !turn.ledger.recall(worker, sequence) {
					return; // It has started: it ends in its own way.
				}
				self.tasks.remove(&id);
				if let Some(position) = self.position(worker) {
					self.workers[position].let_go(sequence, turn.now);
				}
			}
		}
		turn.settle(id, Outcome::Cancelled);
	}

	fn worker_spawned(&mut self, id: WorkerId, turn: &mut Turn<'_, impl ClaimLedger>) {
		let Some(position) = self.position(id) else { return };
		self.starts.spawned();
		self.workers[position].spawned(&self.config.init, turn.actions);
	}
}
