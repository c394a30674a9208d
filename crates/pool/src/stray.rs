//! What an error means that turns up in a worker and that nobody handled.

use crate::frame::Frame;
use crate::pool::{Pool, Turn};
use crate::{Action, ClaimLedger};

impl Pool {
	/// Nobody knows in which state the worker is, so it gets no more tasks and leaves. A task that it runs may finish, unless
	/// the error is its own: then the worker leaves at once by itself, and takes the task with it. What it has not started
	/// goes back and is charged with nothing.
	pub(crate) fn stray_error(
		&mut self,
		position: usize,
		frame: Frame,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		self.tell_stray_error(position, frame, turn);
		let worker = &mut self.workers[position];
		worker.retire();
		let mut recalled = Vec::new();
		worker.recall_latest(usize::MAX, turn.ledger, &mut recalled);
		if let Some(front) = worker.in_flight.front().copied()
			&& turn.ledger.recall(worker.id, front.sequence)
		{
			worker.let_go(front.sequence, turn.now);
			recalled.push(front.task);
		}
		// A busy one is asked when it has finished.
		worker.dismiss(turn.now + self.config.shutdown_grace, turn.actions);
		self.put_back(recalled);
	}

	/// Tells the error, with the task that left it, finished or not, where that is known.
	pub(crate) fn tell_stray_error(
		&mut self,
		position: usize,
		frame: Frame,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		let worker = &self.workers[position];
		turn.actions.push(Action::TellStrayError {
			task: worker.task_of(frame.sequence, turn.ledger),
			worker: worker.id,
			error: frame.payload,
		});
	}
}

#[cfg(test)]
mod tests {
	use bytes::Bytes;

	use crate::frame::FrameKind::{Exit, Function, Returned, StrayError, Task};
	use crate::trial::{Trial, kill, returned, send, settle, sigkill, start};
	use crate::{Action, OnWorkerDeath, Outcome, TaskId, Termination, TerminationReason, WorkerId};

	const FAILURE: crate::Exit = crate::Exit::Code(1);

	fn told(task: Option<u64>) -> Action {
		Action::TellStrayError {
			task: task.map(TaskId),
			worker: WorkerId(0),
			error: Bytes::from_static(b"result"),
		}
	}

	/// One worker that has finished task 0 as sequence 1 and runs task 1 as sequence 2; task 2 was sent behind it.
	fn running() -> Trial {
		let mut trial = Trial::of_one();
		trial.submit_together(3);
		trial.ready(0);
		trial.returns(0, 1);
		trial.claims(0, 2);
		assert_eq!(trial.loads(), [2]);
		trial
	}

	#[test]
	fn an_idle_worker_with_an_error_is_let_go_and_its_exit_breaks_nothing() {
		let mut trial = Trial::new(|config| config.on_worker_death = OnWorkerDeath::Break);
		trial.submit();
		trial.ready(0);
		trial.returns(0, 1);
		assert_eq!(trial.says(0, StrayError, 1), [told(Some(0)), send(0, Exit, 0)]);
		assert_eq!(trial.exits(0, FAILURE), []);
		assert!(!trial.pool.is_broken());
		assert_eq!(trial.submit(), [start(1, 0)]);
	}

	#[test]
	fn an_error_of_an_earlier_task_costs_neither_the_one_that_runs_nor_the_one_behind_it() {
		let mut trial = running();
		assert_eq!(trial.says(0, StrayError, 1), [told(Some(0))]);
		assert_eq!(trial.loads(), [1]);
		// Nothing is sent to it any more.
		assert_eq!(trial.submit(), []);
		assert_eq!(trial.says(0, Returned, 2), [returned(1), send(0, Exit, 0)]);
		assert_eq!(trial.exits(0, FAILURE), [start(1, 0)]);
		assert_eq!(trial.ready(1)[..2], [send(1, Function, 0), send(1, Task, 1)]);
	}

	#[test]
	fn an_error_of_the_task_that_runs_costs_that_task_alone() {
		let mut trial = running();
		assert_eq!(trial.says(0, StrayError, 2), [told(Some(1))]);
		let termination = Termination {
			worker: WorkerId(0),
			exit: FAILURE,
			reason: TerminationReason::Exit,
			violation: None,
			attempt: Some(1),
		};
		assert_eq!(
			trial.exits(0, FAILURE),
			[settle(1, Outcome::WorkerTerminated(termination)), start(1, 0)]
		);
		assert_eq!(trial.pool.outstanding(), 1);
	}

	#[test]
	fn tasks_that_wait_on_a_worker_with_an_error_are_not_charged_however_often_it_happens() {
		let mut trial = Trial::new(|config| {
			config.max_workers = 1;
			config.max_unstarted_deaths = 1;
		});
		trial.submit_together(2);
		for worker in 0..5 {
			trial.ready(worker);
			let orders = trial.says(worker, StrayError, 0);
			assert_eq!(orders.last(), Some(&send(worker, Exit, 0)));
			assert_eq!(trial.exits(worker, FAILURE), [start(worker + 1, 0)]);
		}
		assert_eq!(trial.pool.outstanding(), 2);
	}

	#[test]
	fn an_error_whose_task_is_unknown_is_told_without_one() {
		let mut trial = running();
		assert_eq!(trial.says(0, StrayError, 0), [told(None)]);
		assert_eq!(trial.says(0, StrayError, 77), [told(None)]);
	}

	#[test]
	fn a_task_that_has_not_started_has_left_no_error() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		assert_eq!(trial.says(0, StrayError, 1), [told(None), send(0, Exit, 0)]);
	}

	#[test]
	fn a_worker_that_does_not_leave_after_its_error_is_made_to() {
		let mut trial = Trial::idle(1);
		trial.says(0, StrayError, 1);
		assert_eq!(trial.passes(trial.pool.config.shutdown_grace).len(), 1);
		assert_eq!(trial.passes(trial.pool.config.shutdown_grace), [kill(0)]);
		assert_eq!(trial.exits(0, sigkill()), []);
	}

	#[test]
	fn an_error_that_was_said_before_a_kill_is_told() {
		let mut trial = running();
		trial.abort(1);
		assert_eq!(trial.says(0, StrayError, 2), [told(Some(1))]);
	}
}
