//! How a pool ends: closing, in three strengths, and breaking.

use crate::ladder::ExitReason;
use crate::pool::{Pool, PoolState, Turn};
use crate::task::TaskState;

use crate::{Action, BreakCause, ClaimLedger, Outcome, Shutdown, TaskId};

impl Pool {
	pub(crate) fn shutdown_requested(&mut self, how: Shutdown, turn: &mut Turn<'_, impl ClaimLedger>) {
		match &self.state {
			PoolState::Open => {}
			PoolState::Closing { how: current } if *current < how => {}
			PoolState::Closing { .. } => return, // as strong as that already
			PoolState::Broken { .. } => return,  // more than shut down already
			PoolState::Closed { .. } => return,  // done already
		}
		self.state = PoolState::Closing { how };
		match how {
			Shutdown::Drain => {} // everything goes on, until the last task is settled
			Shutdown::CancelPending => self.refuse_unstarted(turn),
			Shutdown::Kill => {
				self.settle_all(&Outcome::PoolClosed, turn);
				self.kill_all(turn);
			}
		}
	}

	/// The pool cannot work: every task fails with the cause, at once.
	pub(crate) fn break_down(&mut self, cause: BreakCause, turn: &mut Turn<'_, impl ClaimLedger>) {
		match &self.state {
			PoolState::Open | PoolState::Closing { .. } => {}
			PoolState::Broken { .. } | PoolState::Closed { .. } => return, // the first cause counts
		}
		self.settle_all(&Outcome::PoolBroken(cause.clone()), turn);
		self.kill_all(turn);
		self.state = PoolState::Broken { cause };
	}

	/// Lets the workers go when the last task is settled, and closes when the last worker is reaped.
	pub(crate) fn close_when_finished(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		if !self.tasks.is_empty() {
			return;
		}
		let cause = match &self.state {
			PoolState::Open | PoolState::Closed { .. } => return,
			PoolState::Broken { cause } => Some(cause.clone()),
			PoolState::Closing { how: _ } => {
				let until = turn.now + self.config.shutdown_grace;
				for worker in &mut self.workers {
					worker.dismiss(until, turn.actions);
				}
				None
			}
		};
		if self.workers.is_empty() {
			self.state = PoolState::Closed { cause };
			self.functions.clear();
			turn.actions.push(Action::Close);
		}
	}

	fn refuse_unstarted(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		for id in self.unsettled() {
			let Some(task) = self.tasks.get(&id) else { continue };
			if let TaskState::Sent { worker, sequence } = task.state {
				if !turn.ledger.recall(worker, sequence) {
					continue; // It has started: it is finished.
				}
				if let Some(position) = self.position(worker) {
					self.workers[position].let_go(sequence, turn.now);
				}
			}
			self.settle(id, Outcome::PoolClosed, turn);
		}
		self.queue.clear();
	}

	fn settle_all(&mut self, outcome: &Outcome, turn: &mut Turn<'_, impl ClaimLedger>) {
		for id in self.unsettled() {
			turn.settle(id, outcome.clone());
		}
		self.tasks.clear();
		self.functions.clear();
		self.queue.clear();
		for worker in &mut self.workers {
			worker.in_flight.clear();
		}
	}

	fn kill_all(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		for worker in &mut self.workers {
			worker.kill(ExitReason::PoolKilled, turn.actions);
		}
	}

	/// In the order of submission, which is the order in which callers expect to hear of them.
	fn unsettled(&self) -> Vec<TaskId> {
		let mut tasks: Vec<TaskId> = self.tasks.keys().copied().collect();
		tasks.sort_unstable();
		tasks
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::Event;
	use crate::frame::FrameKind::{Exit, Returned};
	use crate::trial::{Trial, kill, returned, send, settle, sigkill};

	/// One worker; task 0 runs on it, 1 was sent behind it, 2 is pending.
	fn loaded() -> Trial {
		let mut trial = Trial::of_one();
		trial.submit_together(3);
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.loads(), [2]);
		trial
	}

	#[test]
	fn a_pool_without_workers_closes_at_once() {
		for how in [Shutdown::Drain, Shutdown::CancelPending, Shutdown::Kill] {
			let mut trial = Trial::of_one();
			assert_eq!(trial.shut_down(how), [Action::Close]);
			assert_eq!(*trial.pool.state(), PoolState::Closed { cause: None });
		}
	}

