//! Replacing workers between two tasks, so that no task fails for it and no place is empty meanwhile.
//!
//! A worker that is due works on. A replacement is started beside it; when that is ready and the worker is between two
//! tasks, they change places, and the old one is asked to leave. Never more than `max_workers` tasks run at once, and which
//! of several due workers a replacement is for is decided only when it is ready: it is for the first that is between two
//! tasks, so that a long task holds up no other replacement.

use crate::ladder::ExitReason;
use crate::pool::{Pool, PoolState, Turn};
use crate::worker::{Worker, WorkerState};
use crate::{Action, ClaimLedger, WorkerId};

/// Why a worker is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecycleReason {
	/// It has finished as many tasks as it may.
	MaxTasks,
	/// It has more memory than it may have between two tasks.
	MaxMemory,
}

/// A worker that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recycled {
	/// The worker.
	pub worker: WorkerId,
	/// Why.
	pub reason: RecycleReason,
	/// How many tasks it has finished.
	pub finished: u64,
	/// The resident memory that it is replaced for, in bytes.
	pub memory: Option<u64>,
}

/// That a worker is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
	pub(crate) reason: RecycleReason,
	/// What was measured, if that is the reason.
	pub(crate) memory: Option<u64>,
}

impl Worker {
	/// Makes it due when it has finished so many tasks.
	pub(crate) fn count_tasks(&mut self, most: Option<u64>) {
		if most.is_some_and(|most| self.finished >= most) {
			self.make_due(Due {
				reason: RecycleReason::MaxTasks,
				memory: None,
			});
		}
	}

	/// The first reason counts.
	pub(crate) fn make_due(&mut self, due: Due) {
		self.due.get_or_insert(due);
	}

	/// Whether it counts among `max_workers`.
	pub(crate) fn has_place(&self) -> bool {
		let was_replaced = match self.state {
			WorkerState::Exiting { reason, .. } => reason == ExitReason::Recycled,
			WorkerState::Starting { .. }
			| WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_) => false,
		};
		!self.is_replacement && !was_replaced
	}

	/// Whether a replacement has to come, or to wait, for it.
	fn waits_for_replacement(&self) -> bool {
		match self.state {
			WorkerState::Idle { .. } | WorkerState::Busy(_) => self.due.is_some(),
			WorkerState::Starting { .. } | WorkerState::Standby => false, // has done nothing
			WorkerState::Exiting { .. } => false,                         // leaves in any case
		}
	}

	fn is_coming_replacement(&self) -> bool {
		self.is_replacement && self.is_live()
	}
}

impl Pool {
	/// How many more workers `max_workers` allows.
	pub(crate) fn free_places(&self) -> usize {
		let taken = self.workers.iter().filter(|worker| worker.has_place()).count();
		(self.config.max_workers as usize).saturating_sub(taken)
	}

	pub(crate) fn has_standby(&self) -> bool {
		self.workers
			.iter()
			.any(|worker| worker.state == WorkerState::Standby)
	}

	/// How many replacements are to be started. Only so many are under way at a time that a pool whose workers are due
	/// together neither doubles its memory nor spends its processors on starts: a quarter, and at least one.
	pub(crate) fn missing_replacements(&self) -> usize {
		match self.state {
			PoolState::Open => {}
			// What is left is done by those that are there.
			PoolState::Closing { .. } | PoolState::Broken { .. } | PoolState::Closed { .. } => return 0,
		}
		let due = self.count(Worker::waits_for_replacement);
		if due == 0 {
			return 0;
		}
		let most = (self.config.max_workers as usize).div_ceil(4);
		let room = most.saturating_sub(self.count(|worker| !worker.has_place()));
		let coming = self.count(Worker::is_coming_replacement);
		due.saturating_sub(coming).min(room)
	}

	pub(crate) fn start_replacements(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		if turn.now < self.starts.not_before() {
			return;
		}
		for _ in 0..self.missing_replacements() {
			self.start_worker(true, turn);
		}
	}

