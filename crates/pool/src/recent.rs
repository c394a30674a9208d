//! Which tasks a worker has finished lately, for what turns up afterwards.

use std::collections::VecDeque;

use crate::{Sequence, TaskId};

/// So many tasks are remembered: with those that take a millisecond, the last 8 seconds; 128 KiB.
const MOST: usize = 8192;

/// The tasks that a worker has answered, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
	/// In increasing order of their sequences.
	tasks: VecDeque<(Sequence, TaskId)>,
}

impl Recent {
	/// Notes an answer. Sequences come in increasing order.
	pub(crate) fn record(&mut self, sequence: Sequence, task: TaskId) {
		if self.tasks.len() == MOST {
			self.tasks.pop_front();
		}
		self.tasks.push_back((sequence, task));
	}

	/// The task with this sequence, unless it was too long ago or never was.
	pub(crate) fn find(&self, sequence: Sequence) -> Option<TaskId> {
		let place = self
			.tasks
			.binary_search_by_key(&sequence, |(sequence, _)| *sequence);
		place.ok().map(|place| self.tasks[place].1)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_last_answers_are_found_by_their_sequences_and_earlier_ones_are_not() {
		let mut recent = Recent::default();
		// Every second sequence was recalled.
		for count in 1..=10_000 {
			recent.record(Sequence(count * 2), TaskId(u64::from(count) + 7));
		}
		let first_kept = 10_000 - u32::try_from(MOST).expect("it is small") + 1;
		assert_eq!(recent.find(Sequence(20_000)), Some(TaskId(10_007)));
		assert_eq!(
			recent.find(Sequence(first_kept * 2)),
			Some(TaskId(u64::from(first_kept) + 7))
		);
		assert_eq!(recent.find(Sequence(first_kept * 2 - 2)), None);
		assert_eq!(recent.find(Sequence(19_999)), None);
		assert_eq!(recent.find(Sequence(0)), None);
	}
}
