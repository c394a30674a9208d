//! What the end of a process means for the task that it ran, for the tasks behind it, and for the pool.

use std::collections::VecDeque;

use crate::ladder::{ExitReason, LadderStep};
use crate::pool::{Pool, Turn};
use crate::task::Task;
use crate::worker::{InFlight, WorkerState};
use crate::{
	BreakCause, ClaimLedger, Evidence, Exit, OnWorkerDeath, Outcome, Sequence, TaskId, Termination,
	TerminationReason, WorkerId,
};

/// What a program raises against itself: SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSEGV, which are the same everywhere, then
/// SIGBUS and SIGSYS.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CRASH_SIGNALS: [i32; 7] = [4, 5, 6, 8, 11, 7, 31];
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CRASH_SIGNALS: [i32; 7] = [4, 5, 6, 8, 11, 10, 12];

const SIGTRAP: i32 = 5;
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

impl Pool {
	pub(crate) fn worker_exited(
		&mut self,
		id: WorkerId,
		exit: Exit,
		evidence: Option<Evidence>,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		let Some(position) = self.position(id) else { return };
		let worker = self.workers.remove(position);
		let termination = Termination {
			worker: id,
			reason: judge(&worker.state, &exit, evidence),
			exit,
			violation: worker.violation(),
			attempt: None,
		};
		match worker.state {
			WorkerState::Starting { .. } => self.start_failed(worker.is_replacement, termination, turn),
			WorkerState::Standby | WorkerState::Idle { .. } | WorkerState::Busy(_) => {
				match self.config.on_worker_death {
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
				}
			}
			WorkerState::Exiting { reason, step: _ } => match reason {
				ExitReason::StartTimedOut | ExitReason::BrokeProtocol { was_ready: false, .. } => {
					self.start_failed(worker.is_replacement, termination, turn);
				}
				ExitReason::TaskTimedOut => {
					self.settle_and_put_back(id, worker.in_flight, &termination, Outcome::TimedOut, turn);
				}
				ExitReason::TaskAborted => {
					self.settle_and_put_back(id, worker.in_flight, &termination, Outcome::Aborted, turn);
				}
				ExitReason::Stalled
				| ExitReason::TooMuchMemory(_)
				| ExitReason::BrokeProtocol { was_ready: true, .. } => {
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
				ExitReason::Dismissed | ExitReason::Recycled | ExitReason::PoolKilled => {}
			},
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
		if matches!(worker.state, WorkerState::Starting { .. }) {
			// Known from this moment on, so that whoever takes its place counts as the next try.
			if worker.is_replacement {
				self.starts
					.replacement_failed(worker.id, self.next_worker, turn.now);
			} else {
				self.starts.failed(worker.id, self.next_worker, turn.now);
			}
		}
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

	/// Kills a worker because of a task that it has claimed. `false`: it has finished that one, though its result was not
	/// read yet, and has claimed another, which must not pay for it.
	pub(crate) fn kill_for_task(
		&mut self,
		position: usize,
		sequence: Sequence,
		reason: ExitReason,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) -> bool {
		// What is recalled first cannot be claimed between this look and the signal.
		let worker = &mut self.workers[position];
		let mut recalled = Vec::new();
		worker.recall_latest(usize::MAX, turn.ledger, &mut recalled);
		let is_running = worker
			.in_flight
			.back()
			.is_some_and(|last| last.sequence == sequence);
		self.put_back(recalled);
		if is_running {
			self.kill_worker(position, reason, turn);
		}
		is_running
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
			let attempt = task.attempt();
			task.unstarted_deaths += 1;
			if task.unstarted_deaths >= self.config.max_unstarted_deaths {
				unstarted.remove(0);
				self.settle(
					first,
					Outcome::WorkerTerminated(termination.of_attempt(attempt)),
					turn,
				);
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
				let attempt = self.tasks.get(&held.task).map_or(1, Task::attempt);
				self.settle(held.task, outcome(termination.of_attempt(attempt)), turn);
			}
		}
		unstarted
	}
}

/// Why a worker died: what we did to it comes first, then what its exit tells.
fn judge(state: &WorkerState, exit: &Exit, evidence: Option<Evidence>) -> TerminationReason {
	match state {
		WorkerState::Exiting { reason, step } => match (reason, step) {
			(ExitReason::StartTimedOut | ExitReason::TaskTimedOut | ExitReason::Stalled, _) => {
				TerminationReason::Timeout
			}
			(ExitReason::TooMuchMemory(_), _) => TerminationReason::OutOfMemory,
			(ExitReason::TaskAborted, _) => TerminationReason::Aborted,
			(ExitReason::BrokeProtocol { .. }, _) => TerminationReason::Protocol,
			(ExitReason::PoolKilled, _) => TerminationReason::Shutdown,
			(
				ExitReason::Dismissed | ExitReason::Recycled | ExitReason::StartFailed,
				LadderStep::Asked { .. },
			) => TerminationReason::of(exit, evidence),
			(
				ExitReason::Dismissed | ExitReason::Recycled | ExitReason::StartFailed,
				LadderStep::AwaitingSpawn | LadderStep::Terminated { .. } | LadderStep::Killed,
			) => TerminationReason::Shutdown,
		},
		WorkerState::Starting { .. }
		| WorkerState::Standby
		| WorkerState::Idle { .. }
		| WorkerState::Busy(_) => TerminationReason::of(exit, evidence),
	}
}

impl TerminationReason {
	/// The reason of a death to which we did nothing.
	#[must_use]
	pub fn of(exit: &Exit, evidence: Option<Evidence>) -> TerminationReason {
		match (exit, evidence) {
			// V8 ends a process whose heap is full by one of the two, after it has said so.
			(
				Exit::Signal {
					signal: SIGABRT | SIGTRAP,
					..
				},
				Some(Evidence::HeapLimit),
			) => TerminationReason::Heap,
			(Exit::Signal { signal: SIGKILL, .. }, Some(Evidence::OutOfMemoryKill)) => {
				TerminationReason::OutOfMemory
			}
			(Exit::Signal { signal, .. }, _) if CRASH_SIGNALS.contains(signal) => TerminationReason::Crash,
			(Exit::Signal { .. }, _) => TerminationReason::Killed,
			// Nobody can tell, or nobody was there: no reason to suspect a third party.
			(Exit::Code(_) | Exit::Unknown | Exit::NeverStarted(_), _) => TerminationReason::Exit,
		}
	}
}

impl Termination {
	pub(crate) fn of_attempt(&self, attempt: u32) -> Termination {
		Termination {
			attempt: Some(attempt),
			..self.clone()
		}
	}
}

#[cfg(test)]
mod tests {
	use std::time::Duration;

	use super::*;
	use crate::frame::FrameKind::{Function, Returned, Task};
	use crate::trial::{Trial, kill, returned, send, settle, sigkill, start};
	use crate::{Action, StopSignal};

	fn terminated(worker: u32, exit: Exit, reason: TerminationReason) -> Termination {
		Termination {
			worker: WorkerId(worker),
			exit,
			reason,
			violation: None,
			attempt: Some(1),
		}
	}

	/// One worker; task 0 runs on it, 1 was sent behind it.
	fn loaded(change: impl FnOnce(&mut crate::PoolConfig)) -> Trial {
		let mut trial = Trial::new(|config| {
			config.max_workers = 1;
			change(config);
		});
		trial.submit_together(2);
		trial.ready(0);
		assert_eq!(trial.loads(), [2]);
		trial
	}

	#[test]
	fn a_death_costs_the_started_task_and_the_one_behind_it_runs_elsewhere() {
		let mut trial = loaded(|_| {});
		trial.claims(0, 1);
		let orders = trial.exits(0, sigkill());
		let termination = terminated(0, sigkill(), TerminationReason::Killed);
		assert_eq!(
			orders,
			[settle(0, Outcome::WorkerTerminated(termination)), start(1, 0)]
		);
		assert_eq!(trial.ready(1), [send(1, Function, 0), send(1, Task, 1)]);
		assert_eq!(trial.returns(1, 1), [returned(1)]);
	}

	#[test]
	fn a_result_that_came_before_the_death_counts() {
		let mut trial = loaded(|_| {});
		trial.claims(0, 1);
		assert_eq!(trial.says(0, Returned, 1), [returned(0)]);
		assert_eq!(trial.exits(0, sigkill()), [start(1, 0)]);
	}

	#[test]
	fn tasks_that_come_back_keep_their_order() {
		let mut trial = loaded(|_| {});
		trial.submit();
		trial.exits(0, sigkill());
		let orders = trial.ready(1);
		assert_eq!(orders.len(), 3, "{orders:?}");
		let next = |trial: &Trial| trial.pool.workers().next().and_then(|worker| worker.task);
		for (sequence, task) in [(1, 0), (2, 1), (3, 2)] {
			assert_eq!(next(&trial), Some(TaskId(task)));
			trial.returns(1, sequence);
		}
	}

	#[test]
	fn only_the_first_task_is_charged_with_a_death_before_any_start() {
		let mut trial = loaded(|_| {});
		trial.exits(0, sigkill());
		trial.ready(1);
		let orders = trial.exits(1, sigkill());
		let termination = terminated(1, sigkill(), TerminationReason::Killed).of_attempt(2);
		assert_eq!(orders[0], settle(0, Outcome::WorkerTerminated(termination)));
		assert_eq!(trial.pool.outstanding(), 1);
		// The other one was behind it both times, and is innocent.
		trial.passes(Duration::from_secs(1));
		trial.ready(2);
		trial.exits(2, sigkill());
		assert_eq!(trial.pool.outstanding(), 1);
	}

	#[test]
	fn evidence_counts_beside_the_signal_that_it_explains_and_no_other() {
		use TerminationReason::{Crash, Exit as Exited, Heap, Killed, OutOfMemory};

		let exits = [
			Exit::Signal {
				signal: 6,
				core_dumped: false,
			},
			Exit::Signal {
				signal: 5,
				core_dumped: false,
			},
			sigkill(),
			Exit::Signal {
				signal: 15,
				core_dumped: false,
			},
			Exit::Code(134),
		];
		let reasons = |evidence| exits.each_ref().map(|exit| TerminationReason::of(exit, evidence));
		assert_eq!(reasons(None), [Crash, Crash, Killed, Killed, Exited]);
		assert_eq!(
			reasons(Some(Evidence::HeapLimit)),
			[Heap, Heap, Killed, Killed, Exited]
		);
		assert_eq!(
			reasons(Some(Evidence::OutOfMemoryKill)),
			[Crash, Crash, OutOfMemory, Killed, Exited]
		);
	}

	#[test]
	fn nobody_is_charged_when_the_worker_had_started_something() {
		let mut trial = loaded(|config| config.max_unstarted_deaths = 1);
		trial.claims(0, 1);
		trial.exits(0, sigkill());
		assert_eq!(trial.pool.outstanding(), 1);
	}

	#[test]
	fn a_signal_that_a_program_raises_against_itself_is_a_crash() {
		let reason = |exit: Exit| {
			let mut trial = loaded(|_| {});
			trial.claims(0, 1);
			match trial.exits(0, exit).swap_remove(0) {
				Action::SettleTask(_, Outcome::WorkerTerminated(termination)) => termination.reason,
				other => panic!("{other:?}"),
			}
		};
		for signal in CRASH_SIGNALS {
			assert_eq!(
				reason(Exit::Signal {
					signal,
					core_dumped: true
				}),
				TerminationReason::Crash
			);
		}
		for signal in [1, 2, 9, 13, 15] {
			assert_eq!(
				reason(Exit::Signal {
					signal,
					core_dumped: false
				}),
				TerminationReason::Killed
			);
		}
		assert_eq!(reason(Exit::Code(0)), TerminationReason::Exit);
		assert_eq!(reason(Exit::Unknown), TerminationReason::Exit);
	}

	#[test]
	fn an_idle_worker_that_dies_is_replaced_when_it_is_needed() {
		let mut trial = loaded(|_| {});
		trial.returns(0, 1);
		trial.returns(0, 2);
		assert_eq!(trial.exits(0, Exit::Code(0)), []);
		assert_eq!(trial.submit(), [start(1, 0)]);
	}

	#[test]
	fn a_death_breaks_a_pool_that_is_told_to_break() {
		let mut trial = loaded(|config| config.on_worker_death = OnWorkerDeath::Break);
		trial.claims(0, 1);
		let termination = terminated(0, sigkill(), TerminationReason::Killed);
		let cause = BreakCause::WorkerDied(Termination {
			attempt: None,
			..termination.clone()
		});
		let orders = trial.exits(0, sigkill());
		let expected = [
			settle(0, Outcome::WorkerTerminated(termination)),
			settle(1, Outcome::PoolBroken(cause.clone())),
			Action::Close,
		];
		assert_eq!(orders, expected);
		assert_eq!(trial.pool.break_cause(), Some(&cause));
	}

	#[test]
	fn the_death_of_an_idle_worker_breaks_a_pool_that_is_told_to_break() {
		let mut trial = loaded(|config| config.on_worker_death = OnWorkerDeath::Break);
		trial.returns(0, 1);
		trial.returns(0, 2);
		trial.exits(0, Exit::Code(0));
		assert!(trial.pool.is_broken());
	}

	#[test]
	fn a_worker_that_was_asked_to_leave_breaks_nothing() {
		let mut trial = loaded(|config| {
			config.on_worker_death = OnWorkerDeath::Break;
			config.idle_timeout = Some(Duration::from_secs(1));
		});
		trial.returns(0, 1);
		trial.returns(0, 2);
		trial.passes(Duration::from_secs(1));
		assert_eq!(trial.exits(0, Exit::Code(0)), []);
		assert!(!trial.pool.is_broken());
	}

	#[test]
	fn a_kill_of_a_stalled_worker_is_ordered_before_its_task_is_sent_elsewhere() {
		let mut trial = Trial::new(|_| {});
		trial.submit_together(2);
		trial.ready(0);
		trial.ready(1);
		trial.returns(1, 1);
		let orders = trial.passes(Duration::from_secs(60));
		assert_eq!(orders, [kill(0), send(1, Task, 2)]);
		assert_eq!(orders[0], Action::SignalWorker(WorkerId(0), StopSignal::Kill));
	}
}