	/// Lets replacements that are ready take the places of due workers that are between two tasks.
	pub(crate) fn relieve_workers(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		self.fill_places(turn);
		let standbys = self.positions(|worker| worker.state == WorkerState::Standby);
		if standbys.is_empty() {
			return;
		}
		let mut due = self.positions(Worker::waits_for_replacement);
		due.sort_by_key(|position| !matches!(self.workers[*position].state, WorkerState::Idle { .. }));
		for (standby, due) in standbys.into_iter().zip(due) {
			self.take_back_unstarted(due, turn);
			if matches!(self.workers[due].state, WorkerState::Idle { .. }) {
				self.change_places(standby, due, turn);
			}
		}
	}

	/// A due worker may die before it is replaced: then its replacement is a worker like any other.
	fn fill_places<L>(&mut self, turn: &mut Turn<'_, L>) {
		let mut coming = self.positions(Worker::is_coming_replacement);
		if coming.is_empty() {
			return;
		}
		// Those that are ready before those that are not.
		coming.sort_by_key(|position| self.workers[*position].state != WorkerState::Standby);
		let needed = self.count(Worker::waits_for_replacement);
		let free = self.free_places();
		let spare = coming.len().saturating_sub(needed);
		for position in coming.into_iter().take(spare.min(free)) {
			self.workers[position].take_place(turn);
		}
	}

	/// Recalls all that a worker has not started, so that it is between two tasks as soon as possible.
	fn take_back_unstarted(&mut self, position: usize, turn: &mut Turn<'_, impl ClaimLedger>) {
		let worker = &mut self.workers[position];
		let mut recalled = Vec::new();
		worker.recall_latest(usize::MAX, turn.ledger, &mut recalled);
		if let Some(only) = worker.in_flight.front().copied()
			&& worker.in_flight.len() == 1
			&& turn.ledger.recall(worker.id, only.sequence)
		{
			recalled.push(only.task);
			worker.let_go(only.sequence, turn.now);
		}
		self.put_back(recalled);
	}

	fn change_places<L>(&mut self, standby: usize, due: usize, turn: &mut Turn<'_, L>) {
		self.workers[standby].take_place(turn);
		let worker = &mut self.workers[due];
		let Some(Due { reason, memory }) = worker.due else {
			return;
		};
		let until = turn.now + self.config.shutdown_grace;
		worker.ask_to_leave(ExitReason::Recycled, until, turn.actions);
		turn.actions.push(Action::TellRecycled(Recycled {
			worker: worker.id,
			reason,
			finished: worker.finished,
			memory,
		}));
	}

	fn count(&self, is_counted: impl Fn(&Worker) -> bool) -> usize {
		self.workers.iter().filter(|worker| is_counted(worker)).count()
	}

	fn positions(&self, is_meant: impl Fn(&Worker) -> bool) -> Vec<usize> {
		let workers = self.workers.iter().enumerate();
		workers
			.filter(|(_, worker)| is_meant(worker))
			.map(|(position, _)| position)
			.collect()
	}
}

impl Worker {
	/// From here on it is a worker like any other.
	fn take_place<L>(&mut self, turn: &Turn<'_, L>) {
		self.is_replacement = false;
		match self.state {
			WorkerState::Standby => self.state = WorkerState::Idle { since: turn.now },
			WorkerState::Starting { .. } => {} // idle when it is ready
			WorkerState::Idle { .. } | WorkerState::Busy(_) => {} // has a place
			WorkerState::Exiting { .. } => {}  // takes none
		}
	}
}

#[cfg(test)]
mod tests {
	use std::time::Duration;

	use super::*;
	use crate::frame::FrameKind::{
		Exit, Function, Init, Ready, Returned, StartFailed, Task, Threw, Undecodable,
	};
	use crate::trial::{Trial, kill, returned, send, settle, sigkill, start};
	use crate::{Event, OnWorkerDeath, Outcome, PoolConfig, Shutdown, SpawnFailure, TaskId, Violation};

	/// Workers that are due after each task, and have finished one, in the order of their numbers.
	fn due(workers: u32) -> Trial {
		due_with(workers, |_| {})
	}

	fn due_with(workers: u32, change: impl FnOnce(&mut PoolConfig)) -> Trial {
		let mut trial = Trial::new(|config| {
			config.max_workers = workers;
			config.max_tasks_per_worker = Some(1);
			change(config);
		});
		trial.submit_together(workers.into());
		for worker in 0..workers {
			trial.ready(worker);
		}
		for worker in 0..workers {
			trial.returns(worker, 1);
		}
		trial
	}

