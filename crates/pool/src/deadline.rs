//! Everything that happens because time passed.

use std::time::Duration;

use crate::ClaimLedger;
use crate::front::Front;
use crate::ladder::{ExitReason, LadderStep};
use crate::pool::{Pool, Turn};
use crate::worker::WorkerState;

/// What a passed deadline asks for.
enum Due {
	Nothing,
	Climb,
	Kill(ExitReason),
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
			WorkerState::Idle { since } => self.config.idle_timeout.map(|timeout| *since + timeout),
			WorkerState::Busy(front) => self.front_deadline(front, worker.in_flight.len()),
			WorkerState::Exiting { step, .. } => match step {
				LadderStep::Asked { until } | LadderStep::Terminated { until } => Some(*until),
				LadderStep::AwaitingSpawn | LadderStep::Killed => None,
			},
		});
		workers.chain(self.next_start()).min()
	}

	fn front_deadline(&self, front: &Front, in_flight: usize) -> Option<Duration> {
		let progress = (!front.is_claimed).then(|| front.since + self.config.start_timeout);
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
		for position in 0..self.workers.len() {
			let worker = &mut self.workers[position];
			let due = match &mut worker.state {
				WorkerState::Starting { deadline, .. } if *deadline <= now => {
					Due::Kill(ExitReason::StartTimedOut)
				}
				WorkerState::Starting { .. } => Due::Nothing,
				WorkerState::Idle { .. } => Due::Nothing, // Whether it is needed is found by `dispatch`.
				WorkerState::Busy(front) => match worker.in_flight.front() {
					Some(held) => {
						front.is_claimed =
							front.is_claimed || turn.ledger.is_claimed(worker.id, held.sequence);
						let is_late = front.deadline.is_some_and(|deadline| deadline <= now);
						if !front.is_claimed && front.since + self.config.start_timeout <= now {
							Due::Kill(ExitReason::Stalled)
						} else if is_late && front.is_claimed {
							Due::Kill(ExitReason::TaskTimedOut)
						} else if is_late {
							front.rearm(now, held.timeout);
							Due::Nothing
						} else {
							Due::Nothing // What is due for recall is found by `dispatch`.
						}
					}
					None => Due::Nothing,
				},
				WorkerState::Exiting { .. } => Due::Climb,
			};
			let grace = self.config.shutdown_grace;
			match due {
				Due::Nothing => {}
				Due::Climb => self.workers[position].climb(now, grace, turn.actions),
				Due::Kill(reason) => self.kill_worker(position, reason, turn),
			}
		}
	}

	fn has_idle_worker(&self) -> bool {
		self.workers
			.iter()
			.any(|worker| matches!(worker.state, WorkerState::Idle { .. }))
	}
}
