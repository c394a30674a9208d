//! Notices on their way to the owner.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pool::{BreakCause, TaskId};

use crate::{BreakFacts, Notice, Settlement};

/// More text than this does not wait for the owner: the workers that write it wait.
pub const MOST_TEXT: usize = 1024 * 1024;

/// What a text counts for while it waits. A notice needs memory of its own, however short its text is.
pub const fn text_cost(length: usize) -> usize {
	length + 256
}

/// The notices that wait. Apart from the core, so that taking them never waits for a turn.
pub struct Outbox {
	contents: Mutex<Contents>,
	wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Contents {
	notices: Vec<Notice>,
	/// Published and not said to be taken.
	waiting_text: usize,
	/// A turn has seen too much.
	is_flooded: bool,
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
				Notice::Output { bytes, .. } => contents.waiting_text += text_cost(bytes.len()),
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

	/// Moves what waits to the end of `into`.
	pub fn take(&self, into: &mut Vec<Notice>) {
		let mut contents = self.lock();
		if into.is_empty() {
			std::mem::swap(into, &mut contents.notices);
		} else {
			into.append(&mut contents.notices);
		}
		if let Some(failure) = &mut contents.failure {
			failure.is_taken = true;
		}
	}

	/// How much text waits.
	pub fn waiting_text(&self) -> usize {
		let mut contents = self.lock();
		contents.is_flooded |= contents.waiting_text >= MOST_TEXT;
		contents.waiting_text
	}

	/// The text of one notice waits no longer. `true`: too much had been waiting, and half of it is gone.
	#[must_use]
	pub fn text_taken(&self, length: usize) -> bool {
		let mut contents = self.lock();
		contents.waiting_text = contents.waiting_text.saturating_sub(text_cost(length));
		contents.waiting_text < MOST_TEXT / 2 && std::mem::take(&mut contents.is_flooded)
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
