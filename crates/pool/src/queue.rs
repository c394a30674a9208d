//! The order in which pending tasks are sent. The one place that would know about priorities.

use std::collections::VecDeque;

use crate::TaskId;

/// Pending tasks, oldest submission first: a task that comes back from a worker takes its old place again.
///
/// Removal from the middle is lazy: a cancelled task leaves a stale entry, which the owner recognizes by looking the
/// task up. Stale entries never outnumber the others by more than [`FEW_STALE`].
#[derive(Debug, Default)]
pub(crate) struct Queue {
	/// In increasing order.
	entries: VecDeque<TaskId>,
	stale: usize,
}

/// So few stale entries are not worth a pass over the queue.
const FEW_STALE: usize = 64;

impl Queue {
	/// How many tasks are pending.
	pub(crate) fn len(&self) -> usize {
		self.entries.len() - self.stale
	}

	pub(crate) fn is_empty(&self) -> bool {
		self.len() == 0
	}

	/// Adds a task in its place: at the back for one just submitted, near the front for one that comes back.
	pub(crate) fn push(&mut self, task: TaskId) {
		if self.entries.back().is_none_or(|last| *last < task) {
			self.entries.push_back(task);
		} else {
			let place = self.entries.partition_point(|entry| *entry < task);
			self.entries.insert(place, task);
		}
	}

	/// Takes the next task. `is_pending` tells the others from the stale ones.
	pub(crate) fn pop(&mut self, is_pending: impl Fn(TaskId) -> bool) -> Option<TaskId> {
		while let Some(task) = self.entries.pop_front() {
			if is_pending(task) {
				return Some(task);
			}
			self.stale -= 1;
		}
		None
	}

	/// Notes that the owner has removed one pending task. `is_pending` is already false for it.
	pub(crate) fn forget(&mut self, is_pending: impl Fn(TaskId) -> bool) {
		self.stale += 1;
		// One pass removes at least half of the entries, so each removal pays for a constant part of it.
		if self.stale > self.len() + FEW_STALE {
			self.entries.retain(|task| is_pending(*task));
			self.stale = 0;
		}
	}

	/// Forgets every task.
	pub(crate) fn clear(&mut self) {
		self.entries.clear();
		self.stale = 0;
	}
}

#[cfg(test)]
mod tests {
	use std::collections::BTreeSet;

	use super::*;

	fn drain(queue: &mut Queue, pending: &BTreeSet<u64>) -> Vec<u64> {
		std::iter::from_fn(|| queue.pop(|task| pending.contains(&task.0)))
			.map(|task| task.0)
			.collect()
	}

	#[test]
	fn tasks_leave_in_the_order_of_their_submission() {
		let mut queue = Queue::default();
		let pending = BTreeSet::from([1, 2, 5]);
		for task in &pending {
			queue.push(TaskId(*task));
		}
		assert_eq!(drain(&mut queue, &pending), [1, 2, 5]);
		assert!(queue.is_empty());
	}

	#[test]
	fn a_task_that_comes_back_takes_its_old_place() {
		let mut queue = Queue::default();
		for task in [4, 9, 10, 6, 3] {
			queue.push(TaskId(task));
		}
		assert_eq!(drain(&mut queue, &(0..20).collect()), [3, 4, 6, 9, 10]);
	}

	#[test]
	fn a_forgotten_task_is_neither_counted_nor_taken() {
		let mut queue = Queue::default();
		let mut pending = BTreeSet::from([1, 2, 3]);
		for task in &pending {
			queue.push(TaskId(*task));
		}
		pending.remove(&2);
		queue.forget(|task| pending.contains(&task.0));
		assert_eq!(queue.len(), 2);
		assert_eq!(drain(&mut queue, &pending), [1, 3]);
	}

	#[test]
	fn many_forgotten_tasks_do_not_stay_in_memory() {
		let mut queue = Queue::default();
		let mut pending: BTreeSet<u64> = (0..10_000).collect();
		for task in &pending {
			queue.push(TaskId(*task));
		}
		for task in 1..10_000 {
			pending.remove(&task);
			queue.forget(|task| pending.contains(&task.0));
			assert!(queue.entries.len() <= 2 * queue.len() + FEW_STALE);
		}
		assert_eq!(drain(&mut queue, &pending), [0]);
	}
}
