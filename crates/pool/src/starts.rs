//! What it means when a worker cannot be started, and when to try again.

use std::time::Duration;

use crate::ladder::LadderStep;
use crate::pool::{Pool, PoolState, Turn};
use crate::worker::WorkerState;
use crate::{BreakCause, ClaimLedger, Shutdown, SpawnFailure, Termination, WorkerId};

/// The first delay; the very first retry is immediate, since one failure may be chance.
const FIRST_DELAY: Duration = Duration::from_millis(50);
/// No delay is longer.
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// How long the system may be out of processes, memory or descriptors before the pool gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// The failures since a worker was last ready.
///
/// Workers that were ordered before a failure often fail of the same: a kill of them all, a moment without memory. They are
/// one failure together. What comes after it is a try with one worker, until one is ready.
#[derive(Debug, Default)]
pub(crate) struct Starts {
	failed: u32,
	delays: u32,
	not_before: Duration,
	cannot_spawn_since: Option<Duration>,
	/// The first worker that was, or will be, ordered after the last failure.
	first_try: WorkerId,
}

impl Starts {
	/// The earliest time for the next start.
	pub(crate) fn not_before(&self) -> Duration {
		self.not_before
	}

	/// Whether only one worker is to be started, and whether it was ordered for that.
	pub(crate) fn is_try(&self, worker: WorkerId) -> bool {
		self.has_failed() && worker >= self.first_try
	}

	/// Whether something went wrong since a worker was last ready.
	pub(crate) fn has_failed(&self) -> bool {
		self.delays > 0
	}

	/// Notes that a worker ended, or is about to be ended, before it was ready; saying so again changes nothing. `next` is
	/// the worker that will be ordered next. Returns how many failures there were in a row.
	pub(crate) fn failed(&mut self, worker: WorkerId, next: WorkerId, now: Duration) -> u32 {
		if worker >= self.first_try {
			self.failed += 1;
			self.back_off(next, now);
		}
		self.failed
	}

	/// Notes that a replacement did not become ready. The worker that it was to replace works on, so that is no reason to
	/// give up, only to wait.
	pub(crate) fn replacement_failed(&mut self, worker: WorkerId, next: WorkerId, now: Duration) {
		if worker >= self.first_try {
			self.back_off(next, now);
		}
	}

	/// Notes that no process could be made, for want of something that may come back. Returns whether the time until the
	/// next try is beyond patience.
	pub(crate) fn could_not_spawn(&mut self, worker: WorkerId, next: WorkerId, now: Duration) -> bool {
		if worker >= self.first_try {
			self.back_off(next, now);
		}
		let since = *self.cannot_spawn_since.get_or_insert(now);
		self.not_before.saturating_sub(since) > PATIENCE
	}

	/// Notes that a process could be made.
	pub(crate) fn spawned(&mut self) {
		self.cannot_spawn_since = None;
	}

	/// Notes that a worker became ready.
	pub(crate) fn ready(&mut self) {
		*self = Starts::default();
	}

	fn back_off(&mut self, next: WorkerId, now: Duration) {
		let delay = match self.delays {
			0 => Duration::ZERO,
			delays => FIRST_DELAY
				.saturating_mul(1 << (delays - 1).min(16))
				.min(LONGEST_DELAY),
		};
		self.delays += 1;
		self.not_before = now + delay;
		self.first_try = next;
	}
}

