//! How much memory workers may have, and when to look.
//!
//! Only the driver can measure. It asks [`Pool::due_looks`] whom to look at, and reports [`Event::MemoryMeasured`] before it
//! dispatches: so a worker that is between two tasks is judged before it is given another. An idle pool is not looked at.
//!
//! [`Event::MemoryMeasured`]: crate::Event::MemoryMeasured

use std::time::Duration;

use crate::ladder::ExitReason;
use crate::pool::{Pool, Turn};
use crate::recycle::{Due, RecycleReason};
use crate::worker::{Worker, WorkerState};
use crate::{ClaimLedger, WorkerId};

/// Between two looks at one worker. A look takes some microseconds, so this costs less than a thousandth of a processor
/// for each ten workers; in this time a task can take some hundred MB.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What the system has given to a worker's process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
	/// All that is resident, with what it shares with other processes.
	pub resident: u64,
}

/// How much resident memory a worker may have, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryLimits {
	/// Beyond it a worker is replaced between two tasks. Without it the hard limit serves for that, too: the next task
	/// would pay for what an earlier one has left.
	pub soft: Option<u64>,
	/// Beyond it a worker is killed with the task that it runs.
	pub hard: Option<u64>,
}

/// That a worker was killed for its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
	/// The hard limit, in bytes.
	pub limit: u64,
	/// What it had, in bytes.
	pub resident: u64,
}

/// When a worker was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
	/// The last time, or that of its being ready.
	pub(crate) at: Duration,
	/// How many tasks it had finished then.
	pub(crate) finished: u64,
}

impl MemoryLimits {
	fn between_tasks(&self) -> Option<u64> {
		self.soft.or(self.hard)
	}
}

impl Worker {
	/// When to look at it. `None`: it can have changed by nothing that limits are for.
	fn look_at(&self, limits: &MemoryLimits) -> Option<Duration> {
		limits.between_tasks()?;
		let has_finished = self.finished > self.look.finished;
		match &self.state {
			WorkerState::Idle { .. } | WorkerState::Busy(_) if has_finished => {
				Some(self.look.at + BETWEEN_LOOKS)
			}
			// A task that has just come has had no time to take much.
			WorkerState::Busy(front) if limits.hard.is_some() => {
				Some(self.look.at.max(front.since) + BETWEEN_LOOKS)
			}
			WorkerState::Busy(_) | WorkerState::Idle { .. } => None,
			WorkerState::Starting { .. } | WorkerState::Standby => None, // has done nothing
			WorkerState::Exiting { .. } => None,                         // leaves in any case
		}
	}

	/// For what it is killed, if that is its memory.
	pub(crate) fn exceeded(&self) -> Option<Exceeded> {
		match &self.state {
			WorkerState::Exiting {
				reason: ExitReason::TooMuchMemory(exceeded),
				..
			} => Some(*exceeded),
			WorkerState::Starting { .. }
			| WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_)
			| WorkerState::Exiting { .. } => None,
		}
	}
}

impl Pool {
	/// The workers whose memory is to be measured. Taken as a promise that it is, where that is possible. To be asked before
	/// each [`dispatch`](Self::dispatch).
	pub fn due_looks(&mut self, now: Duration) -> Vec<WorkerId> {
		let limits = self.config.memory_limits;
		if limits.between_tasks().is_none() {
			return Vec::new();
		}
		let is_due = |worker: &&mut Worker| worker.look_at(&limits).is_some_and(|at| at <= now);
		self.workers
			.iter_mut()
			.filter(is_due)
			.map(|worker| {
				worker.look = Look {
					at: now,
					finished: worker.finished,
				};
				worker.id
			})
			.collect()
	}

	/// When somebody is to be looked at, unless something else happens before.
	pub(crate) fn next_look(&self) -> Option<Duration> {
		let limits = &self.config.memory_limits;
		self.workers
			.iter()
			.filter_map(|worker| worker.look_at(limits))
			.min()
	}

