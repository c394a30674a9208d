//! Everything that happens because time passed.

use std::time::Duration;

use crate::front::Front;
use crate::ladder::{ExitReason, LadderStep};
use crate::pool::{Pool, Turn};
use crate::worker::{InFlight, WorkerState};
use crate::{ClaimLedger, Sequence, WorkerId};

/// What a passed deadline asks for.
enum Due {
	Nothing,
	Climb,
	Kill(ExitReason),
	/// For the claimed front, which is beyond its timeout.
	KillForTask(Sequence),
}

impl Pool {
	/// When to call [`handle`](Self::handle) with `DeadlinePassed`, then [`dispatch`](Self::dispatch), unless something
	/// else happens before. `None`: time changes nothing. Ask after `dispatch`.
	///
	/// Whoever drives the pool takes in what has arrived from the workers before it says that a deadline has passed: then
	/// a machine that slept does not look like workers that did.
	#[must_use]
	pub fn next_deadline(&self) -> Option<Duration> {
		let workers = self.workers.iter().filter_map(|worker| match &worker.state {
			WorkerState::Starting {
				deadline,
				is_spawned: _,
			} => Some(*deadline),
			WorkerState::Standby => None,
			WorkerState::Idle { since } => self.config.idle_timeout.map(|timeout| *since + timeout),
			WorkerState::Busy(front) => self.front_deadline(front, worker.in_flight.len()),
			WorkerState::Exiting { step, .. } => match step {
				LadderStep::Asked { until } | LadderStep::Terminated { until } => Some(*until),
				LadderStep::AwaitingSpawn | LadderStep::Killed => None,
			},
		});
		workers.chain(self.next_start()).chain(self.next_look()).min()
	}

	fn front_deadline(&self, front: &Front, in_flight: usize) -> Option<Duration> {
		let progress = front.watched.map(|since| since + self.config.start_timeout);
		let recall = if in_flight <= 1 || !self.hands_out_tasks() {
			None
		} else if !self.queue.is_empty() {
			Some(front.release_at())
		} else if self.has_idle_worker() {
			Some(front.steal_at())
		} else {
			None
		};
		[progress, recall, front.deadline].into_iter().flatten().min()
	}

	pub(crate) fn deadline_passed(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		let now = turn.now;
		let start_timeout = self.config.start_timeout;
		for position in 0..self.workers.len() {
			let worker = &mut self.workers[position];
			let due = match &mut worker.state {
				WorkerState::Starting { deadline, .. } if *deadline <= now => {
					if turn.ledger.is_inspected(worker.id) {
						*deadline = now + start_timeout;
						Due::Nothing
					} else {
						Due::Kill(ExitReason::StartTimedOut)
					}
				}
				WorkerState::Starting { .. } => Due::Nothing,
				WorkerState::Standby => Due::Nothing,
				WorkerState::Idle { .. } => Due::Nothing, // Whether it is needed is found by `dispatch`.
				WorkerState::Busy(front) => match worker.in_flight.front() {
					Some(held) => look_at_front(worker.id, front, held, start_timeout, turn),
					None => Due::Nothing,
				},
				WorkerState::Exiting { .. } => Due::Climb,
			};
			let grace = self.config.shutdown_grace;
			match due {
				Due::Nothing => {}
				Due::Climb => self.workers[position].climb(now, grace, turn.actions),
				Due::Kill(reason) => self.kill_worker(position, reason, turn),
				Due::KillForTask(sequence) => {
					if !self.kill_for_task(position, sequence, ExitReason::TaskTimedOut, turn)
						&& let WorkerState::Busy(front) = &mut self.workers[position].state
					{
						front.deadline = None; // It was in time: its result is in the pipe.
					}
				}
			}
		}
	}

	fn has_idle_worker(&self) -> bool {
		self.workers
			.iter()
			.any(|worker| matches!(worker.state, WorkerState::Idle { .. }))
	}
}

