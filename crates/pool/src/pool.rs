//! The pool: what it knows, and which facts concern which part of it.

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::functions::Functions;
use crate::ladder::ExitReason;
use crate::pace::Pace;
use crate::queue::{Queue, Rank};
use crate::starts::Starts;
use crate::task::{Task, TaskState};
use crate::worker::{Worker, WorkerState};
use crate::{
	Action, BreakCause, ClaimLedger, Event, Exceeded, FunctionId, Outcome, PoolConfig, Sequence, Shutdown,
	Submission, TaskId, Violation, WorkerId,
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
	pub(crate) functions: Functions,
	pub(crate) starts: Starts,
	pub(crate) pace: Pace,
	pub(crate) next_worker: WorkerId,
	/// Whether any task had a priority.
	pub(crate) has_priorities: bool,
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
	/// Its place among the living workers: below `max_workers`, or above while workers are replaced.
	pub index: u32,
	/// `starting`, `idle`, `busy` or `exiting`.
	pub state: &'static str,
	/// The task at its front: it runs, or the worker is about to claim it.
	pub task: Option<TaskId>,
	/// Since when that task is at the front, as long as the worker is busy, and when it was killed while it was.
	pub since: Option<Duration>,
	/// What it did, if it is killed for that.
	pub violation: Option<Violation>,
	/// How much memory it had, if it is killed for that.
	pub exceeded: Option<Exceeded>,
	/// How many tasks it has finished.
	pub finished: u64,
	/// How many tasks it holds, that one included.
	pub in_flight: usize,
	/// How many functions it was sent and not told to forget.
	pub functions: usize,
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
			functions: Functions::default(),
			starts: Starts::default(),
			pace: Pace::default(),
			next_worker: WorkerId(0),
			has_priorities: false,
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
			Event::FunctionRegistered { function, payload } => self.function_registered(function, payload),
			Event::FunctionReleased(function) => self.function_released(function, turn),
			Event::WorkExpected => self.work_expected(turn),
			Event::TaskSubmitted(submission) => self.submitted(submission, turn),
			Event::CancelRequested(task) => self.cancel_requested(task, turn),
			Event::AbortRequested(task) => self.abort_requested(task, turn),
			Event::ShutdownRequested(how) => self.shutdown_requested(how, turn),
			Event::WorkerSpawned(worker) => self.worker_spawned(worker, turn),
			Event::SpawnFailed(worker, failure) => self.spawn_failed(worker, failure, turn),
			Event::FrameReceived(worker, frame) => self.frame_received(worker, frame, turn),
			Event::MemoryMeasured(worker, memory) => self.memory_measured(worker, memory, turn),
			Event::ProtocolViolated(worker, violation) => self.protocol_violated(worker, violation, turn),
			Event::WorkerExited(worker, exit, evidence) => self.worker_exited(worker, exit, evidence, turn),
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

	/// Whether workers may still be given this function.
	#[must_use]
	pub fn has_function(&self, function: FunctionId) -> bool {
		self.functions.payload(function).is_some()
	}

	/// Whether a worker has started this task and it is not settled.
	#[must_use]
	pub fn is_running(&self, task: TaskId, ledger: &impl ClaimLedger) -> bool {
		match self.tasks.get(&task).map(|task| task.state) {
			None | Some(TaskState::Pending) => false,
			Some(TaskState::Sent { worker, sequence }) => ledger.is_claimed(worker, sequence),
		}
	}

	/// The task that a worker was sent under a sequence, as long as it is neither settled nor taken back.
	#[must_use]
	pub fn task_at(&self, worker: WorkerId, sequence: Sequence) -> Option<TaskId> {
		let worker = &self.workers[self.position(worker)?];
		let place = worker
			.in_flight
			.binary_search_by_key(&sequence, |held| held.sequence)
			.ok()?;
		Some(worker.in_flight[place].task)
	}

	/// The workers whose processes are not reaped, oldest first.
	pub fn workers(&self) -> impl Iterator<Item = WorkerView> {
		self.workers.iter().map(Worker::view)
	}

	/// One of them.
	#[must_use]
	pub fn worker(&self, worker: WorkerId) -> Option<WorkerView> {
		self.position(worker)
			.map(|position| self.workers[position].view())
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

	/// Ends a task that was taken.
	pub(crate) fn settle<L>(&mut self, id: TaskId, outcome: Outcome, turn: &mut Turn<'_, L>) {
		turn.settle(id, outcome);
		let Some(task) = self.tasks.remove(&id) else {
			return;
		};
		if self.functions.task_settled(task.function) {
			self.forget(task.function, turn);
		}
	}

	/// Puts tasks that no worker holds any longer back into the queue.
	pub(crate) fn put_back(&mut self, tasks: impl IntoIterator<Item = TaskId>) {
		for id in tasks {
			if let Some(task) = self.tasks.get_mut(&id) {
				task.state = TaskState::Pending;
				let priority = task.priority;
				self.queue.push(Rank { priority, task: id });
			}
		}
	}

	fn submitted(&mut self, submission: Submission, turn: &mut Turn<'_, impl ClaimLedger>) {
		let id = submission.task;
		if let Some(refusal) = self.refusal() {
			turn.settle(id, refusal);
			return;
		}
		let priority = submission.priority;
		self.has_priorities |= priority != 0;
		self.functions.task_taken(submission.function);
		let earlier = self.tasks.insert(id, Task::new(submission));
		debug_assert!(earlier.is_none(), "{id:?} was submitted twice");
		self.queue.push(Rank { priority, task: id });
	}

	fn cancel_requested(&mut self, id: TaskId, turn: &mut Turn<'_, impl ClaimLedger>) {
		// A task that is not in the table is settled: too late.
		let Some((state, priority)) = self.tasks.get(&id).map(|task| (task.state, task.priority)) else {
			return;
		};
		match state {
			TaskState::Pending => {
				self.settle(id, Outcome::Cancelled, turn);
				let rank = Rank { priority, task: id };
				self.queue.forget(rank, |task| self.tasks.contains_key(&task));
			}
			TaskState::Sent { worker, sequence } => {
				if !turn.ledger.recall(worker, sequence) {
					return; // It has started: it ends in its own way.
				}
				if let Some(position) = self.position(worker) {
					self.workers[position].let_go(sequence, turn.now);
				}
				self.settle(id, Outcome::Cancelled, turn);
			}
		}
	}

	fn abort_requested(&mut self, id: TaskId, turn: &mut Turn<'_, impl ClaimLedger>) {
		self.cancel_requested(id, turn);
		// What could not be cancelled has started.
		let Some(state) = self.tasks.get(&id).map(|task| task.state) else {
			return;
		};
		let (worker, sequence) = match state {
			TaskState::Sent { worker, sequence } => (worker, sequence),
			TaskState::Pending => return, // cancelled a moment ago
		};
		let Some(position) = self.position(worker) else {
			return;
		};
		match self.workers[position].state {
			WorkerState::Busy(_) => {
				self.kill_for_task(position, sequence, ExitReason::TaskAborted, turn);
			}
			WorkerState::Exiting { .. } => {} // is killed already, and takes the task with it
			WorkerState::Starting { .. } | WorkerState::Standby | WorkerState::Idle { .. } => {} // hold no task
		}
	}

	fn worker_spawned(&mut self, id: WorkerId, turn: &mut Turn<'_, impl ClaimLedger>) {
		let Some(position) = self.position(id) else { return };
		self.starts.spawned();
		self.workers[position].spawned(&self.config.init, turn.actions);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::TerminationReason;
	use crate::frame::FrameKind::Returned;
	use crate::trial::{Trial, kill, returned, settle, sigkill, start};

	#[test]
	fn a_pending_task_can_be_cancelled_and_the_others_run() {
		let mut trial = Trial::of_one();
		trial.submit_together(2);
		assert_eq!(trial.cancel(0), [settle(0, Outcome::Cancelled)]);
		trial.ready(0);
		assert_eq!(trial.returns(0, 1), [returned(1)]);
	}

	#[test]
	fn a_task_that_was_sent_can_be_cancelled_until_it_starts() {
		let mut trial = Trial::of_one();
		trial.submit_together(2);
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.loads(), [2]);
		assert_eq!(trial.cancel(0), []);
		assert_eq!(trial.cancel(1), [settle(1, Outcome::Cancelled)]);
		assert_eq!(trial.says(0, Returned, 1), [returned(0)]);
		assert_eq!(trial.states(), ["idle"]);
	}

	#[test]
	fn aborting_kills_the_worker_of_a_task_that_runs_and_the_one_behind_it_runs_elsewhere() {
		let mut trial = Trial::of_one();
		trial.submit_together(2);
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.loads(), [2]);
		assert_eq!(trial.abort(0), [kill(0)]);
		assert_eq!(trial.abort(0), []);
		let orders = trial.exits(0, sigkill());
		assert!(
			matches!(&orders[0], Action::SettleTask(TaskId(0), Outcome::Aborted(death)) if death.reason == TerminationReason::Aborted),
			"{orders:?}"
		);
		assert_eq!(orders[1..], [start(1, 0)]);
		trial.ready(1);
		assert_eq!(trial.returns(1, 1), [returned(1)]);
	}

	#[test]
	fn aborting_cancels_a_task_that_has_not_started() {
		let mut trial = Trial::of_one();
		trial.submit_together(2);
		assert_eq!(trial.abort(1), [settle(1, Outcome::Cancelled)]);
		trial.ready(0);
		assert_eq!(trial.abort(0), [settle(0, Outcome::Cancelled)]);
		assert_eq!(trial.states(), ["idle"]);
		assert_eq!(trial.abort(0), []);
		assert_eq!(trial.abort(99), []);
	}

	#[test]
	fn aborting_a_task_whose_result_is_under_way_does_not_cost_the_next_one() {
		let mut trial = Trial::of_one();
		trial.submit_together(2);
		trial.ready(0);
		trial.claims(0, 1);
		trial.claims(0, 2);
		assert_eq!(trial.abort(0), []);
		assert_eq!(trial.says(0, Returned, 1), [returned(0)]);
		assert_eq!(trial.says(0, Returned, 2), [returned(1)]);
	}

	#[test]
	fn a_task_that_a_death_has_settled_can_be_submitted_again_under_its_number() {
		let mut trial = Trial::of_one();
		trial.submit_together(3);
		trial.ready(0);
		trial.claims(0, 1);
		trial.exits(0, sigkill());
		trial.happens(Event::TaskSubmitted(Submission {
			task: TaskId(0),
			function: FunctionId(1),
			payload: bytes::Bytes::new(),
			timeout: None,
			is_observed: false,
			priority: 0,
		}));
		trial.ready(1);
		assert_eq!(trial.returns(1, 1)[0], returned(0));
	}

	#[test]
	fn a_task_that_is_settled_or_unknown_cannot_be_cancelled() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.cancel(0);
		assert_eq!(trial.cancel(0), []);
		assert_eq!(trial.cancel(99), []);
	}

	#[test]
	fn a_task_is_running_from_its_claim_to_its_result() {
		let mut trial = Trial::of_one();
		let is_running = |trial: &Trial| trial.pool.is_running(TaskId(0), &trial.claims);
		trial.submit();
		assert!(!is_running(&trial));
		trial.ready(0);
		assert!(!is_running(&trial));
		trial.claims(0, 1);
		assert!(is_running(&trial));
		trial.says(0, Returned, 1);
		assert!(!is_running(&trial));
	}

	#[test]
	fn ten_thousand_cancels_settle_ten_thousand_tasks() {
		let mut trial = Trial::of_one();
		trial.submit_together(10_000);
		let mut orders = Vec::new();
		for task in (0..10_000).rev() {
			trial.pool.handle(
				Event::CancelRequested(TaskId(task)),
				trial.now,
				&mut trial.claims,
				&mut orders,
			);
		}
		assert_eq!(orders.len(), 10_000);
		assert_eq!((trial.pool.outstanding(), trial.pool.queue.len()), (0, 0));
	}

	#[test]
	fn a_worker_is_shown_with_its_index_its_state_and_its_task() {
		let mut trial = Trial::of_one();
		trial.submit_together(2);
		let view = |trial: &Trial| trial.pool.workers().next().expect("one was started");
		let mut expected = WorkerView {
			worker: WorkerId(0),
			index: 0,
			state: "starting",
			task: None,
			since: None,
			violation: None,
			exceeded: None,
			finished: 0,
			in_flight: 0,
			functions: 0,
		};
		assert_eq!(view(&trial), expected);
		trial.ready(0);
		expected.functions = 1;
		(expected.state, expected.task, expected.in_flight) = ("busy", Some(TaskId(0)), 2);
		expected.since = Some(trial.now);
		assert_eq!(view(&trial), expected);
		trial.returns(0, 1);
		trial.returns(0, 2);
		(expected.state, expected.task, expected.in_flight) = ("idle", None, 0);
		(expected.since, expected.finished) = (None, 2);
		assert_eq!(view(&trial), expected);
	}

	#[test]
	fn facts_about_a_worker_that_is_gone_change_nothing() {
		let mut trial = Trial::of_one();
		assert_eq!(trial.spawned(7), []);
		assert_eq!(trial.says(7, Returned, 1), []);
		assert_eq!(trial.exits(7, crate::Exit::Code(0)), []);
	}
}
