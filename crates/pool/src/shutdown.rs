//! How a pool ends: closing, in three strengths, and breaking.

use crate::pool::{Pool, PoolState, Turn};
use crate::task::TaskState;
use crate::worker::ExitReason;
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
			self.tasks.remove(&id);
			turn.settle(id, Outcome::PoolClosed);
		}
		self.queue.clear();
	}

	fn settle_all(&mut self, outcome: &Outcome, turn: &mut Turn<'_, impl ClaimLedger>) {
		for id in self.unsettled() {
			turn.settle(id, outcome.clone());
		}
		self.tasks.clear();
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