	fn recycled(worker: u32, finished: u64) -> Action {
		Action::TellRecycled(Recycled {
			worker: WorkerId(worker),
			reason: RecycleReason::MaxTasks,
			finished,
			memory: None,
		})
	}

	fn gone() -> crate::Exit {
		crate::Exit::Code(0)
	}

	#[test]
	fn a_worker_that_has_done_its_tasks_leaves_when_another_is_ready_and_not_before() {
		let mut trial = Trial::new(|config| {
			config.max_workers = 1;
			config.max_tasks_per_worker = Some(2);
		});
		trial.submit();
		trial.ready(0);
		assert_eq!(trial.returns(0, 1), [returned(0)]);
		assert_eq!(trial.submit(), [send(0, Task, 2)]);
		assert_eq!(trial.returns(0, 2), [returned(1), start(1, 1)]);
		// It works on.
		assert_eq!(trial.submit(), [send(0, Task, 3)]);
		assert_eq!(trial.returns(0, 3), [returned(2)]);
		assert_eq!(trial.ready(1), [send(0, Exit, 0), recycled(0, 3)]);
		assert_eq!(trial.submit(), [send(1, Function, 0), send(1, Task, 1)]);
		assert_eq!(trial.exits(0, gone()), []);
		assert_eq!(trial.returns(1, 1), [returned(3)]);
	}

	#[test]
	fn without_a_limit_nobody_is_replaced() {
		let mut trial = Trial::idle(1);
		for sequence in 2..500 {
			trial.submit();
			assert_eq!(trial.returns(0, sequence).len(), 1);
		}
	}

	#[test]
	fn a_replacement_waits_until_the_task_that_runs_has_ended_so_that_never_more_run_than_may() {
		let mut trial = due(1);
		trial.submit_together(3);
		trial.claims(0, 2);
		assert_eq!(trial.ready(1), []);
		assert_eq!(trial.states(), ["busy", "idle"]);
		assert_eq!(trial.loads(), [1, 0], "what was behind the task is taken back");
		assert_eq!(trial.deadline_in(), Some(Duration::from_secs(60)), "of the front");
		let orders = trial.says(0, Returned, 2);
		let expected = [
			returned(1),
			send(0, Exit, 0),
			recycled(0, 2),
			send(1, Function, 0),
			send(1, Task, 1),
		];
		assert_eq!(orders[..5], expected);
		assert_eq!(
			trial.pool.workers().nth(1).and_then(|worker| worker.task),
			Some(TaskId(2))
		);
	}

	#[test]
	fn what_a_worker_has_not_started_runs_on_its_replacement_in_the_old_order() {
		let mut trial = due(1);
		trial.submit_together(3);
		assert_eq!(trial.loads(), [3, 0]);
		let orders = trial.ready(1);
		assert_eq!(orders[..2], [send(0, Exit, 0), recycled(0, 1)]);
		assert_eq!(trial.loads(), [0, 3]);
		assert_eq!(trial.returns(1, 1)[0], returned(1));
		assert_eq!(trial.returns(1, 2)[0], returned(2));
	}

	#[test]
	fn nothing_more_is_sent_ahead_of_a_worker_that_is_about_to_be_replaced() {
		let mut trial = due(1);
		trial.submit();
		trial.claims(0, 2);
		trial.ready(1);
		assert_eq!(trial.submit_together(5), []);
		assert_eq!(trial.loads(), [1, 0]);
	}

	#[test]
	fn only_a_quarter_of_the_workers_is_replaced_at_a_time() {
		for (workers, at_once) in [(1, 1), (2, 1), (4, 1), (5, 2), (8, 2)] {
			let trial = due(workers);
			let starting = trial
				.states()
				.iter()
				.filter(|state| **state == "starting")
				.count();
			assert_eq!(starting, at_once, "of {workers}");
		}
	}

