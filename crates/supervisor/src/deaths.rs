//! What is known of dead workers, until the pool has said what their deaths mean.

use std::time::Duration;

use bytes::Bytes;
use pool::{Action, BreakCause, Evidence, Exceeded, Exit, Outcome, Termination, TerminationReason, WorkerId};
use rustc_hash::FxHashMap;

use crate::{BreakFacts, Settlement, WorkerDeath};

/// [`WorkerDeath`] without the judgement of the pool.
pub struct DeathFacts {
	/// See [`WorkerDeath`].
	pub index: u32,
	/// See [`WorkerDeath`].
	pub pid: u32,
	/// See [`WorkerDeath`].
	pub stderr_tail: Bytes,
	/// See [`WorkerDeath`].
	pub lifetime: Duration,
	/// See [`WorkerDeath`].
	pub task_time: Option<Duration>,
	/// See [`WorkerDeath`].
	pub peak_memory: Option<u64>,
	/// See [`WorkerDeath`].
	pub exceeded: Option<Exceeded>,
	/// See [`WorkerDeath`].
	pub was_loading: bool,
}

/// The deaths of one turn, and the one that broke the pool.
///
/// The pool names a dead worker in the orders that follow from its exit, and, when it broke for it, in every refusal
/// after that.
#[derive(Default)]
pub struct Deaths {
	recent: FxHashMap<WorkerId, DeathFacts>,
	broke_the_pool: Option<WorkerId>,
}

impl Deaths {
	/// Notes a death.
	pub fn record(&mut self, worker: WorkerId, facts: DeathFacts) {
		self.recent.insert(worker, facts);
	}

	/// Forgets what no order can name any more.
	pub fn end_turn(&mut self) {
		let kept = self.broke_the_pool;
		self.recent.retain(|&worker, _| Some(worker) == kept);
	}

	/// The pool broke. The death behind it is kept.
	pub fn broken(&mut self, cause: &BreakCause) -> BreakFacts {
		self.broke_the_pool = behind(cause).map(|termination| termination.worker);
		self.break_facts(cause.clone())
	}

	/// Adds the facts to an outcome.
	pub fn settlement(&self, outcome: Outcome) -> Settlement {
		match outcome {
			Outcome::Returned(value) => Settlement::Returned(value),
			Outcome::Threw(error) => Settlement::Threw(error),
			Outcome::Undecodable(error) => Settlement::Undecodable(error),
			Outcome::WorkerTerminated(termination) => {
				Settlement::WorkerTerminated(Box::new(self.describe(&termination)))
			}
			Outcome::TimedOut(termination) => Settlement::TimedOut(Box::new(self.describe(&termination))),
			Outcome::Aborted(termination) => Settlement::Aborted(Box::new(self.describe(&termination))),
			Outcome::Cancelled => Settlement::Cancelled,
			Outcome::PoolClosed => Settlement::PoolClosed,
			Outcome::PoolBroken(cause) => Settlement::PoolBroken(self.break_facts(cause)),
		}
	}

	/// Adds the facts to the pool's judgement.
	pub fn describe(&self, termination: &Termination) -> WorkerDeath {
		let facts = self.recent.get(&termination.worker);
		WorkerDeath {
			worker: termination.worker,
			index: facts.map_or(0, |facts| facts.index),
			pid: facts.map(|facts| facts.pid),
			exit: termination.exit.clone(),
			reason: termination.reason,
			violation: termination.violation,
			attempt: termination.attempt,
			stderr_tail: facts.map_or_else(Bytes::new, |facts| facts.stderr_tail.clone()),
			lifetime: facts.map_or(Duration::ZERO, |facts| facts.lifetime),
			task_time: termination
				.attempt
				.and_then(|_| facts.and_then(|facts| facts.task_time)),
			peak_memory: facts.and_then(|facts| facts.peak_memory),
			exceeded: facts.and_then(|facts| facts.exceeded),
			was_loading: facts.is_some_and(|facts| facts.was_loading),
		}
	}

	fn break_facts(&self, cause: BreakCause) -> BreakFacts {
		let death = behind(&cause).map(|termination| Box::new(self.describe(termination)));
		BreakFacts { cause, death }
	}
}

fn behind(cause: &BreakCause) -> Option<&Termination> {
	match cause {
		BreakCause::WorkersNeverReady(termination) | BreakCause::WorkerDied(termination) => Some(termination),
		BreakCause::InitializerThrew(_) | BreakCause::CannotSpawn(_) | BreakCause::SupervisorFailed(_) => {
			None
		}
	}
}

/// The pool's judgement of a death, where its orders tell it.
pub fn judgement_in(actions: &[Action], worker: WorkerId) -> Option<TerminationReason> {
	actions.iter().find_map(|action| match action {
		Action::SettleTask(
			_,
			Outcome::WorkerTerminated(termination)
			| Outcome::TimedOut(termination)
			| Outcome::Aborted(termination),
		) => (termination.worker == worker).then_some(termination.reason),
		Action::SettleTask(_, Outcome::PoolBroken(cause)) => behind(cause)
			.filter(|termination| termination.worker == worker)
			.map(|found| found.reason),
		_ => None,
	})
}

/// What we did to a worker before it died.
#[derive(Clone, Copy, Debug, Default)]
pub struct Treatment {
	/// It was sent an `Exit` frame.
	pub was_dismissed: bool,
	/// It was sent a signal.
	pub was_signalled: bool,
	/// What it sent was not allowed.
	pub broke_protocol: bool,
}

/// The judgement of a death that cost no task, for which the pool orders nothing.
pub fn judge(
	treatment: Treatment,
	pool_is_open: bool,
	exit: &Exit,
	evidence: Option<Evidence>,
) -> TerminationReason {
	match treatment {
		// It left because it was asked to.
		Treatment {
			was_signalled: false,
			was_dismissed: true,
			..
		} if *exit == Exit::Code(0) => TerminationReason::Shutdown,
		Treatment {
			was_signalled: false, ..
		} => TerminationReason::of(exit, evidence),
		Treatment {
			broke_protocol: true, ..
		} => TerminationReason::Protocol,
		Treatment {
			was_dismissed: true, ..
		} => TerminationReason::Shutdown,
		_ if pool_is_open => TerminationReason::Timeout,
		_ => TerminationReason::Shutdown,
	}
}
