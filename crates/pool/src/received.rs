//! What a frame from a worker means.

use crate::frame::{Frame, FrameKind};
use crate::front::Front;
use crate::ladder::{ExitReason, LadderStep};
use crate::pool::{Pool, Turn};
use crate::worker::{InFlight, WorkerState};
use crate::{Action, BreakCause, ClaimLedger, Outcome, Sequence, Violation, WorkerId};

impl Pool {
	pub(crate) fn frame_received(
		&mut self,
		id: WorkerId,
		frame: Frame,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		use FrameKind::{
			Bell, Exit, Forget, Function, Init, ObservedTask, Ready, Returned, StartFailed, Started,
			StrayError, Task, Threw, Undecodable,
		};
		// Frames come before the exit, so every sender is in the table.
		let Some(position) = self.position(id) else { return };
		match (&self.workers[position].state, frame.kind) {
			(WorkerState::Starting { is_spawned: true, .. }, Ready) => self.ready(position, turn),
			(WorkerState::Starting { is_spawned: true, .. }, StartFailed) => {
				self.initializer_threw(position, frame.payload, turn);
			}
			(WorkerState::Busy(_), Returned | Threw | Undecodable) => {
				self.result_received(position, frame, turn);
			}
			(WorkerState::Exiting { reason, .. }, Returned | Threw | Undecodable) => match reason {
				// Its word counts for nothing.
				ExitReason::BrokeProtocol { .. } => {}
				// Written before the end came: a value that is there is better than none. Anything else is let pass,
				// since the worker is leaving.
				ExitReason::Dismissed
				| ExitReason::Recycled
				| ExitReason::StartFailed
				| ExitReason::StartTimedOut
				| ExitReason::TaskTimedOut
				| ExitReason::TaskAborted
				| ExitReason::Stalled
				| ExitReason::TooMuchMemory(_)
				| ExitReason::PoolKilled => drop(self.settle_front(position, frame, turn)),
			},
			(WorkerState::Busy(_), Started) => {
				if self.tell_start(position, frame.sequence, turn).is_none() {
					self.distrust(position, Violation::UnknownSequence(frame.sequence), turn);
				}
			}
			(WorkerState::Standby | WorkerState::Idle { .. } | WorkerState::Busy(_), StrayError) => {
				self.stray_error(position, frame, turn);
			}
			(WorkerState::Exiting { .. }, StrayError) => self.tell_stray_error(position, frame, turn),
			// Said before the end came, or after it: nobody can tell, and it is harmless.
			(WorkerState::Exiting { .. }, Started) => drop(self.tell_start(position, frame.sequence, turn)),
			// Asked to leave, or out of time, before it could say so.
			(WorkerState::Exiting { .. }, Ready | StartFailed) => {}
			// A process that was not reported, or was not told to start, has nothing to say.
			(
				WorkerState::Starting {
					is_spawned: false, ..
				},
				Ready | StartFailed,
			) => self.distrust(position, Violation::UnexpectedFrame(frame.kind), turn),
			// Whatever fails before it is ready fails its start.
			(WorkerState::Starting { .. }, StrayError) => {
				self.distrust(position, Violation::UnexpectedFrame(frame.kind), turn);
			}
			// A result for a sequence that it does not hold.
			(
				WorkerState::Starting { .. } | WorkerState::Standby | WorkerState::Idle { .. },
				Returned | Threw | Undecodable | Started,
			) => self.distrust(position, Violation::UnknownSequence(frame.sequence), turn),
			// Said twice.
			(WorkerState::Standby | WorkerState::Idle { .. } | WorkerState::Busy(_), Ready | StartFailed) => {
				self.distrust(position, Violation::UnexpectedFrame(frame.kind), turn);
			}
			// Kinds that only we send, and one that ends with whoever reads the frames.
			(
				WorkerState::Starting { .. }
				| WorkerState::Standby
				| WorkerState::Idle { .. }
				| WorkerState::Busy(_)
				| WorkerState::Exiting { .. },
				Init | Function | Task | ObservedTask | Exit | Forget | Bell,
			) => self.distrust(position, Violation::UnexpectedFrame(frame.kind), turn),
		}
	}

	pub(crate) fn protocol_violated(
		&mut self,
		id: WorkerId,
		violation: Violation,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		let Some(position) = self.position(id) else { return };
		match (&self.workers[position].state, violation) {
			// This is how a worker that was asked to leave begins to leave.
			(
				WorkerState::Exiting {
					step: LadderStep::Asked { .. } | LadderStep::Terminated { .. },
					..
				},
				Violation::PipeClosed,
			) => {}
			(
				WorkerState::Starting { .. }
				| WorkerState::Standby
				| WorkerState::Idle { .. }
				| WorkerState::Busy(_)
				| WorkerState::Exiting { .. },
				Violation::BadFrame(_)
				| Violation::UnexpectedFrame(_)
				| Violation::UnknownSequence(_)
				| Violation::PipeClosed,
			) => self.distrust(position, violation, turn),
		}
	}

