//! What the end of a process means for the task that it ran, for the tasks behind it, and for the pool.

use std::collections::VecDeque;

use crate::pool::{Pool, PoolState, Turn};
use crate::worker::{ExitReason, InFlight, LadderStep, WorkerState};
use crate::{
	BreakCause, ClaimLedger, Exit, OnWorkerDeath, Outcome, Shutdown, SpawnFailure, TaskId, Termination,
	TerminationReason, WorkerId,
};

/// What a program raises against itself: SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSEGV, which are the same everywhere, then
/// SIGBUS and SIGSYS.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CRASH_SIGNALS: [i32; 7] = [4, 5, 6, 8, 11, 7, 31];
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CRASH_SIGNALS: [i32; 7] = [4, 5, 6, 8, 11, 10, 12];

impl Pool {
	pub(crate) fn worker_exited(&mut self, id: WorkerId, exit: Exit, turn: &mut Turn<'_, impl ClaimLedger>) {
		let Some(position) = self.position(id) else { return };
		let worker = self.workers.remove(position);
		let termination = Termination {
			worker: id,
			reason: judge(&worker.state, &exit),
			exit,
		};
		match worker.state {
			WorkerState::Starting { .. } => self.start_failed(termination, turn),
			WorkerState::Idle { .. } | WorkerState::Busy(_) => match self.config.on_worker_death {
				OnWorkerDeath::Isolate => {
					self.settle_and_put_back(
						id,
						worker.in_flight,
						&termination,
						Outcome::WorkerTerminated,
						turn,
					);
				}
				OnWorkerDeath::Break => {
					self.settle_started(
						id,
						worker.in_flight,
						&termination,
						Outcome::WorkerTerminated,
						turn,
					);
					self.break_down(BreakCause::WorkerDied(termination), turn);
				}
			},
			WorkerState::Exiting { reason, step: _ } => match reason {
				ExitReason::StartTimedOut | ExitReason::BrokeProtocol { was_ready: false } => {
					self.start_failed(termination, turn);
				}
				ExitReason::TaskTimedOut => {
					self.settle_and_put_back(id, worker.in_flight, &termination, Outcome::TimedOut, turn);
				}
				ExitReason::Stalled | ExitReason::BrokeProtocol { was_ready: true } => {
					self.settle_and_put_back(
						id,
						worker.in_flight,
						&termination,
						Outcome::WorkerTerminated,
						turn,
					);
				}
				// Counted when it was said.
				ExitReason::StartFailed => {}
				// It held nothing: asked when it was idle, or robbed when the pool was killed.
				ExitReason::Dismissed | ExitReason::PoolKilled => {}
			},
		}
	}

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
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_)
			| WorkerState::Exiting {
				step: LadderStep::Asked { .. } | LadderStep::Terminated { .. } | LadderStep::Killed,
				..
			} => return,
		}
		self.workers.remove(position);
		if !self.needs_workers() {
			return;
		}
		let nobody_lives = self.workers.iter().all(|worker| !worker.is_spawned());
		let beyond_patience = failure.is_transient && self.starts.could_not_spawn(turn.now);
		if !failure.is_transient || (beyond_patience && nobody_lives) {
			self.break_down(BreakCause::CannotSpawn(failure), turn);
		}
	}

	/// Kills a worker for what it did. Its front stays with it until it is dead and its exit known; what is behind the
	/// front goes back at once.
	pub(crate) fn kill_worker(
		&mut self,
		position: usize,
		reason: ExitReason,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		let worker = &mut self.workers[position];
		worker.kill(reason, turn.actions);
		let mut recalled = Vec::new();
		worker.recall_latest(usize::MAX, turn.ledger, &mut recalled);
		// Nor does the front wait, if it has not started and is not given up by this.
		if let [only] = worker.in_flight.make_contiguous()
			&& let Some(task) = self.tasks.get_mut(&only.task)
			&& task.unstarted_deaths + 1 < self.config.max_unstarted_deaths
			&& turn.ledger.recall(worker.id, only.sequence)
		{
			task.unstarted_deaths += 1;
			recalled.push(only.task);
			worker.in_flight.clear();
		}
		self.put_back(recalled);
	}

	/// A process ended before it was ready.
	fn start_failed(&mut self, termination: Termination, turn: &mut Turn<'_, impl ClaimLedger>) {
		if self.needs_workers() && self.starts.failed(turn.now) >= self.config.max_failed_starts {
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

	/// Judges what a dead worker held. What it had not started goes back to the queue, and if it had started nothing, the
	/// first of those is charged: that is what it was about to read when it died.
	fn settle_and_put_back(
		&mut self,
		worker: WorkerId,
		in_flight: VecDeque<InFlight>,
		termination: &Termination,
		outcome: fn(Termination) -> Outcome,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		let held = in_flight.len();
		let mut unstarted = self.settle_started(worker, in_flight, termination, outcome, turn);
		if unstarted.len() == held
			&& let Some(first) = unstarted.first().copied()
			&& let Some(task) = self.tasks.get_mut(&first)
		{
			task.unstarted_deaths += 1;
			if task.unstarted_deaths >= self.config.max_unstarted_deaths {
				unstarted.remove(0);
				self.tasks.remove(&first);
				turn.settle(first, Outcome::WorkerTerminated(termination.clone()));
			}
		}
		self.put_back(unstarted);
	}

	/// What a dead worker had started ends with it: one task, since it claims the next one after it has written the
	/// result of the one before. Returns the rest.
	fn settle_started(
		&mut self,
		worker: WorkerId,
		in_flight: VecDeque<InFlight>,
		termination: &Termination,
		outcome: fn(Termination) -> Outcome,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) -> Vec<TaskId> {
		let mut unstarted = Vec::new();
		for held in in_flight {
			if turn.ledger.recall(worker, held.sequence) {
				unstarted.push(held.task);
			} else {
				self.tasks.remove(&held.task);
				turn.settle(held.task, outcome(termination.clone()));
			}
		}
		unstarted
	}
}

/// Why a worker died: what we did to it comes first, then what its exit tells.
fn judge(state: &WorkerState, exit: &Exit) -> TerminationReason {
	match state {
		WorkerState::Exiting { reason, step } => match (reason, step) {
			(ExitReason::StartTimedOut | ExitReason::TaskTimedOut | ExitReason::Stalled, _) => {
				TerminationReason::Timeout
			}
			(ExitReason::BrokeProtocol { .. }, _) => TerminationReason::Protocol,
			(ExitReason::PoolKilled, _) => TerminationReason::Shutdown,
			(ExitReason::Dismissed | ExitReason::StartFailed, LadderStep::Asked { .. }) => judge_exit(exit),
			(
				ExitReason::Dismissed | ExitReason::StartFailed,
				LadderStep::AwaitingSpawn | LadderStep::Terminated { .. } | LadderStep::Killed,
			) => TerminationReason::Shutdown,
		},
		WorkerState::Starting { .. } | WorkerState::Idle { .. } | WorkerState::Busy(_) => judge_exit(exit),
	}
}

fn judge_exit(exit: &Exit) -> TerminationReason {
	match exit {
		Exit::Signal { signal, .. } if CRASH_SIGNALS.contains(signal) => TerminationReason::Crash,
		Exit::Signal { .. } => TerminationReason::Killed,
		// Nobody can tell, or nobody was there: no reason to suspect a third party.
		Exit::Code(_) | Exit::Unknown | Exit::NeverStarted(_) => TerminationReason::Exit,
	}
}
