//! What is taken back from a worker whose front is slow, so that no task waits for it.

use crate::pool::{Pool, Turn};
use crate::worker::{Worker, WorkerState};
use crate::{ClaimLedger, TaskId};

impl Pool {
	/// Takes back, from workers with a slow front, enough for the idle ones: about half of what the most loaded holds.
	pub(crate) fn steal(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		let idle = |worker: &&Worker| matches!(worker.state, WorkerState::Idle { .. });
		let idle = self.workers.iter().filter(idle).count();
		while self.queue.len() < idle {
			let due = |worker: &&mut Worker| match &worker.state {
				WorkerState::Busy(front) => worker.in_flight.len() > 1 && front.steal_at() <= turn.now,
				WorkerState::Starting { .. }
				| WorkerState::Standby
				| WorkerState::Idle { .. }
				| WorkerState::Exiting { .. } => false,
			};
			let loaded = self
				.workers
				.iter_mut()
				.filter(due)
				.max_by_key(|worker| worker.in_flight.len());
			let Some(loaded) = loaded else { return };
			let half = (loaded.in_flight.len() - 1).div_ceil(2);
			let recalled = recall(loaded, half, turn);
			self.put_back(recalled);
		}
	}

	/// Takes back what the next task outranks, so that it is behind nothing but what runs.
	pub(crate) fn make_way(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		if !self.has_priorities {
			return;
		}
		let Some(highest) = self.queue.highest() else {
			return;
		};
		for position in 0..self.workers.len() {
			let worker = &mut self.workers[position];
			match worker.state {
				WorkerState::Busy(_) => {
					let mut recalled = Vec::new();
					worker.recall_below(highest, turn.ledger, &mut recalled);
					self.put_back(recalled);
				}
				WorkerState::Starting { .. }
				| WorkerState::Standby
				| WorkerState::Idle { .. }
				| WorkerState::Exiting { .. } => {}
			}
		}
	}

	/// Takes back everything that waits behind a slow front while the queue moves on.
	pub(crate) fn free_hostages(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		if self.queue.is_empty() {
			return;
		}
		for position in 0..self.workers.len() {
			let worker = &mut self.workers[position];
			let is_due = match &worker.state {
				WorkerState::Busy(front) => worker.in_flight.len() > 1 && front.release_at() <= turn.now,
				WorkerState::Starting { .. }
				| WorkerState::Standby
				| WorkerState::Idle { .. }
				| WorkerState::Exiting { .. } => false,
			};
			if is_due {
				let recalled = recall(worker, usize::MAX, turn);
				self.put_back(recalled);
			}
		}
	}
}

/// Recalls tasks from a busy worker, and does not consider it again for a while, whether any could be recalled or not.
fn recall(worker: &mut Worker, count: usize, turn: &mut Turn<'_, impl ClaimLedger>) -> Vec<TaskId> {
	if let WorkerState::Busy(front) = &mut worker.state {
		front.considered = turn.now;
	}
	let mut recalled = Vec::new();
	worker.recall_latest(count, turn.ledger, &mut recalled);
	recalled
}

#[cfg(test)]
mod tests {
	use std::time::Duration;

	use super::*;
	use crate::frame::FrameKind::Returned;
	use crate::trial::Trial;

	const MILLISECOND: Duration = Duration::from_millis(1);

	/// Two workers: the first runs a task and has four behind it, the second becomes idle.
	fn robbable() -> Trial {
		let mut trial = Trial::idle(2);
		for _ in 0..8 {
			trial.pool.pace.record(MILLISECOND / 10);
			trial.pool.pace.fold();
		}
		trial.submit_together(10);
		assert_eq!(trial.loads(), [5, 5]);
		trial.claims(0, 2);
		trial
	}

	#[test]
	fn a_worker_that_becomes_idle_takes_half_of_what_waits_behind_a_slow_task() {
		let mut trial = robbable();
		trial.now += MILLISECOND;
		for sequence in 2..6 {
			trial.returns(1, sequence);
		}
		assert_eq!(trial.loads(), [5, 1]);
		trial.returns(1, 6);
		assert_eq!(trial.loads(), [3, 2]);
	}