	/// Kills a worker that does not keep to the protocol: whatever it says could reach the wrong task.
	fn distrust(&mut self, position: usize, violation: Violation, turn: &mut Turn<'_, impl ClaimLedger>) {
		let was_ready = match self.workers[position].state {
			WorkerState::Starting { .. } => false,
			WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_)
			| WorkerState::Exiting { .. } => true,
		};
		self.kill_worker(position, ExitReason::BrokeProtocol { was_ready, violation }, turn);
	}

	fn ready(&mut self, position: usize, turn: &mut Turn<'_, impl ClaimLedger>) {
		self.starts.ready();
		let worker = &mut self.workers[position];
		worker.look.at = turn.now;
		worker.state = if worker.is_replacement {
			WorkerState::Standby
		} else {
			WorkerState::Idle { since: turn.now }
		};
	}

	/// Every future that waits for a worker learns the error; the next ones have another try, until it was too often.
	fn initializer_threw(
		&mut self,
		position: usize,
		error: bytes::Bytes,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		let until = turn.now + self.config.shutdown_grace;
		let step = LadderStep::Asked { until }; // It exits by itself.
		self.workers[position].state = WorkerState::Exiting {
			reason: ExitReason::StartFailed,
			step,
		};
		let (id, next) = (self.workers[position].id, self.next_worker);
		if self.workers[position].is_replacement {
			self.starts.replacement_failed(id, next, turn.now);
			return;
		}
		let failed = self.starts.failed(id, next, turn.now);
		let cause = BreakCause::InitializerThrew(error);
		if failed >= self.config.max_failed_starts {
			self.break_down(cause, turn);
			return;
		}
		while let Some(task) = self.queue.pop(|task| self.tasks.contains_key(&task)) {
			self.settle(task, Outcome::PoolBroken(cause.clone()), turn);
		}
	}

	fn result_received(&mut self, position: usize, frame: Frame, turn: &mut Turn<'_, impl ClaimLedger>) {
		let sequence = frame.sequence;
		if self.settle_front(position, frame, turn).is_none() {
			self.distrust(position, Violation::UnknownSequence(sequence), turn);
			return;
		}
		let worker = &mut self.workers[position];
		let WorkerState::Busy(front) = &worker.state else {
			return;
		};
		self.pace.record(turn.now.saturating_sub(front.since));
		worker.state = match worker.in_flight.front() {
			Some(next) => WorkerState::Busy(Front::arrived(turn.now, next.timeout)),
			None => WorkerState::Idle { since: turn.now },
		};
		worker.count_tasks(self.config.max_tasks_per_worker);
		if worker.is_retiring() {
			worker.dismiss(turn.now + self.config.shutdown_grace, turn.actions);
		}
	}

	/// Tells that the worker's front is about to run. `None`: that is not an observed task that it has just claimed.
	fn tell_start(
		&mut self,
		position: usize,
		sequence: Sequence,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) -> Option<()> {
		let worker = &self.workers[position];
		let front = worker
			.in_flight
			.front()
			.filter(|front| front.sequence == sequence)?;
		let task = self.tasks.get_mut(&front.task).filter(|task| task.is_observed)?;
		if !turn.ledger.is_claimed(worker.id, sequence) {
			return None;
		}
		task.is_observed = false;
		turn.actions.push(Action::TellStart {
			task: front.task,
			worker: worker.id,
			attempt: task.attempt(),
		});
		Some(())
	}

	/// Settles the worker's front with this result. `None`: that is not the task that the worker is running.
	fn settle_front(
		&mut self,
		position: usize,
		frame: Frame,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) -> Option<InFlight> {
		let finished = self.workers[position].finish(frame.sequence, turn.ledger)?;
		let outcome = match frame.kind {
			FrameKind::Returned => Outcome::Returned(frame.payload),
			FrameKind::Threw => Outcome::Threw(frame.payload),
			FrameKind::Undecodable => Outcome::Undecodable(frame.payload),
			FrameKind::Init
			| FrameKind::Function
			| FrameKind::Task
			| FrameKind::ObservedTask
			| FrameKind::Exit
			| FrameKind::Forget
			| FrameKind::Ready
			| FrameKind::StartFailed
			| FrameKind::Started
			| FrameKind::StrayError
			| FrameKind::Bell => unreachable!("only results settle a task"),
		};
		self.settle(finished.task, outcome, turn);
		Some(finished)
	}
}

#[cfg(test)]
mod tests {
	use bytes::Bytes;