	#[test]
	fn the_next_replacement_starts_when_the_worker_before_is_gone() {
		let mut trial = due(2);
		assert_eq!(trial.ready(2), [send(0, Exit, 0), recycled(0, 1)]);
		assert_eq!(trial.states(), ["exiting", "idle", "idle"]);
		assert_eq!(trial.exits(0, gone()), [start(3, 0)]);
		assert_eq!(trial.ready(3), [send(1, Exit, 0), recycled(1, 1)]);
		assert_eq!(trial.exits(1, gone()), []);
	}

	#[test]
	fn a_replacement_is_for_the_first_that_is_between_two_tasks() {
		let mut trial = due(2);
		trial.submit_together(2);
		trial.claims(0, 2);
		trial.claims(1, 2);
		assert_eq!(trial.ready(2), []);
		let task = trial
			.pool
			.workers()
			.nth(1)
			.and_then(|worker| worker.task)
			.expect("it runs one");
		assert_eq!(
			trial.says(1, Returned, 2),
			[returned(task.0), send(1, Exit, 0), recycled(1, 2)]
		);
	}

	#[test]
	fn a_worker_that_is_replaced_and_leaving_leaves_no_place_empty() {
		let mut trial = due(2);
		trial.ready(2);
		assert_eq!(trial.states(), ["exiting", "idle", "idle"]);
		let orders = trial.submit_together(2);
		assert_eq!(
			orders
				.iter()
				.filter(|order| matches!(order, Action::SpawnWorker { .. }))
				.count(),
			0
		);
		assert_eq!(trial.loads(), [0, 1, 1]);
	}

	#[test]
	fn the_replacement_of_a_worker_that_dies_is_a_worker_like_any_other() {
		let mut trial = due(1);
		assert_eq!(trial.exits(0, sigkill()), []);
		assert_eq!(trial.ready(1), []);
		assert_eq!(trial.submit(), [send(1, Function, 0), send(1, Task, 1)]);

		let mut trial = due(1);
		trial.submit();
		trial.claims(0, 2);
		trial.ready(1);
		let orders = trial.exits(0, sigkill());
		assert!(
			matches!(
				orders[..],
				[Action::SettleTask(TaskId(1), Outcome::WorkerTerminated(_))]
			),
			"{orders:?}"
		);
		assert_eq!(trial.submit(), [send(1, Function, 0), send(1, Task, 1)]);
	}

	#[test]
	fn a_replacement_that_dies_is_replaced_and_the_worker_works_on() {
		let mut trial = due(1);
		assert_eq!(trial.exits(1, sigkill()), [start(2, 1)]);
		assert_eq!(trial.ready(2), [send(0, Exit, 0), recycled(0, 1)]);

		let mut trial = due(1);
		trial.submit();
		trial.claims(0, 2);
		trial.ready(1);
		assert_eq!(trial.exits(1, sigkill()), [start(2, 1)]);
		assert_eq!(trial.says(0, Returned, 2), [returned(1)]);
	}

	#[test]
	fn replacements_that_never_become_ready_break_nothing_and_come_ever_more_slowly() {
		let mut trial = due_with(1, |config| config.max_failed_starts = 1);
		let failure = SpawnFailure {
			operation: "posix_spawn",
			errno: 2,
			is_transient: false,
		};
		let mut waits = Vec::new();
		for worker in 1..5 {
			match worker {
				1 => drop(trial.exits(worker, sigkill())),
				2 => {
					trial.spawned(worker);
					trial.says(worker, StartFailed, 0);
					trial.exits(worker, crate::Exit::Code(1));
				}
				3 => drop(trial.happens(Event::SpawnFailed(WorkerId(worker), failure.clone()))),
				_ => {
					trial.spawned(worker);
					trial.passes(Duration::from_secs(60));
					trial.exits(worker, sigkill());
				}
			}
			let wait = trial.deadline_in().expect("another try");
			waits.push(wait);
			trial.passes(wait.min(Duration::from_secs(5)));
		}
		assert!(waits[1] < waits[2] && waits[2] < waits[3], "{waits:?}");
		assert!(!trial.pool.is_broken());
		trial.submit();
		assert_eq!(trial.returns(0, 2), [returned(1)]);
	}

	#[test]
	fn an_initializer_that_throws_in_a_replacement_costs_no_task() {
		let mut trial = due(1);
		trial.submit_together(5);
		trial.spawned(1);
		assert_eq!(trial.says(1, StartFailed, 0), []);
		assert_eq!(trial.pool.outstanding(), 5);
	}

