//! The functions that tasks call: kept from their registration until they are released and their last task is settled.

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::FunctionId;
use crate::pool::{Pool, PoolState, Turn};

/// Every function that a task may still have to be sent with.
#[derive(Debug, Default)]
pub(crate) struct Functions {
	known: FxHashMap<FunctionId, Function>,
}

#[derive(Debug)]
struct Function {
	standing: Standing,
	/// How many of its tasks are not settled, pending and sent ones alike: each of them may have to be sent once more, to a
	/// worker that does not have the function.
	tasks: usize,
}

/// (`Unregistered` ->) `Registered` -> `Released` -> forgotten.
#[derive(Debug)]
enum Standing {
	/// Only named by tasks, which workers will refuse. A defect of whoever submits.
	Unregistered,
	/// Tasks may come that call it.
	Registered(Bytes),
	/// Waits for its last task.
	Released(Bytes),
}

impl Functions {
	/// What workers need to be able to call it.
	pub(crate) fn payload(&self, function: FunctionId) -> Option<&Bytes> {
		match &self.known.get(&function)?.standing {
			Standing::Unregistered => None,
			Standing::Registered(payload) | Standing::Released(payload) => Some(payload),
		}
	}

	pub(crate) fn register(&mut self, function: FunctionId, payload: Bytes) {
		let unseen = Function {
			standing: Standing::Unregistered,
			tasks: 0,
		};
		let known = self.known.entry(function).or_insert(unseen);
		match known.standing {
			Standing::Unregistered => known.standing = Standing::Registered(payload),
			// A number that is used twice: workers may have the first function already, so the first one counts.
			Standing::Registered(_) | Standing::Released(_) => {}
		}
	}

	/// A task was taken that calls it.
	pub(crate) fn task_taken(&mut self, function: FunctionId) {
		let unseen = Function {
			standing: Standing::Unregistered,
			tasks: 0,
		};
		// A task that comes after the release is a defect. It is counted like any other, so that it finds the function
		// where one that came in time keeps it.
		self.known.entry(function).or_insert(unseen).tasks += 1;
	}

	/// A task that calls it is settled. `true`: nobody needs the function any more, and workers are to forget it.
	#[must_use]
	pub(crate) fn task_settled(&mut self, function: FunctionId) -> bool {
		let Some(known) = self.known.get_mut(&function) else {
			return false;
		};
		known.tasks -= 1;
		match (&known.standing, known.tasks) {
			(Standing::Unregistered, 0) => {
				self.known.remove(&function);
				false // no worker was sent it
			}
			(Standing::Registered(_), 0) => false, // others may come
			(Standing::Released(_), 0) => self.known.remove(&function).is_some(),
			(Standing::Unregistered | Standing::Registered(_) | Standing::Released(_), _) => false,
		}
	}

	/// No task will come that calls it. `true`: as in [`Self::task_settled`].
	#[must_use]
	pub(crate) fn release(&mut self, function: FunctionId) -> bool {
		let Some(known) = self.known.get_mut(&function) else {
			return false; // forgotten before, or never registered
		};
		match (&mut known.standing, known.tasks) {
			(Standing::Unregistered, _) => false, // leaves with its last task in any case
			(Standing::Registered(_), 0) => self.known.remove(&function).is_some(),
			(Standing::Registered(payload), _) => {
				known.standing = Standing::Released(std::mem::take(payload));
				false
			}
			(Standing::Released(_), _) => false, // said twice
		}
	}

	/// No task is left, and none will come.
	pub(crate) fn clear(&mut self) {
		self.known.clear();
	}
}

impl Pool {
	pub(crate) fn function_registered(&mut self, function: FunctionId, payload: Bytes) {
		match self.state {
			PoolState::Open => self.functions.register(function, payload),
			// No task is taken that could call it.
			PoolState::Broken { .. } | PoolState::Closing { .. } | PoolState::Closed { .. } => {}
		}
	}

	pub(crate) fn function_released<L>(&mut self, function: FunctionId, turn: &mut Turn<'_, L>) {
		// Also in a pool that closes: it may be long until its last task is settled.
		if self.functions.release(function) {
			self.forget(function, turn);
		}
	}