	use super::*;
	use crate::frame::FrameKind::{
		Exit, Function, Init, ObservedTask, Ready, Returned, StartFailed, Started, StrayError, Task, Threw,
		Undecodable,
	};
	use crate::trial::{Trial, kill, returned, send, settle, sigkill, start};
	use crate::{Event, TaskId, Termination, TerminationReason};

	/// One worker, busy with task 0 as sequence 1, which it has started.
	fn running() -> Trial {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		trial.claims(0, 1);
		trial
	}

	fn protocol() -> Termination {
		Termination {
			worker: WorkerId(0),
			exit: sigkill(),
			reason: TerminationReason::Protocol,
			violation: Some(Violation::PipeClosed),
			attempt: Some(1),
		}
	}

	#[test]
	fn a_worker_that_is_ready_is_given_the_function_and_the_task() {
		let mut trial = Trial::of_one();
		trial.submit();
		assert_eq!(trial.ready(0), [send(0, Function, 0), send(0, Task, 1)]);
		assert_eq!(trial.states(), ["busy"]);
	}

	#[test]
	fn each_kind_of_result_settles_the_task_and_frees_the_worker() {
		let result = || Bytes::from_static(b"result");
		let outcomes = [
			Outcome::Returned(result()),
			Outcome::Threw(result()),
			Outcome::Undecodable(result()),
		];
		for (kind, outcome) in [Returned, Threw, Undecodable].into_iter().zip(outcomes) {
			let mut trial = running();
			assert_eq!(trial.says(0, kind, 1), [settle(0, outcome)]);
			assert_eq!(trial.states(), ["idle"]);
		}
	}

	/// One worker, busy with task 0 as sequence 1, which it has claimed and whose start is to be told.
	fn observed() -> Trial {
		let mut trial = Trial::of_one();
		assert_eq!(trial.submit_observed(), [start(0, 0)]);
		assert_eq!(trial.ready(0), [send(0, Function, 0), send(0, ObservedTask, 1)]);
		trial.claims(0, 1);
		trial
	}

	fn told(worker: u32, attempt: u32) -> Action {
		Action::TellStart {
			task: TaskId(0),
			worker: WorkerId(worker),
			attempt,
		}
	}

	#[test]
	fn the_start_of_an_observed_task_is_told_once() {
		let mut trial = observed();
		assert_eq!(trial.says(0, Started, 1), [told(0, 1)]);
		assert_eq!(trial.says(0, Returned, 1), [returned(0)]);
		let mut trial = observed();
		trial.says(0, Started, 1);
		assert_eq!(trial.says(0, Started, 1), [kill(0)]);
	}

	#[test]
	fn a_start_on_a_second_worker_is_told_as_another_attempt() {
		let mut trial = Trial::of_one();
		trial.submit_observed();
		trial.ready(0);
		trial.exits(0, sigkill());
		assert_eq!(trial.ready(1)[1], send(1, ObservedTask, 1));
		trial.claims(1, 1);
		assert_eq!(trial.says(1, Started, 1), [told(1, 2)]);
	}

	#[test]
	fn a_start_that_was_said_before_a_kill_is_told_and_one_that_was_not_claimed_is_not() {
		let mut trial = observed();
		trial.abort(0);
		assert_eq!(trial.says(0, Started, 1), [told(0, 1)]);
		let mut trial = Trial::of_one();
		trial.submit_observed();
		trial.ready(0);
		assert_eq!(trial.says(0, Started, 1), [kill(0)]);
	}

	#[test]
	fn a_worker_that_says_what_its_state_does_not_allow_is_killed() {
		let starting = || {
			let mut trial = Trial::of_one();
			trial.submit();
			trial.spawned(0);
			trial
		};
		let idle = || {
			let mut trial = running();
			trial.says(0, Returned, 1);
			trial
		};
		let is_result = |kind| matches!(kind, Returned | Threw | Undecodable);
		for kind in FrameKind::ALL {
			if !matches!(kind, Ready | StartFailed) {
				assert_eq!(starting().says(0, kind, 1), [kill(0)], "starting, {kind:?}");
			}
			if kind != StrayError {
				assert_eq!(idle().says(0, kind, 1), [kill(0)], "idle, {kind:?}");
			}
			if kind != StrayError && !is_result(kind) {
				assert_eq!(running().says(0, kind, 1), [kill(0)], "busy, {kind:?}");
			}
		}
	}

	#[test]
	fn a_process_that_was_not_reported_is_killed_when_it_is_if_it_speaks() {
		let mut trial = Trial::of_one();
		trial.submit();
		assert_eq!(trial.says(0, Ready, 0), []);
		assert_eq!(trial.states(), ["exiting"]);
		assert_eq!(trial.spawned(0), [kill(0)]);
	}