	#[test]
	fn nothing_is_taken_from_behind_a_task_that_is_not_slow_until_it_is() {
		let mut trial = robbable();
		for sequence in 2..7 {
			trial.returns(1, sequence);
		}
		assert_eq!(trial.loads(), [5, 0]);
		assert_eq!(trial.deadline_in(), Some(MILLISECOND));
		trial.passes(MILLISECOND);
		assert_eq!(trial.loads(), [3, 2]);
	}

	#[test]
	fn what_is_taken_runs_on_the_thief_and_not_on_the_robbed() {
		let mut trial = robbable();
		trial.now += MILLISECOND;
		for sequence in 2..7 {
			trial.returns(1, sequence);
		}
		let thief = trial.pool.workers().nth(1).and_then(|worker| worker.task);
		let robbed: Vec<TaskId> = trial.pool.workers[0]
			.in_flight
			.iter()
			.map(|held| held.task)
			.collect();
		assert!(
			thief.is_some_and(|task| !robbed.contains(&task)),
			"{thief:?} {robbed:?}"
		);
		trial.returns(1, 7);
		assert_eq!(trial.pool.outstanding(), 4);
	}

	#[test]
	fn a_slow_task_holds_nothing_hostage_while_the_queue_moves_on() {
		let mut trial = Trial::new(|_| {});
		trial.submit_together(6);
		trial.ready(0);
		trial.claims(0, 1);
		trial.ready(1);
		assert_eq!(trial.loads(), [2, 2]);
		trial.claims(1, 1);
		assert_eq!(trial.deadline_in(), Some(MILLISECOND * 20));
		trial.passes(MILLISECOND * 20);
		assert_eq!(trial.loads(), [1, 1]);
		// The oldest comes first, whoever is free.
		trial.says(1, Returned, 1);
		assert_eq!(
			trial.pool.workers().nth(1).and_then(|worker| worker.task),
			Some(TaskId(1))
		);
	}

	#[test]
	fn a_task_of_a_higher_priority_goes_before_what_was_sent_ahead_and_not_started() {
		let mut trial = Trial::of_one();
		trial.submit_together(3);
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.loads(), [2]);
		trial.submit_of_priority(-1);
		trial.submit_of_priority(5);
		trial.submit_of_priority(5);
		let mut order = Vec::new();
		while trial.pool.outstanding() > 0 {
			let worker = &trial.pool.workers[0];
			let (sequence, task) = (worker.in_flight[0].sequence.0, worker.in_flight[0].task.0);
			order.push(task);
			if order.len() > 1 {
				trial.claims(0, sequence);
			}
			trial.says(0, Returned, sequence);
		}
		assert_eq!(order, [0, 4, 5, 1, 2, 3]);
	}

	#[test]
	fn a_task_that_comes_back_keeps_its_place_among_those_of_its_priority() {
		let mut trial = Trial::of_one();
		trial.submit_of_priority(2);
		trial.submit_of_priority(2);
		trial.submit();
		trial.ready(0);
		trial.exits(0, crate::trial::sigkill());
		trial.submit_of_priority(2);
		trial.ready(1);
		let mut order = Vec::new();
		while let Some(front) = trial.pool.workers[0].in_flight.front().copied() {
			order.push(front.task.0);
			trial.returns(1, front.sequence.0);
		}
		assert_eq!(order, [0, 1, 3, 2]);
	}

	#[test]
	fn a_worker_that_has_claimed_everything_is_not_asked_again_at_once() {
		let mut trial = robbable();
		for sequence in 3..7 {
			trial.claims(0, sequence);
		}
		for sequence in 2..7 {
			trial.returns(1, sequence);
		}
		trial.passes(MILLISECOND);
		assert_eq!(trial.loads(), [5, 0]);
		assert_eq!(trial.deadline_in(), Some(MILLISECOND));
	}
}
