//! By what the processes that a worker's tasks have started are known, wherever they have gone.
//!
//! A process may leave its group (`setsid`), its parent (a double fork), its environment and its descriptors. It does not
//! leave its resource limits: each fork hands them down, and no exec resets them. One of them, the number of file locks,
//! has meant nothing to Linux since 2.4.25. A worker sets its own to a number of its own, and whoever has that
//! number comes from this worker.

use std::hash::{BuildHasher, RandomState};

use pool::WorkerId;

/// The number that a worker, and all that comes from it, has in its limit of file locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u64);

/// Were the limit in force, so many locks would be no limit. The kernel keeps limits in its own word.
const LOWEST: u64 = 1 << (usize::BITS - 2);

impl Mark {
	/// The mark with this number; `None` where no mark has it.
	pub fn from_number(number: u64) -> Option<Self> {
		(LOWEST..2 * LOWEST).contains(&number).then_some(Self(number))
	}

	/// Its number.
	pub fn number(self) -> u64 {
		self.0
	}
}

/// The marks of one supervisor's workers. Nobody else has them, and nobody can guess them.
#[derive(Default)]
pub struct Marks {
	secret: RandomState,
}

impl Marks {
	/// That of a worker.
	pub fn of(&self, worker: WorkerId) -> Mark {
		Mark(LOWEST + self.secret.hash_one(worker.0) % LOWEST)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn workers_have_marks_of_their_own() {
		let (some, other) = (Marks::default(), Marks::default());
		let (one, two) = (WorkerId(1), WorkerId(2));
		assert_eq!(some.of(one), some.of(one));
		assert_ne!(some.of(one), some.of(two));
		assert_ne!(some.of(one), other.of(one));
	}

	#[test]
	fn an_ordinary_limit_is_no_mark() {
		for number in [0, 1024, u64::from(u32::MAX) / 8, u64::MAX] {
			assert_eq!(Mark::from_number(number), None, "{number}");
		}
		let mark = Marks::default().of(WorkerId(1));
		assert_eq!(Mark::from_number(mark.number()), Some(mark));
	}
}