	#[test]
	fn draining_finishes_everything_and_takes_nothing() {
		let mut trial = loaded();
		assert_eq!(trial.shut_down(Shutdown::Drain), []);
		assert_eq!(trial.submit(), [settle(3, Outcome::PoolClosed)]);
		assert_eq!(trial.returns(0, 1)[0], returned(0));
		assert_eq!(trial.returns(0, 2), [returned(1)]);
		assert_eq!(trial.returns(0, 3), [returned(2), send(0, Exit, 0)]);
		assert_eq!(trial.exits(0, crate::Exit::Code(0)), [Action::Close]);
	}

	#[test]
	fn draining_starts_the_workers_that_it_needs() {
		let mut trial = loaded();
		trial.shut_down(Shutdown::Drain);
		let orders = trial.exits(0, sigkill());
		assert!(orders.contains(&crate::trial::start(1, 0)), "{orders:?}");
	}

	#[test]
	fn cancelling_settles_what_has_not_started_and_finishes_what_has() {
		let mut trial = loaded();
		let orders = trial.shut_down(Shutdown::CancelPending);
		assert_eq!(
			orders,
			[settle(1, Outcome::PoolClosed), settle(2, Outcome::PoolClosed)]
		);
		assert_eq!(trial.says(0, Returned, 1), [returned(0), send(0, Exit, 0)]);
		assert_eq!(trial.exits(0, crate::Exit::Code(0)), [Action::Close]);
	}

	#[test]
	fn killing_settles_everything_at_once_in_the_order_of_submission() {
		let mut trial = loaded();
		let closed = |task| settle(task, Outcome::PoolClosed);
		assert_eq!(
			trial.shut_down(Shutdown::Kill),
			[closed(0), closed(1), closed(2), kill(0)]
		);
		assert_eq!(trial.says(0, Returned, 1), []);
		assert_eq!(trial.exits(0, sigkill()), [Action::Close]);
	}

	#[test]
	fn a_stronger_shutdown_escalates_and_a_weaker_one_changes_nothing() {
		let mut trial = loaded();
		trial.shut_down(Shutdown::CancelPending);
		assert_eq!(trial.shut_down(Shutdown::Drain), []);
		assert_eq!(
			*trial.pool.state(),
			PoolState::Closing {
				how: Shutdown::CancelPending
			}
		);
		assert_eq!(
			trial.shut_down(Shutdown::Kill),
			[settle(0, Outcome::PoolClosed), kill(0)]
		);
	}

	#[test]
	fn nothing_is_ordered_after_the_close() {
		let mut trial = Trial::of_one();
		trial.shut_down(Shutdown::Drain);
		assert_eq!(trial.submit(), []);
		assert_eq!(trial.pool.refusal(), Some(Outcome::PoolClosed));
		assert_eq!(trial.shut_down(Shutdown::Kill), []);
		assert_eq!(trial.happens(Event::SupervisorFailed("late".into())), []);
		assert_eq!(trial.deadline_in(), None);
	}

	#[test]
	fn a_broken_pool_fails_every_task_and_closes_when_its_workers_are_reaped() {
		let mut trial = loaded();
		let cause = BreakCause::SupervisorFailed("lost its pipe".into());
		let broken = |task| settle(task, Outcome::PoolBroken(cause.clone()));
		let orders = trial.happens(Event::SupervisorFailed("lost its pipe".into()));
		assert_eq!(orders, [broken(0), broken(1), broken(2), kill(0)]);
		assert_eq!(trial.submit(), [broken(3)]);
		assert_eq!(trial.shut_down(Shutdown::Kill), []);
		assert_eq!(trial.happens(Event::SupervisorFailed("again".into())), []);
		assert_eq!(trial.exits(0, sigkill()), [Action::Close]);
		assert_eq!(trial.pool.break_cause(), Some(&cause));
		assert_eq!(trial.pool.refusal(), Some(Outcome::PoolBroken(cause)));
	}

	#[test]
	fn a_hundred_thousand_tasks_fail_together_when_the_pool_breaks() {
		let mut trial = Trial::of_one();
		trial.submit_together(100_000);
		let orders = trial.happens(Event::SupervisorFailed("lost its pipe".into()));
		assert_eq!(orders.len(), 100_000);
		assert_eq!(trial.pool.outstanding(), 0);
	}
}