	/// Tells every worker that has the function. All tasks that call it are settled, so in each pipe the frame comes behind
	/// the last one that names it; those that were recalled are there still, and are not claimed by anybody.
	pub(crate) fn forget<L>(&mut self, function: FunctionId, turn: &mut Turn<'_, L>) {
		for worker in &mut self.workers {
			worker.forget(function, turn.actions);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::frame::FrameKind::{Exit, Forget, Function, Returned, Task};
	use crate::trial::{Trial, kill, returned, send, settle, sigkill, start};
	use crate::{Event, Outcome, Shutdown, WorkerId};

	const FUNCTION: FunctionId = FunctionId(1);

	fn is_gone(trial: &Trial) -> bool {
		!trial.pool.has_function(FUNCTION) && trial.pool.workers().all(|worker| worker.functions == 0)
	}

	fn payload() -> Bytes {
		Bytes::from_static(b"payload")
	}

	#[test]
	fn a_function_that_no_task_uses_is_forgotten_at_its_release() {
		let mut trial = Trial::idle(2);
		assert_eq!(trial.release(), [send(0, Forget, 0), send(1, Forget, 0)]);
		assert!(is_gone(&trial));
	}

	#[test]
	fn a_function_that_was_never_shipped_is_forgotten_without_a_word() {
		let mut trial = Trial::of_one();
		assert_eq!(trial.release(), []);
		assert!(is_gone(&trial));
	}

	#[test]
	fn a_released_function_stays_until_its_last_task_is_settled() {
		let mut trial = Trial::of_one();
		trial.submit_together(3);
		assert_eq!(trial.release(), []);
		assert_eq!(trial.ready(0)[0], send(0, Function, 0));
		assert_eq!(trial.cancel(2), [settle(2, Outcome::Cancelled)]);
		assert_eq!(trial.returns(0, 1), [returned(0)]);
		assert!(!is_gone(&trial));
		assert_eq!(trial.returns(0, 2), [returned(1), send(0, Forget, 0)]);
		assert!(is_gone(&trial));
	}

	#[test]
	fn only_workers_that_have_a_function_are_told_to_forget_it() {
		let mut trial = Trial::new(|_| {});
		trial.submit_together(2);
		trial.ready(0);
		trial.cancel(1);
		trial.ready(1);
		assert_eq!(trial.release(), []);
		assert_eq!(trial.returns(0, 1), [returned(0), send(0, Forget, 0)]);
	}

	#[test]
	fn a_cancelled_task_in_the_pipe_is_followed_by_the_word_to_forget() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.release();
		assert_eq!(trial.ready(0), [send(0, Function, 0), send(0, Task, 1)]);
		assert_eq!(
			trial.cancel(0),
			[settle(0, Outcome::Cancelled), send(0, Forget, 0)]
		);
		assert!(is_gone(&trial));
	}

	#[test]
	fn both_workers_of_a_task_that_was_sent_twice_forget_its_function() {
		let mut trial = Trial::new(|_| {});
		trial.submit_together(4);
		trial.release();
		trial.ready(0);
		trial.claims(0, 1);
		assert_eq!(trial.loads(), [2, 0]);
		trial.ready(1);
		for sequence in 1..=2 {
			trial.returns(1, sequence);
		}
		// What waited behind the slow task was taken back, and runs on the other one.
		trial.passes(std::time::Duration::from_millis(20));
		assert_eq!(trial.loads(), [1, 1]);
		assert_eq!(trial.says(0, Returned, 1), [returned(0)]);
		let orders = trial.returns(1, 3);
		assert_eq!(orders[1..], [send(0, Forget, 0), send(1, Forget, 0)]);
		assert!(is_gone(&trial));
	}

	#[test]
	fn a_worker_that_replaces_a_dead_one_is_given_a_released_function_that_its_task_needs() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		trial.release();
		assert_eq!(trial.exits(0, sigkill()), [start(1, 0)]);
		assert_eq!(trial.ready(1), [send(1, Function, 0), send(1, Task, 1)]);
		assert_eq!(trial.returns(1, 1), [returned(0), send(1, Forget, 0)]);
		assert!(is_gone(&trial));
	}

	#[test]
	fn the_death_of_the_last_worker_that_ran_a_released_function_forgets_it() {
		let mut trial = Trial::idle(2);
		trial.submit();
		trial.claims(1, 2);
		trial.release();
		let orders = trial.exits(1, sigkill());
		assert_eq!(orders[1..], [send(0, Forget, 0)]);
		assert!(is_gone(&trial));
	}

