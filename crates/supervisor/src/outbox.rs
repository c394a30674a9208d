//! Notices on their way to the owner.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pool::{BreakCause, TaskId};

use crate::{BreakFacts, Notice, Settlement};

/// More text than this does not wait for the owner: the workers that write it wait.
const MOST_OUTPUT: usize = 1024 * 1024;

/// The notices that wait. Apart from the core, so that taking them never waits for a turn.
pub struct Outbox {
	contents: Mutex<Contents>,
	wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Contents {
	notices: Vec<Notice>,
	output_bytes: usize,
	failure: Option<Failure>,
}

struct Failure {
	words: String,
	is_taken: bool,
}

impl Outbox {
	/// Nothing waits.
	pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
		Self {
			contents: Mutex::default(),
			wake: Box::new(wake),
		}
	}

	/// Puts notices behind those that wait. `true`: none waited, so the owner is to be woken, with no lock held.
	#[must_use]
	pub fn publish(&self, notices: &mut Vec<Notice>) -> bool {
		if notices.is_empty() {
			return false;
		}
		let mut contents = self.lock();
		for notice in &*notices {
			match notice {
				Notice::Output { bytes, .. } => contents.output_bytes += bytes.len(),
				Notice::Failed(words) => {
					contents.failure = Some(Failure {
						words: words.clone(),
						is_taken: false,
					});
				}
				_ => {}
			}
		}
		let was_empty = contents.notices.is_empty();
		if was_empty {
			// Keeps the room of both.
			std::mem::swap(&mut contents.notices, notices);
		} else {
			contents.notices.append(notices);
		}
		was_empty
	}

	/// Tells the owner.
	pub fn wake(&self) {
		(self.wake)();
	}

	/// Moves what waits to the end of `into`. `true`: so much text waited that workers may be held up by it.
	#[must_use]
	pub fn take(&self, into: &mut Vec<Notice>) -> bool {
		let mut contents = self.lock();
		if into.is_empty() {
			std::mem::swap(into, &mut contents.notices);
		} else {
			into.append(&mut contents.notices);
		}
		if let Some(failure) = &mut contents.failure {
			failure.is_taken = true;
		}
		std::mem::take(&mut contents.output_bytes) > MOST_OUTPUT
	}

	/// Whether too much text waits.
	pub fn is_flooded(&self) -> bool {
		self.lock().output_bytes > MOST_OUTPUT
	}

	/// Answers tasks that were submitted to a supervisor which had failed. Before the owner has seen the failure, that
	/// answers them.
	pub fn refuse(&self, tasks: impl ExactSizeIterator<Item = TaskId>) {
		if tasks.len() == 0 {
			return;
		}
		let mut refused: Vec<Notice> = match &self.lock().failure {
			Some(Failure {
				words,
				is_taken: true,
			}) => tasks
				.map(|task| {
					let cause = BreakCause::SupervisorFailed(words.clone());
					Notice::Settled(task, Settlement::PoolBroken(BreakFacts { cause, death: None }))
				})
				.collect(),
			_ => return,
		};
		if self.publish(&mut refused) {
			self.wake();
		}
	}

	fn lock(&self) -> MutexGuard<'_, Contents> {
		// A push that panicked left the list whole.
		self.contents.lock().unwrap_or_else(PoisonError::into_inner)
	}
}