/// What the age of the oldest task of a worker asks for.
fn look_at_front<L: ClaimLedger>(
	worker: WorkerId,
	front: &mut Front,
	held: &InFlight,
	start_timeout: Duration,
	turn: &Turn<'_, L>,
) -> Due {
	let (ledger, now) = (&*turn.ledger, turn.now);
	let is_claimed = ledger.is_claimed(worker, held.sequence);
	if front.watched.is_some_and(|since| since + start_timeout <= now) {
		if is_claimed && !ledger.is_loading(worker, held.sequence) {
			front.watched = None;
		} else if ledger.is_inspected(worker) {
			front.watched = Some(now);
		} else {
			return Due::Kill(ExitReason::Stalled);
		}
	}
	if front.deadline.is_none_or(|deadline| now < deadline) {
		Due::Nothing // What is due for recall is found by `dispatch`.
	} else if !is_claimed {
		front.rearm(now, held.timeout);
		Due::Nothing
	} else if ledger.is_inspected(worker) {
		front.excuse(now, held.timeout);
		Due::Nothing
	} else {
		Due::KillForTask(held.sequence)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::frame::FrameKind::{Exit, Function, Returned, Task};
	use crate::trial::{Trial, kill, returned, send, settle, sigkill, start};
	use crate::{Action, BreakCause, Outcome, Termination, TerminationReason};

	const SECOND: Duration = Duration::from_secs(1);

	fn timeout(worker: u32) -> Termination {
		Termination {
			worker: WorkerId(worker),
			exit: sigkill(),
			reason: TerminationReason::Timeout,
			violation: None,
			attempt: Some(1),
		}
	}

	#[test]
	fn a_pool_that_nobody_uses_has_no_deadline() {
		assert_eq!(Trial::of_one().deadline_in(), None);
	}

	#[test]
	fn a_worker_that_is_not_ready_in_time_is_killed_and_replaced() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.spawned(0);
		assert_eq!(trial.deadline_in(), Some(60 * SECOND));
		assert_eq!(trial.passes(59 * SECOND), []);
		assert_eq!(trial.passes(SECOND), [kill(0)]);
		assert_eq!(trial.exits(0, sigkill()), [start(1, 0)]);
	}

	#[test]
	fn workers_that_are_never_ready_in_time_break_the_pool() {
		let mut trial = Trial::of_one();
		trial.submit();
		for worker in 0..3 {
			trial.passes(SECOND);
			trial.spawned(worker);
			assert!(trial.passes(60 * SECOND).contains(&kill(worker)));
			let orders = trial.exits(worker, sigkill());
			let cause = BreakCause::WorkersNeverReady(Termination {
				attempt: None,
				..timeout(worker)
			});
			assert_eq!(
				orders.contains(&settle(0, Outcome::PoolBroken(cause))),
				worker == 2
			);
		}
	}

	#[test]
	fn a_worker_that_is_idle_for_long_is_asked_to_leave_even_the_last_one() {
		let mut trial = Trial::new(|config| config.idle_timeout = Some(10 * SECOND));
		trial.submit();
		trial.ready(0);
		trial.passes(20 * SECOND);
		trial.returns(0, 1);
		assert_eq!(trial.deadline_in(), Some(10 * SECOND));
		assert_eq!(trial.passes(9 * SECOND), []);
		assert_eq!(trial.passes(SECOND), [send(0, Exit, 0)]);
		assert_eq!(trial.exits(0, crate::Exit::Code(0)), []);
		assert_eq!(trial.deadline_in(), None);
	}

	#[test]
	fn a_task_that_comes_with_the_idle_deadline_runs_on_the_idle_worker() {
		let mut trial = Trial::new(|config| config.idle_timeout = Some(10 * SECOND));
		trial.submit();
		trial.ready(0);
		trial.returns(0, 1);
		trial.now += 10 * SECOND;
		assert_eq!(trial.submit(), [send(0, Task, 2)]);
	}

	#[test]
	fn a_task_that_comes_after_the_last_worker_was_asked_to_leave_waits_for_the_next_one() {
		let mut trial = Trial::new(|config| {
			config.max_workers = 1;
			config.idle_timeout = Some(SECOND);
		});
		trial.submit();
		trial.ready(0);
		trial.returns(0, 1);
		trial.passes(SECOND);
		assert_eq!(trial.submit(), []);
		assert_eq!(trial.exits(0, crate::Exit::Code(0)), [start(1, 0)]);
	}

	#[test]
	fn a_task_beyond_its_timeout_is_killed_with_its_worker_and_the_next_ones_go_elsewhere() {
		let mut trial = Trial::of_one();
		trial.submit_with(Some(SECOND));
		trial.submit();
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.deadline_in(), Some(SECOND));
		assert_eq!(trial.passes(SECOND), [kill(0)]);
		assert_eq!(
			trial.exits(0, sigkill()),
			[settle(0, Outcome::TimedOut(timeout(0))), start(1, 0)]
		);
		assert_eq!(trial.ready(1), [send(1, Function, 0), send(1, Task, 1)]);
	}

	#[test]
	fn a_task_that_returns_in_time_is_not_killed() {
		let mut trial = Trial::of_one();
		trial.submit_with(Some(SECOND));
		trial.ready(0);
		trial.returns(0, 1);
		assert_eq!(trial.passes(9 * SECOND), []);
	}

	#[test]
	fn a_timeout_counts_from_when_the_task_before_has_finished() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.submit_with(Some(SECOND));
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.loads(), [2]);
		assert_eq!(trial.passes(9 * SECOND), []);
		assert_eq!(trial.says(0, Returned, 1), [returned(0)]);
		trial.claims(0, 2);
		assert_eq!(trial.deadline_in(), Some(SECOND));
		assert_eq!(trial.passes(SECOND), [kill(0)]);
	}

	#[test]
	fn a_task_that_has_not_started_does_not_time_out() {
		let mut trial = Trial::of_one();
		trial.submit_with(Some(SECOND));
		trial.ready(0);
		assert_eq!(trial.passes(SECOND), []);
		assert_eq!(trial.deadline_in(), Some(SECOND));
		trial.claims(0, 1);
		assert_eq!(trial.passes(SECOND), [kill(0)]);
	}

	#[test]
	fn a_timeout_of_nothing_does_not_make_the_driver_spin() {
		let mut trial = Trial::of_one();
		trial.submit_with(Some(Duration::ZERO));
		trial.ready(0);
		trial.passes(Duration::ZERO);
		assert!(trial.deadline_in() > Some(Duration::ZERO));
	}

	#[test]
	fn a_worker_that_does_not_claim_what_it_was_sent_is_killed_and_the_task_runs_elsewhere() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		assert_eq!(trial.passes(60 * SECOND), [kill(0)]);
		assert_eq!(trial.exits(0, sigkill()), [start(1, 0)]);
		assert_eq!(trial.ready(1), [send(1, Function, 0), send(1, Task, 1)]);
		// The second worker that does not get over it is one too many.
		assert_eq!(trial.passes(60 * SECOND), [kill(1)]);
		assert_eq!(
			trial.exits(1, sigkill()),
			[settle(0, Outcome::WorkerTerminated(timeout(1).of_attempt(2)))]
		);
	}

	#[test]
	fn a_worker_that_runs_a_task_for_ever_is_not_stalled() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.passes(3600 * SECOND), []);
		assert_eq!(trial.deadline_in(), None);
	}

	#[test]
	fn a_worker_that_never_finishes_loading_a_task_is_killed_with_it_and_the_next_one_runs() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.submit();
		trial.ready(0);
		trial.claims(0, 1);
		trial.claims.loading = Some((WorkerId(0), Sequence(1)));
		assert_eq!(trial.passes(60 * SECOND), [kill(0)]);
		let orders = trial.exits(0, sigkill());
		assert_eq!(
			orders,
			[settle(0, Outcome::WorkerTerminated(timeout(0))), start(1, 0)]
		);
		assert_eq!(trial.ready(1), [send(1, Function, 0), send(1, Task, 1)]);
	}

	#[test]
	fn a_worker_that_has_loaded_its_task_may_run_it_for_ever() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		trial.claims(0, 1);
		trial.claims.loading = Some((WorkerId(0), Sequence(1)));
		trial.passes(59 * SECOND);
		trial.claims.loading = None;
		assert_eq!(trial.passes(SECOND), []);
		assert_eq!(trial.deadline_in(), None);
	}

	#[test]
	fn no_deadline_of_a_start_or_a_task_concerns_a_worker_that_a_debugger_holds() {
		let mut trial = Trial::of_one();
		trial.claims.inspected = Some(WorkerId(0));
		trial.submit_with(Some(SECOND / 10));
		trial.spawned(0);
		assert_eq!(trial.passes(60 * SECOND), []);
		assert_eq!(trial.deadline_in(), Some(60 * SECOND));
		trial.ready(0);
		assert_eq!(trial.passes(60 * SECOND), []);
		trial.claims(0, 1);
		for _ in 0..3 {
			assert_eq!(trial.passes(60 * SECOND), []);
		}
		// It is looked at now and then, and the timeout begins anew when the debugger lets go.
		assert_eq!(trial.deadline_in(), Some(SECOND));
		trial.claims.inspected = None;
		assert_eq!(trial.passes(SECOND), [kill(0)]);
	}

	#[test]
	fn a_worker_killed_for_a_timeout_during_a_shutdown_lets_the_pool_close() {
		let mut trial = Trial::of_one();
		trial.submit_with(Some(SECOND));
		trial.ready(0);
		trial.claims(0, 1);
		trial.shut_down(crate::Shutdown::Drain);
		trial.passes(SECOND);
		let orders = trial.exits(0, sigkill());
		assert_eq!(orders, [settle(0, Outcome::TimedOut(timeout(0))), Action::Close]);
	}

	#[test]
	fn a_task_that_ends_with_its_killed_worker_needs_no_other_worker() {
		let mut trial = Trial::new(|_| {});
		trial.submit_with(Some(SECOND));
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.passes(SECOND), [kill(0)]);
		assert_eq!(trial.deadline_in(), None);
	}

	#[test]
	fn a_pool_that_only_finishes_what_runs_does_not_wake_to_move_tasks() {
		let mut trial = Trial::idle(2);
		trial.submit_together(4);
		for worker in 0..2 {
			for sequence in 2..4 {
				trial.claims(worker, sequence);
			}
		}
		assert_eq!(trial.shut_down(crate::Shutdown::CancelPending), []);
		trial.says(1, Returned, 2);
		trial.says(1, Returned, 3);
		assert_eq!(trial.states(), ["busy", "idle"]);
		assert_eq!(trial.deadline_in(), Some(60 * SECOND));
	}
}