	#[test]
	fn a_worker_that_is_leaving_is_told_nothing() {
		let mut trial = Trial::idle(2);
		let second = std::time::Duration::from_secs(1);
		trial.submit_with(Some(second));
		trial.claims(1, 2);
		trial.happens(Event::ProtocolViolated(WorkerId(0), crate::Violation::PipeClosed));
		trial.release();
		assert_eq!(trial.passes(second), [kill(1)]);
		assert_eq!(trial.exits(1, sigkill()).len(), 1);
		assert!(is_gone(&trial));
	}

	#[test]
	fn a_pool_that_drains_forgets_functions_before_its_workers_leave() {
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		assert_eq!(trial.shut_down(Shutdown::Drain), []);
		assert_eq!(trial.release(), []);
		assert_eq!(
			trial.returns(0, 1),
			[returned(0), send(0, Forget, 0), send(0, Exit, 0)]
		);
	}

	#[test]
	fn a_pool_that_is_killed_or_broken_forgets_every_function_at_once() {
		for event in [
			Event::ShutdownRequested(Shutdown::Kill),
			Event::SupervisorFailed("lost its pipe".into()),
		] {
			let mut trial = Trial::of_one();
			trial.submit();
			trial.ready(0);
			trial.happens(event);
			assert!(!trial.pool.has_function(FUNCTION));
			assert_eq!(trial.release(), []);
			trial.happens(Event::FunctionRegistered {
				function: FunctionId(2),
				payload: payload(),
			});
			assert!(!trial.pool.has_function(FunctionId(2)));
		}
	}

	#[test]
	fn a_release_that_comes_twice_or_for_an_unknown_function_changes_nothing() {
		let mut trial = Trial::idle(1);
		assert_eq!(trial.release().len(), 1);
		assert_eq!(trial.release(), []);
		assert_eq!(trial.happens(Event::FunctionReleased(FunctionId(9))), []);
		let mut trial = Trial::of_one();
		trial.submit();
		trial.ready(0);
		assert_eq!(trial.release(), []);
		assert_eq!(trial.release(), []);
		assert_eq!(trial.returns(0, 1).len(), 2);
	}

	#[test]
	fn a_task_of_a_function_that_is_forgotten_is_left_to_the_worker_to_refuse() {
		let mut trial = Trial::idle(1);
		trial.release();
		assert_eq!(trial.submit(), [send(0, Task, 2)]);
		assert_eq!(trial.returns(0, 2), [returned(1)]);
		assert!(is_gone(&trial));
	}

	#[test]
	fn the_first_registration_of_a_number_counts() {
		let mut functions = Functions::default();
		functions.register(FUNCTION, payload());
		functions.register(FUNCTION, Bytes::from_static(b"another"));
		assert_eq!(functions.payload(FUNCTION), Some(&payload()));
	}

	#[test]
	fn a_task_that_came_before_its_function_holds_it_like_any_other() {
		let mut functions = Functions::default();
		functions.task_taken(FUNCTION);
		assert_eq!(functions.payload(FUNCTION), None);
		assert!(!functions.release(FUNCTION));
		functions.register(FUNCTION, payload());
		functions.task_taken(FUNCTION);
		assert!(!functions.release(FUNCTION));
		assert!(!functions.task_settled(FUNCTION));
		assert_eq!(functions.payload(FUNCTION), Some(&payload()));
		assert!(functions.task_settled(FUNCTION));
		assert!(functions.known.is_empty());
	}

	#[test]
	fn a_function_that_nobody_registers_is_forgotten_with_its_last_task() {
		let mut functions = Functions::default();
		functions.task_taken(FUNCTION);
		assert!(!functions.task_settled(FUNCTION));
		assert!(functions.known.is_empty());
	}

	#[test]
	fn ten_thousand_functions_come_and_go_and_leave_nothing() {
		let mut trial = Trial::idle(2);
		for function in 2..10_000 {
			let function = FunctionId(function);
			trial.happens(Event::FunctionRegistered {
				function,
				payload: payload(),
			});
			trial.happens(Event::FunctionReleased(function));
		}
		trial.release();
		assert!(trial.pool.functions.known.is_empty());
		assert!(is_gone(&trial));
	}
}