	#[test]
	fn a_result_for_a_task_that_was_not_started_is_not_believed() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		assert_eq!(trial.says(0, Returned, 1), [kill(0)]);
		// The task goes to another worker.
		assert_eq!(trial.exits(0, sigkill()), [start(1, 0)]);
		assert_eq!(trial.ready(1), [send(1, Function, 0), send(1, Task, 1)]);
	}

	#[test]
	fn a_result_for_another_sequence_than_the_front_is_not_believed() {
		let mut trial = running();
		trial.submit();
		trial.claims(0, 2);
		assert_eq!(trial.says(0, Returned, 2), [kill(0)]);
		assert_eq!(running().says(0, Returned, 7), [kill(0)]);
	}

	#[test]
	fn the_same_result_twice_is_not_believed_the_second_time() {
		let mut trial = running();
		trial.submit();
		assert_eq!(trial.says(0, Returned, 1), [returned(0)]);
		assert_eq!(trial.says(0, Returned, 1), [kill(0)]);
	}

	#[test]
	fn a_violation_costs_the_started_task_and_gives_back_the_others_at_once() {
		let mut trial = Trial::new(|_| {});
		trial.submit();
		trial.submit();
		trial.submit();
		trial.ready(0);
		trial.claims(0, 1);
		trial.ready(1);
		trial.returns(1, 1);
		let held = trial.loads();
		let orders = trial.happens(Event::ProtocolViolated(WorkerId(0), Violation::PipeClosed));
		assert_eq!(orders[0], kill(0));
		assert_eq!(trial.loads()[0], 1, "held {held:?} before");
		assert_eq!(
			trial.exits(0, sigkill())[0],
			settle(0, Outcome::WorkerTerminated(protocol()))
		);
		assert_eq!(trial.pool.outstanding(), 1);
	}

	#[test]
	fn a_worker_killed_for_a_violation_is_not_believed_any_longer() {
		let mut trial = running();
		trial.says(0, Ready, 0);
		assert_eq!(trial.says(0, Returned, 1), []);
		let orders = trial.exits(0, sigkill());
		let termination = Termination {
			violation: Some(Violation::UnexpectedFrame(Ready)),
			..protocol()
		};
		assert_eq!(orders, [settle(0, Outcome::WorkerTerminated(termination))]);
	}

	#[test]
	fn a_result_written_before_a_timeout_killed_the_worker_counts() {
		let second = std::time::Duration::from_secs(1);
		let mut trial = Trial::of_one();
		trial.submit_with(Some(second));
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.passes(second), [kill(0)]);
		assert_eq!(trial.says(0, Returned, 1), [returned(0)]);
		assert_eq!(trial.exits(0, sigkill()), []);
	}

	#[test]
	fn a_worker_that_was_asked_to_leave_may_still_say_that_it_is_ready_and_close_its_pipe() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.spawned(0);
		trial.cancel(0);
		assert_eq!(trial.shut_down(crate::Shutdown::Drain), [send(0, Exit, 0)]);
		assert_eq!(trial.says(0, Ready, 0), []);
		let closed = Event::ProtocolViolated(WorkerId(0), Violation::PipeClosed);
		assert_eq!(trial.happens(closed), []);
		assert_eq!(trial.says(0, Init, 0), [kill(0)]);
	}

	#[test]
	fn an_initializer_that_throws_rejects_what_waits_and_the_pool_stays_open() {
		let cause = BreakCause::InitializerThrew(Bytes::from_static(b"no"));
		let mut trial = Trial::of_one();
		trial.submit();
		trial.spawned(0);
		assert_eq!(
			trial.says(0, StartFailed, 0),
			[settle(0, Outcome::PoolBroken(cause))]
		);
		assert!(!trial.pool.is_broken());
		// The place is free when the process is gone, and its death does not count again.
		assert_eq!(trial.submit(), []);
		assert_eq!(trial.exits(0, crate::Exit::Code(1)), [start(1, 0)]);
		assert_eq!(trial.ready(1), [send(1, Function, 0), send(1, Task, 1)]);
	}

	#[test]
	fn an_initializer_that_throws_too_often_breaks_the_pool() {
		let mut trial = Trial::new(|config| {
			config.max_workers = 1;
			config.max_failed_starts = 2;
		});
		let cause = BreakCause::InitializerThrew(Bytes::from_static(b"no"));
		for worker in 0..2 {
			trial.submit();
			trial.spawned(worker);
			let orders = trial.says(worker, StartFailed, 0);
			assert_eq!(
				orders[0],
				settle(worker.into(), Outcome::PoolBroken(cause.clone()))
			);
			let is_last = worker == 1;
			assert_eq!(trial.pool.is_broken(), is_last);
			let orders = trial.exits(worker, crate::Exit::Code(1));
			assert_eq!(orders.contains(&Action::Close), is_last);
		}
	}
}