	#[test]
	fn a_replacement_on_standby_that_speaks_out_of_turn_is_killed() {
		for kind in [
			Init,
			Function,
			Task,
			Exit,
			Ready,
			StartFailed,
			Returned,
			Threw,
			Undecodable,
		] {
			let mut trial = due(1);
			trial.submit();
			trial.claims(0, 2);
			trial.ready(1);
			assert_eq!(trial.says(1, kind, 1), [kill(1)], "{kind:?}");
			assert_eq!(trial.exits(1, sigkill()), [start(2, 1)]);
		}
		let mut trial = due(1);
		trial.submit();
		trial.claims(0, 2);
		trial.ready(1);
		let closed = Event::ProtocolViolated(WorkerId(1), Violation::PipeClosed);
		assert_eq!(trial.happens(closed), [kill(1)]);
	}

	#[test]
	fn a_replacement_on_standby_breaks_a_pool_that_breaks_for_each_death() {
		let mut trial = due_with(1, |config| config.on_worker_death = OnWorkerDeath::Break);
		trial.submit();
		trial.claims(0, 2);
		trial.ready(1);
		let orders = trial.exits(1, sigkill());
		assert!(
			matches!(orders[0], Action::SettleTask(TaskId(1), Outcome::PoolBroken(_))),
			"{orders:?}"
		);
		assert!(trial.pool.is_broken());
	}

	#[test]
	fn a_worker_that_was_replaced_breaks_no_pool_by_its_end() {
		let mut trial = due_with(1, |config| config.on_worker_death = OnWorkerDeath::Break);
		trial.ready(1);
		assert_eq!(trial.exits(0, sigkill()), []);
		assert!(!trial.pool.is_broken());
	}

	#[test]
	fn a_replacement_on_standby_waits_however_long_and_leaves_with_the_pool() {
		let mut trial = due_with(1, |config| config.idle_timeout = Some(Duration::from_secs(1)));
		trial.submit();
		trial.claims(0, 2);
		trial.ready(1);
		assert_eq!(trial.passes(Duration::from_secs(1000)), []);
		assert_eq!(trial.deadline_in(), None);
		assert_eq!(trial.shut_down(Shutdown::CancelPending), []);
		let orders = trial.says(0, Returned, 2);
		assert_eq!(orders, [returned(1), send(0, Exit, 0), send(1, Exit, 0)]);
		trial.exits(0, gone());
		assert_eq!(trial.exits(1, gone()), [Action::Close]);
	}

	#[test]
	fn a_replacement_on_standby_is_killed_with_the_pool() {
		let mut trial = due(1);
		trial.submit();
		trial.claims(0, 2);
		trial.ready(1);
		let orders = trial.shut_down(Shutdown::Kill);
		assert_eq!(orders, [settle(1, Outcome::PoolClosed), kill(0), kill(1)]);
	}

	#[test]
	fn a_pool_that_drains_starts_no_replacement_but_uses_one_that_is_ready() {
		let mut trial = Trial::new(|config| {
			config.max_workers = 1;
			config.max_tasks_per_worker = Some(1);
		});
		trial.submit_together(2);
		trial.ready(0);
		trial.shut_down(Shutdown::Drain);
		assert_eq!(trial.returns(0, 1), [returned(0)]);
		assert_eq!(trial.returns(0, 2), [returned(1), send(0, Exit, 0)]);

		let mut trial = due(1);
		trial.submit_together(2);
		trial.claims(0, 2);
		trial.ready(1);
		trial.shut_down(Shutdown::Drain);
		let orders = trial.says(0, Returned, 2);
		assert_eq!(orders[..3], [returned(1), send(0, Exit, 0), recycled(0, 2)]);
		assert_eq!(trial.returns(1, 1), [returned(2), send(1, Exit, 0)]);
	}

	#[test]
	fn work_that_is_expected_starts_no_worker_beside_a_replacement() {
		let mut trial = due(1);
		assert_eq!(trial.happens(Event::WorkExpected), []);
		trial.ready(1);
		assert_eq!(trial.happens(Event::WorkExpected), []);
	}
}