	pub(crate) fn memory_measured(
		&mut self,
		id: WorkerId,
		Memory { resident }: Memory,
		turn: &mut Turn<'_, impl ClaimLedger>,
	) {
		let Some(position) = self.position(id) else { return };
		let MemoryLimits { soft: _, hard } = self.config.memory_limits;
		let worker = &mut self.workers[position];
		match (&worker.state, hard) {
			(WorkerState::Busy(_), Some(limit)) if resident >= limit => {
				let reason = ExitReason::TooMuchMemory(Exceeded { limit, resident });
				self.kill_worker(position, reason, turn);
			}
			(WorkerState::Idle { .. } | WorkerState::Busy(_), _) => {
				let limit = self.config.memory_limits.between_tasks();
				if limit.is_some_and(|limit| resident >= limit) {
					worker.make_due(Due {
						reason: RecycleReason::MaxMemory,
						memory: Some(resident),
					});
				}
			}
			(WorkerState::Starting { .. } | WorkerState::Standby, _) => {} // has done nothing
			(WorkerState::Exiting { .. }, _) => {}                         // leaves in any case
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::frame::FrameKind::{Exit, Returned, Task};
	use crate::trial::{Trial, kill, returned, send, sigkill, start};
	use crate::{Action, Event, Outcome, Recycled, TerminationReason};

	const SOFT: u64 = 1000;
	const HARD: u64 = 2000;

	fn limited(soft: Option<u64>, hard: Option<u64>) -> Trial {
		let mut trial = Trial::new(|config| {
			config.max_workers = 1;
			config.memory_limits = MemoryLimits { soft, hard };
		});
		trial.submit();
		trial.ready(0);
		trial
	}

	fn measured(trial: &mut Trial, worker: u32, resident: u64) -> Vec<Action> {
		trial.happens(Event::MemoryMeasured(WorkerId(worker), Memory { resident }))
	}

	fn looks(trial: &mut Trial) -> Vec<WorkerId> {
		trial.pool.due_looks(trial.now)
	}

	#[test]
	fn without_limits_nobody_is_looked_at() {
		let mut trial = limited(None, None);
		trial.returns(0, 1);
		trial.now += BETWEEN_LOOKS * 100;
		assert_eq!(looks(&mut trial), []);
		assert_eq!(trial.deadline_in(), None);
	}

	#[test]
	fn a_worker_is_looked_at_once_after_tasks_and_not_while_it_is_idle() {
		let mut trial = limited(Some(SOFT), None);
		assert_eq!(
			trial.pool.next_look(),
			None,
			"a soft limit concerns no task that runs"
		);
		trial.returns(0, 1);
		assert_eq!(trial.deadline_in(), Some(BETWEEN_LOOKS));
		assert_eq!(looks(&mut trial), []);
		trial.now += BETWEEN_LOOKS;
		assert_eq!(looks(&mut trial), [WorkerId(0)]);
		assert_eq!(trial.deadline_in(), None);
		trial.now += BETWEEN_LOOKS * 100;
		assert_eq!(looks(&mut trial), []);
	}

	#[test]
	fn a_task_with_a_hard_limit_is_looked_at_again_and_again() {
		let mut trial = limited(None, Some(HARD));
		trial.claims(0, 1);
		for _ in 0..5 {
			assert_eq!(trial.deadline_in(), Some(BETWEEN_LOOKS));
			trial.now += BETWEEN_LOOKS;
			assert_eq!(looks(&mut trial), [WorkerId(0)]);
		}
	}

	#[test]
	fn a_worker_beyond_the_soft_limit_is_replaced_after_its_task() {
		let mut trial = limited(Some(SOFT), Some(HARD));
		trial.claims(0, 1);
		assert_eq!(measured(&mut trial, 0, SOFT - 1), []);
		assert_eq!(measured(&mut trial, 0, SOFT), [start(1, 1)]);
		assert_eq!(measured(&mut trial, 0, SOFT + 1), []);
		assert_eq!(trial.ready(1), []);
		let told = Action::TellRecycled(Recycled {
			worker: WorkerId(0),
			reason: RecycleReason::MaxMemory,
			finished: 1,
			memory: Some(SOFT),
		});
		assert_eq!(trial.says(0, Returned, 1), [returned(0), send(0, Exit, 0), told]);
	}

	#[test]
	fn a_task_beyond_the_hard_limit_is_killed_and_the_one_behind_it_runs_elsewhere() {
		let mut trial = limited(None, Some(HARD));
		trial.submit();
		trial.claims(0, 1);
		assert_eq!(measured(&mut trial, 0, HARD - 1), []);
		assert_eq!(measured(&mut trial, 0, HARD), [kill(0)]);
		let exceeded = Some(Exceeded {
			limit: HARD,
			resident: HARD,
		});
		assert_eq!(
			trial.pool.worker(WorkerId(0)).and_then(|view| view.exceeded),
			exceeded
		);
		assert_eq!(measured(&mut trial, 0, HARD), []);
		let orders = trial.exits(0, sigkill());
		let [Action::SettleTask(task, Outcome::WorkerTerminated(death)), next] = &orders[..] else {
			panic!("{orders:?}")
		};
		assert_eq!((task.0, death.reason), (0, TerminationReason::OutOfMemory));
		assert_eq!(*next, start(1, 0));
		assert!(trial.ready(1).contains(&send(1, Task, 1)));
	}

	#[test]
	fn an_idle_worker_beyond_the_hard_limit_is_replaced_so_that_the_next_task_does_not_pay() {
		let mut trial = limited(None, Some(HARD));
		trial.returns(0, 1);
		assert_eq!(measured(&mut trial, 0, HARD), [start(1, 1)]);
		assert_eq!(trial.ready(1)[0], send(0, Exit, 0));
	}

	#[test]
	fn a_worker_that_starts_stands_by_or_leaves_is_not_judged() {
		let mut trial = limited(Some(SOFT), Some(HARD));
		trial.claims(0, 1);
		measured(&mut trial, 0, SOFT);
		assert_eq!(measured(&mut trial, 1, HARD), [], "it starts");
		trial.ready(1);
		assert_eq!(measured(&mut trial, 1, HARD), [], "it stands by");
		trial.says(0, Returned, 1);
		assert_eq!(measured(&mut trial, 0, HARD), [], "it leaves");
		trial.exits(0, crate::Exit::Code(0));
		assert_eq!(measured(&mut trial, 0, HARD), [], "it is gone");
		assert_eq!(trial.states(), ["idle"]);
	}
}
