//! What a frame from a worker means.

use crate::frame::{Frame, FrameKind};
use crate::pool::{Pool, Turn};
use crate::worker::{ExitReason, Front, InFlight, LadderStep, WorkerState};
use crate::{BreakCause, ClaimLedger, Outcome, Violation, WorkerId};

impl Pool {
	pub(crate) fn frame_received(
		&mut self,
		id: WorkerId,
		frame: Frame,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		use FrameKind::{Exit, Function, Init, Ready, Returned, StartFailed, Task, Threw, Undecodable};
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
				| ExitReason::StartFailed
				| ExitReason::StartTimedOut
				| ExitReason::TaskTimedOut
				| ExitReason::Stalled
				| ExitReason::PoolKilled => drop(self.settle_front(position, frame, turn)),
			},
			// Asked to leave, or out of time, before it could say so.
			(WorkerState::Exiting { .. }, Ready | StartFailed) => {}
			// A process that was not reported, or was not told to start, has nothing to say.
			(
				WorkerState::Starting {
					is_spawned: false, ..
				},
				Ready | StartFailed,
			) => self.distrust(position, turn),
			// A result for a sequence that it does not hold.
			(WorkerState::Starting { .. } | WorkerState::Idle { .. }, Returned | Threw | Undecodable) => {
				self.distrust(position, turn);
			}
			// Said twice.
			(WorkerState::Idle { .. } | WorkerState::Busy(_), Ready | StartFailed) => {
				self.distrust(position, turn);
			}
			// Kinds that only we send.
			(
				WorkerState::Starting { .. }
				| WorkerState::Idle { .. }
				| WorkerState::Busy(_)
				| WorkerState::Exiting { .. },
				Init | Function | Task | Exit,
			) => self.distrust(position, turn),
		}
	}

	pub(crate) fn protocol_violated(
		&mut self,
		id: WorkerId,
		violation: &Violation,
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
				Violation::ResultPipeClosed,
			) => {}
			(
				WorkerState::Starting { .. }
				| WorkerState::Idle { .. }
				| WorkerState::Busy(_)
				| WorkerState::Exiting { .. },
				Violation::BadFrame(_)
				| Violation::UnexpectedFrame(_)
				| Violation::UnknownSequence(_)
				| Violation::ResultPipeClosed,
			) => self.distrust(position, turn),
		}
	}

	/// Kills a worker that does not keep to the protocol: whatever it says could reach the wrong task.
	fn distrust(&mut self, position: usize, turn: &mut Turn<'_, impl ClaimLedger>) {
		let was_ready = match self.workers[position].state {
			WorkerState::Starting { .. } => false,
			WorkerState::Idle { .. } | WorkerState::Busy(_) | WorkerState::Exiting { .. } => true,
		};
		self.kill_worker(position, ExitReason::BrokeProtocol { was_ready }, turn);
	}

	fn ready(&mut self, position: usize, turn: &mut Turn<'_, impl ClaimLedger>) {
		self.starts.ready();
		self.workers[position].state = WorkerState::Idle { since: turn.now };
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
		let failed = self.starts.failed(turn.now);
		let cause = BreakCause::InitializerThrew(error);
		if failed >= self.config.max_failed_starts {
			self.break_down(cause, turn);
			return;
		}
		while let Some(task) = self.queue.pop(|task| self.tasks.contains_key(&task)) {
			self.tasks.remove(&task);
			turn.settle(task, Outcome::PoolBroken(cause.clone()));
		}
	}

	fn result_received(&mut self, position: usize, frame: Frame, turn: &mut Turn<'_, impl ClaimLedger>) {
		if self.settle_front(position, frame, turn).is_none() {
			self.distrust(position, turn);
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
			| FrameKind::Exit
			| FrameKind::Ready
			| FrameKind::StartFailed => unreachable!("only results settle a task"),
		};
		self.tasks.remove(&finished.task);
		turn.settle(finished.task, outcome);
		Some(finished)
	}
}
