//! The order in which pending tasks are sent. The one place that knows what priorities mean.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};

use crate::TaskId;

/// A task with its priority, the higher the sooner; 0 is that of tasks without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rank {
	pub(crate) priority: i64,
	pub(crate) task: TaskId,
}

/// Pending tasks: higher priorities first, and of one priority the oldest submission first, so that a task which comes
/// back from a worker takes its old place again.
///
/// Most pools never see a priority, so ordinary tasks have a queue of their own, in which every step but the return of a
/// task takes constant time.
///
/// Removal from the middle of that queue is lazy: a cancelled task leaves a stale entry, which the owner recognizes by
/// looking the task up. Stale entries never outnumber the others by more than [`FEW_STALE`].
#[derive(Debug, Default)]
pub(crate) struct Queue {
	/// Those of priority 0, in increasing order.
	ordinary: VecDeque<TaskId>,
	stale: usize,
	/// All others, the next one first.
	ranked: BTreeSet<(Reverse<i64>, TaskId)>,
}

/// So few stale entries are not worth a pass over the queue.
const FEW_STALE: usize = 64;

impl Queue {
	/// How many tasks are pending.
	pub(crate) fn len(&self) -> usize {
		self.ordinary.len() - self.stale + self.ranked.len()
	}

	pub(crate) fn is_empty(&self) -> bool {
		self.len() == 0
	}

	/// Adds a task in its place: at the back of its priority for one just submitted, near the front for one that comes back.
	pub(crate) fn push(&mut self, Rank { priority, task }: Rank) {
		if priority != 0 {
			self.ranked.insert((Reverse(priority), task));
		} else if self.ordinary.back().is_none_or(|last| *last < task) {
			self.ordinary.push_back(task);
		} else {
			let place = self.ordinary.partition_point(|entry| *entry < task);
			self.ordinary.insert(place, task);
		}
	}

	/// Takes the next task. `is_pending` tells the others from the stale ones.
	pub(crate) fn pop(&mut self, is_pending: impl Fn(TaskId) -> bool) -> Option<TaskId> {
		if self.has_urgent() {
			return self.pop_ranked();
		}
		while let Some(task) = self.ordinary.pop_front() {
			if is_pending(task) {
				return Some(task);
			}
			self.stale -= 1;
		}
		self.pop_ranked()
	}

	/// The priority of the next task.
	pub(crate) fn highest(&self) -> Option<i64> {
		if self.has_urgent() || self.ordinary.len() == self.stale {
			return self.ranked.first().map(|(Reverse(priority), _)| *priority);
		}
		Some(0)
	}

	/// Notes that the owner has removed one pending task. `is_pending` is already false for it.
	pub(crate) fn forget(&mut self, Rank { priority, task }: Rank, is_pending: impl Fn(TaskId) -> bool) {
		if priority != 0 {
			self.ranked.remove(&(Reverse(priority), task));
			return;
		}
		self.stale += 1;
		// One pass removes at least half of the entries, so each removal pays for a constant part of it.
		if self.stale > self.ordinary.len() - self.stale + FEW_STALE {
			self.ordinary.retain(|task| is_pending(*task));
			self.stale = 0;
		}
	}

	/// Forgets every task.
	pub(crate) fn clear(&mut self) {
		self.ordinary.clear();
		self.stale = 0;
		self.ranked.clear();
	}

	/// Whether a task goes before all ordinary ones.
	fn has_urgent(&self) -> bool {
		self.ranked
			.first()
			.is_some_and(|(Reverse(priority), _)| *priority > 0)
	}

	fn pop_ranked(&mut self) -> Option<TaskId> {
		self.ranked.pop_first().map(|(_, task)| task)
	}
}

#[cfg(test)]
mod tests {
	use std::collections::BTreeSet;

	use super::*;

	fn push(queue: &mut Queue, priority: i64, task: u64) {
		queue.push(Rank {
			priority,
			task: TaskId(task),
		});
	}

	fn forget(queue: &mut Queue, priority: i64, task: u64, pending: &BTreeSet<u64>) {
		let rank = Rank {
			priority,
			task: TaskId(task),
		};
		queue.forget(rank, |task| pending.contains(&task.0));
	}

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
			push(&mut queue, 0, *task);
		}
		assert_eq!(drain(&mut queue, &pending), [1, 2, 5]);
		assert!(queue.is_empty());
	}

	#[test]
	fn a_task_that_comes_back_takes_its_old_place() {
		for priority in [-1, 0, 1] {
			let mut queue = Queue::default();
			for task in [4, 9, 10, 6, 3] {
				push(&mut queue, priority, task);
			}
			assert_eq!(drain(&mut queue, &(0..20).collect()), [3, 4, 6, 9, 10]);
		}
	}

	#[test]
	fn higher_priorities_leave_first_and_each_in_the_order_of_submission() {
		let mut queue = Queue::default();
		let priorities = [0, -5, 7, 0, 7, i64::MAX, -5, i64::MIN];
		for (task, priority) in (0..).zip(priorities) {
			push(&mut queue, priority, task);
		}
		assert_eq!(queue.len(), 8);
		let mut highest = Vec::new();
		let order: Vec<u64> = std::iter::from_fn(|| {
			highest.extend(queue.highest());
			queue.pop(|_| true)
		})
		.map(|task| task.0)
		.collect();
		assert_eq!(order, [5, 2, 4, 0, 3, 1, 6, 7]);
		assert_eq!(highest, [i64::MAX, 7, 7, 0, 0, -5, -5, i64::MIN]);
		assert_eq!(queue.highest(), None);
	}

	#[test]
	fn a_forgotten_task_is_neither_counted_nor_taken() {
		for priority in [-1, 0, 1] {
			let mut queue = Queue::default();
			let mut pending = BTreeSet::from([1, 2, 3]);
			for task in &pending {
				push(&mut queue, priority, *task);
			}
			pending.remove(&2);
			forget(&mut queue, priority, 2, &pending);
			assert_eq!(queue.len(), 2);
			assert_eq!(drain(&mut queue, &pending), [1, 3]);
		}
	}

	#[test]
	fn a_queue_of_forgotten_tasks_has_no_highest_priority() {
		let mut queue = Queue::default();
		push(&mut queue, 0, 1);
		push(&mut queue, -3, 2);
		forget(&mut queue, 0, 1, &BTreeSet::from([2]));
		assert_eq!(queue.highest(), Some(-3));
		forget(&mut queue, -3, 2, &BTreeSet::new());
		assert_eq!(queue.highest(), None);
		assert!(queue.is_empty());
	}

	#[test]
	fn many_forgotten_tasks_do_not_stay_in_memory() {
		let mut queue = Queue::default();
		let mut pending: BTreeSet<u64> = (0..10_000).collect();
		for task in &pending {
			push(&mut queue, 0, *task);
		}
		for task in 1..10_000 {
			pending.remove(&task);
			forget(&mut queue, 0, task, &pending);
			assert!(queue.ordinary.len() <= 2 * queue.len() + FEW_STALE);
		}
		assert_eq!(drain(&mut queue, &pending), [0]);
	}
}
