//! How a worker comes to life and how it is made to leave: asked, then SIGTERM, then SIGKILL.

use std::time::Duration;

use bytes::Bytes;

use crate::frame::{Frame, FrameKind};
use crate::worker::{Worker, WorkerState};
use crate::{Action, Exceeded, FunctionId, Sequence, StopSignal, Violation};

/// Why a worker is leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitReason {
	/// Not needed: idle for too long, out of sequences, or the pool has finished.
	Dismissed,
	/// Another has taken its place.
	Recycled,
	/// It said that its initializer threw.
	StartFailed,
	/// It was not ready in time.
	StartTimedOut,
	/// It ran a task beyond the task's timeout.
	TaskTimedOut,
	/// It ran a task that the user gave up.
	TaskAborted,
	/// It did not claim what was sent to it.
	Stalled,
	/// It had more memory than the hard limit allows.
	TooMuchMemory(Exceeded),
	/// It sent what the protocol does not allow.
	BrokeProtocol { was_ready: bool, violation: Violation },
	/// The pool broke, or was told to kill its workers.
	PoolKilled,
}

/// How far the ladder was climbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LadderStep {
	/// To be killed as soon as there is a process.
	AwaitingSpawn,
	/// Asked with a frame.
	Asked { until: Duration },
	/// SIGTERM.
	Terminated { until: Duration },
	/// SIGKILL: the kernel does the rest.
	Killed,
}

impl Worker {
	/// Asks it to leave because nobody needs it. It must hold no task.
	pub(crate) fn dismiss(&mut self, until: Duration, actions: &mut Vec<Action>) {
		self.ask_to_leave(ExitReason::Dismissed, until, actions);
	}

	/// Asks it to leave. It must hold no task.
	pub(crate) fn ask_to_leave(&mut self, reason: ExitReason, until: Duration, actions: &mut Vec<Action>) {
		let step = match self.state {
			WorkerState::Starting {
				is_spawned: false, ..
			} => LadderStep::AwaitingSpawn,
			WorkerState::Starting { is_spawned: true, .. }
			| WorkerState::Standby
			| WorkerState::Idle { .. } => {
				actions.push(Action::SendFrame(
					self.id,
					control_frame(FrameKind::Exit, Bytes::new()),
				));
				LadderStep::Asked { until }
			}
			WorkerState::Busy(_) => return,        // asked when it has finished
			WorkerState::Exiting { .. } => return, // leaves in any case
		};
		self.state = WorkerState::Exiting { reason, step };
	}

	/// Kills it. A worker that is leaving keeps the reason that it has.
	pub(crate) fn kill(&mut self, new_reason: ExitReason, actions: &mut Vec<Action>) {
		let (reason, step) = match self.state {
			WorkerState::Starting {
				is_spawned: false, ..
			} => (new_reason, LadderStep::AwaitingSpawn),
			WorkerState::Starting { is_spawned: true, .. }
			| WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_) => (new_reason, LadderStep::Killed),
			WorkerState::Exiting { reason, step } => match step {
				LadderStep::Asked { .. } | LadderStep::Terminated { .. } => (reason, LadderStep::Killed),
				LadderStep::AwaitingSpawn | LadderStep::Killed => return, // ordered before
			},
		};
		if step == LadderStep::Killed {
			actions.push(Action::SignalWorker(self.id, StopSignal::Kill));
		}
		self.leave(reason, step);
	}

	/// Its process exists.
	pub(crate) fn spawned(&mut self, init: &Bytes, actions: &mut Vec<Action>) {
		match &mut self.state {
			WorkerState::Starting {
				is_spawned: is_spawned @ false,
				..
			} => {
				*is_spawned = true;
				actions.push(Action::SendFrame(
					self.id,
					control_frame(FrameKind::Init, init.clone()),
				));
			}
			WorkerState::Exiting {
				step: step @ LadderStep::AwaitingSpawn,
				..
			} => {
				*step = LadderStep::Killed;
				actions.push(Action::SignalWorker(self.id, StopSignal::Kill));
			}
			// Said twice: it has its orders.
			WorkerState::Starting { is_spawned: true, .. }
			| WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_)
			| WorkerState::Exiting {
				step: LadderStep::Asked { .. } | LadderStep::Terminated { .. } | LadderStep::Killed,
				..
			} => {}
		}
	}

	/// Takes the next step of the ladder when its time has come.
	pub(crate) fn climb(&mut self, now: Duration, grace: Duration, actions: &mut Vec<Action>) {
		let WorkerState::Exiting { step, .. } = &mut self.state else {
			return;
		};
		match *step {
			LadderStep::Asked { until } if until <= now => {
				*step = LadderStep::Terminated { until: now + grace };
				actions.push(Action::SignalWorker(self.id, StopSignal::Terminate));
			}
			LadderStep::Terminated { until } if until <= now => {
				*step = LadderStep::Killed;
				actions.push(Action::SignalWorker(self.id, StopSignal::Kill));
			}
			LadderStep::Asked { .. } | LadderStep::Terminated { .. } => {} // not yet
			LadderStep::AwaitingSpawn | LadderStep::Killed => {}           // nothing is left to do
		}
	}
}