impl Pool {
	/// No process could be made for a worker that was ordered.
	pub(crate) fn spawn_failed(
		&mut self,
		id: WorkerId,
		failure: SpawnFailure,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		let Some(position) = self.position(id) else { return };
		match self.workers[position].state {
			WorkerState::Starting {
				is_spawned: false, ..
			}
			| WorkerState::Exiting {
				step: LadderStep::AwaitingSpawn,
				..
			} => {}
			// A process that exists cannot have failed to come into being. Its exit will be reported.
			WorkerState::Starting { is_spawned: true, .. }
			| WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_)
			| WorkerState::Exiting {
				step: LadderStep::Asked { .. } | LadderStep::Terminated { .. } | LadderStep::Killed,
				..
			} => return,
		}
		let worker = self.workers.remove(position);
		if !self.needs_workers() {
			return;
		}
		if worker.is_replacement {
			self.starts.replacement_failed(id, self.next_worker, turn.now);
			return;
		}
		let nobody_lives = self.workers.iter().all(|worker| !worker.is_spawned());
		let beyond_patience =
			failure.is_transient && self.starts.could_not_spawn(id, self.next_worker, turn.now);
		if !failure.is_transient || (beyond_patience && nobody_lives) {
			self.break_down(BreakCause::CannotSpawn(failure), turn);
		}
	}

	/// A process ended before it was ready.
	pub(crate) fn start_failed(
		&mut self,
		is_replacement: bool,
		termination: Termination,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		if is_replacement {
			self.starts
				.replacement_failed(termination.worker, self.next_worker, turn.now);
			return;
		}
		if !self.needs_workers() {
			return;
		}
		let failed = self.starts.failed(termination.worker, self.next_worker, turn.now);
		if failed >= self.config.max_failed_starts {
			self.break_down(BreakCause::WorkersNeverReady(termination), turn);
		}
	}

	/// Whether a failure to start a worker matters to anybody.
	fn needs_workers(&self) -> bool {
		match self.state {
			PoolState::Open => true,
			PoolState::Closing {
				how: Shutdown::Drain | Shutdown::CancelPending,
			} => !self.tasks.is_empty(),
			PoolState::Closing { how: Shutdown::Kill } => false,
			PoolState::Broken { .. } | PoolState::Closed { .. } => false,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::trial::{Trial, settle, sigkill, start};
	use crate::{Action, Event, Exit, Outcome, TerminationReason};

	fn killed(worker: u32) -> Termination {
		Termination {
			worker: WorkerId(worker),
			exit: sigkill(),
			reason: TerminationReason::Killed,
			violation: None,
			attempt: None,
		}
	}

	fn spawn_failure(is_transient: bool) -> SpawnFailure {
		SpawnFailure {
			operation: "posix_spawn",
			errno: 11,
			is_transient,
		}
	}

	/// The failure of a worker after which the next one was ordered.
	fn fail(starts: &mut Starts, worker: u32, now: Duration) -> u32 {
		starts.failed(WorkerId(worker), WorkerId(worker + 1), now)
	}

	#[test]
	fn each_failed_start_waits_longer_until_a_worker_is_ready() {
		let mut starts = Starts::default();
		let mut delays = Vec::new();
		for failure in 1..=10 {
			let now = starts.not_before();
			assert_eq!(fail(&mut starts, failure, now), failure);
			delays.push(starts.not_before().saturating_sub(now).as_millis());
		}
		assert_eq!(delays, [0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
		starts.ready();
		assert_eq!(fail(&mut starts, 11, Duration::from_secs(99)), 1);
		assert_eq!(starts.not_before(), Duration::from_secs(99));
	}

	#[test]
	fn workers_that_were_ordered_before_a_failure_fail_with_it() {
		let mut starts = Starts::default();
		for (worker, second) in (0..10).zip(1..) {
			let now = Duration::from_secs(second);
			assert_eq!(starts.failed(WorkerId(worker), WorkerId(10), now), 1);
		}
		assert_eq!(starts.not_before(), Duration::from_secs(1));
		assert_eq!(
			starts.failed(WorkerId(10), WorkerId(11), Duration::from_secs(20)),
			2
		);
	}

	#[test]
	fn a_system_without_resources_is_given_up_within_fifteen_seconds() {
		let mut starts = Starts::default();
		let begin = Duration::from_secs(100);
		let mut now = begin;
		let mut worker = 0;
		while !starts.could_not_spawn(WorkerId(worker), WorkerId(worker + 1), now) {
			now = starts.not_before();
			worker += 1;
		}
		let waited = now.saturating_sub(begin);
		assert!(
			waited > Duration::from_secs(10) && waited <= PATIENCE,
			"{waited:?}"
		);
	}

	#[test]
	fn a_process_that_could_be_made_renews_the_patience() {
		let mut starts = Starts::default();
		starts.could_not_spawn(WorkerId(0), WorkerId(1), Duration::ZERO);
		starts.spawned();
		assert!(!starts.could_not_spawn(WorkerId(1), WorkerId(2), PATIENCE * 2));
	}

	#[test]
	fn after_a_failure_one_worker_is_tried_and_all_are_started_when_it_is_ready() {
		let mut trial = Trial::new(|config| config.max_workers = 4);
		trial.submit_together(9);
		assert_eq!(trial.states(), ["starting"; 4]);
		for worker in 0..4 {
			trial.spawned(worker);
		}
		assert_eq!(trial.exits(0, sigkill()), [start(4, 0)]);
		for worker in 1..4 {
			assert_eq!(trial.exits(worker, sigkill()), []);
		}
		assert_eq!(trial.exits(4, sigkill()), []);
		assert_eq!(trial.passes(Duration::from_millis(50)), [start(5, 0)]);
		let orders = trial.ready(5);
		assert_eq!(
			orders[orders.len() - 3..],
			[start(6, 1), start(7, 2), start(8, 3)]
		);
		assert!(!trial.pool.is_broken());
	}

	#[test]
	fn a_worker_that_is_killed_for_its_slow_start_counts_before_the_one_that_replaces_it() {
		let mut trial = Trial::new(|config| config.max_workers = 4);
		trial.submit();
		for worker in 0..3 {
			trial.passes(Duration::from_secs(1));
			trial.spawned(worker);
			trial.passes(Duration::from_secs(60));
			// Its successor is ordered before its end is known.
			trial.passes(Duration::from_secs(1));
			trial.exits(worker, sigkill());
		}
		assert!(trial.pool.is_broken());
	}

	#[test]
	fn workers_that_die_before_they_are_ready_are_tried_again_later_and_later() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.spawned(0);
		assert_eq!(trial.exits(0, sigkill()), [start(1, 0)]);
		assert_eq!(trial.exits(1, sigkill()), []);
		assert_eq!(trial.deadline_in(), Some(Duration::from_millis(50)));
		assert_eq!(trial.passes(Duration::from_millis(50)), [start(2, 0)]);
		let cause = BreakCause::WorkersNeverReady(killed(2));
		assert_eq!(
			trial.exits(2, sigkill()),
			[settle(0, Outcome::PoolBroken(cause)), Action::Close]
		);
	}

	#[test]
	fn a_worker_that_becomes_ready_forgives_the_failures_before_it() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.exits(0, sigkill());
		trial.exits(1, sigkill());
		trial.passes(Duration::from_millis(50));
		trial.ready(2);
		assert_eq!(trial.exits(2, sigkill()), [start(3, 0)]);
		assert_eq!(trial.exits(3, sigkill()), [start(4, 0)]);
		assert!(!trial.pool.is_broken());
	}

	#[test]
	fn a_program_that_cannot_be_spawned_breaks_the_pool_at_once() {
		let failure = SpawnFailure {
			operation: "posix_spawn",
			errno: 2,
			is_transient: false,
		};
		let mut trial = Trial::of_one();
		trial.submit();
		let orders = trial.happens(Event::SpawnFailed(WorkerId(0), failure.clone()));
		let cause = BreakCause::CannotSpawn(failure);
		assert_eq!(orders, [settle(0, Outcome::PoolBroken(cause)), Action::Close]);
	}

	#[test]
	fn a_want_of_resources_is_waited_out_for_a_while() {
		let failure = SpawnFailure {
			operation: "posix_spawn",
			errno: 11,
			is_transient: true,
		};
		let mut trial = Trial::of_one();
		let begin = trial.now;
		let mut orders = trial.submit();
		while let Some(Action::SpawnWorker { worker, .. }) = orders.pop() {
			orders = trial.happens(Event::SpawnFailed(worker, failure.clone()));
			if orders.is_empty() {
				let wait = trial.deadline_in().expect("it tries again");
				orders = trial.passes(wait);
			}
		}
		assert!(trial.pool.is_broken());
		let waited = trial.now.saturating_sub(begin);
		assert!(
			waited > Duration::from_secs(10) && waited < Duration::from_secs(15),
			"{waited:?}"
		);
	}

	#[test]
	fn a_want_of_resources_does_not_break_a_pool_that_has_a_worker() {
		let failure = SpawnFailure {
			operation: "posix_spawn",
			errno: 11,
			is_transient: true,
		};
		let mut trial = Trial::new(|_| {});
		trial.submit_together(2);
		trial.ready(0);
		trial.claims(0, 1);
		let mut worker = WorkerId(1);
		for _ in 0..30 {
			let mut orders = trial.happens(Event::SpawnFailed(worker, failure.clone()));
			orders.extend(trial.passes(Duration::from_secs(5)));
			let [.., Action::SpawnWorker { worker: next, .. }] = orders[..] else {
				panic!("{orders:?}")
			};
			worker = next;
		}
		assert!(!trial.pool.is_broken());
	}

	#[test]
	fn a_failed_start_does_not_break_a_pool_that_has_nothing_left_to_do() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.cancel(0);
		assert_eq!(trial.shut_down(Shutdown::Drain), []);
		assert_eq!(
			trial.happens(Event::SpawnFailed(WorkerId(0), spawn_failure(false))),
			[Action::Close]
		);
		assert!(!trial.pool.is_broken());
	}

	#[test]
	fn a_worker_that_dies_unready_does_not_break_a_pool_that_has_nothing_left_to_do() {
		let mut trial = Trial::new(|config| {
			config.max_workers = 1;
			config.max_failed_starts = 1;
		});
		trial.submit();
		trial.spawned(0);
		trial.happens(Event::ProtocolViolated(WorkerId(0), crate::Violation::PipeClosed));
		trial.shut_down(Shutdown::CancelPending);
		assert_eq!(trial.exits(0, sigkill()), [Action::Close]);
		assert!(!trial.pool.is_broken());
	}

	#[test]
	fn a_process_that_could_be_made_renews_the_patience_even_if_it_dies() {
		let mut trial = Trial::new(|config| config.max_failed_starts = 99);
		trial.submit();
		for worker in 0..40 {
			let orders = match worker % 4 {
				3 => {
					trial.spawned(worker);
					trial.exits(worker, sigkill())
				}
				_ => trial.happens(Event::SpawnFailed(WorkerId(worker), spawn_failure(true))),
			};
			if orders.is_empty() {
				trial.passes(Duration::from_secs(5));
			}
		}
		assert!(!trial.pool.is_broken());
	}

	#[test]
	fn a_spawn_that_is_reported_failed_after_it_succeeded_changes_nothing() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.spawned(0);
		assert_eq!(
			trial.happens(Event::SpawnFailed(WorkerId(0), spawn_failure(false))),
			[]
		);
		assert_eq!(trial.states(), ["starting"]);
		assert_eq!(trial.exits(0, Exit::Code(1)), [start(1, 0)]);
	}
}