/// A frame that is about no task and no function.
fn control_frame(kind: FrameKind, payload: Bytes) -> Frame {
	Frame {
		kind,
		sequence: Sequence(0),
		function: FunctionId(0),
		payload,
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::frame::FrameKind::{Exit, Init, Task};
	use crate::trial::{Trial, kill, returned, send, settle, sigkill, start, terminate};
	use crate::{Outcome, Shutdown};

	const GRACE: Duration = Duration::from_secs(5);

	#[test]
	fn a_worker_is_told_to_initialize_once_its_process_exists() {
		let mut trial = Trial::of_one();
		assert_eq!(trial.submit(), [start(0, 0)]);
		assert_eq!(trial.spawned(0), [send(0, Init, 0)]);
		assert_eq!(trial.spawned(0), []);
	}

	#[test]
	fn a_worker_that_does_not_leave_is_terminated_then_killed() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		trial.returns(0, 1);
		assert_eq!(trial.shut_down(Shutdown::Drain), [send(0, Exit, 0)]);
		assert_eq!(trial.passes(GRACE / 2), []);
		assert_eq!(trial.passes(GRACE / 2), [terminate(0)]);
		assert_eq!(trial.passes(GRACE), [kill(0)]);
		assert_eq!(trial.deadline_in(), None);
		assert_eq!(trial.exits(0, sigkill()), [Action::Close]);
	}

	#[test]
	fn a_worker_that_leaves_when_asked_is_not_signalled() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		trial.returns(0, 1);
		trial.shut_down(Shutdown::Drain);
		assert_eq!(trial.exits(0, crate::Exit::Code(0)), [Action::Close]);
		assert_eq!(trial.passes(GRACE * 9), []);
	}

	#[test]
	fn a_process_that_does_not_exist_yet_is_killed_when_it_does() {
		let mut trial = Trial::of_one();
		trial.submit();
		assert_eq!(trial.shut_down(Shutdown::Kill), [settle(0, Outcome::PoolClosed)]);
		assert_eq!(trial.spawned(0), [kill(0)]);
		assert_eq!(trial.exits(0, sigkill()), [Action::Close]);
	}

	#[test]
	fn a_starting_worker_that_is_not_needed_any_longer_is_asked_to_leave() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.spawned(0);
		trial.cancel(0);
		assert_eq!(trial.shut_down(Shutdown::Drain), [send(0, Exit, 0)]);
		assert_eq!(trial.states(), ["exiting"]);
	}

	#[test]
	fn a_busy_worker_is_not_asked_to_leave_before_it_has_finished() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		assert_eq!(trial.shut_down(Shutdown::Drain), []);
		assert_eq!(trial.returns(0, 1), [returned(0), send(0, Exit, 0)]);
	}

	#[test]
	fn killing_escalates_a_polite_exit_once() {
		let mut trial = Trial::of_one();
		trial.submit();
		assert_eq!(trial.ready(0)[1], send(0, Task, 1));
		trial.returns(0, 1);
		trial.shut_down(Shutdown::Drain);
		assert_eq!(trial.shut_down(Shutdown::Kill), [kill(0)]);
		assert_eq!(trial.shut_down(Shutdown::Kill), []);
	}

	#[test]
	fn a_worker_that_was_killed_is_not_killed_again() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		assert_eq!(trial.says(0, crate::frame::FrameKind::Ready, 0), [kill(0)]);
		trial.submit();
		let orders = trial.shut_down(Shutdown::Kill);
		assert!(!orders.contains(&kill(0)), "{orders:?}");
	}
}
