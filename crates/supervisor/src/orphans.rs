//! Processes that tasks have started, where this process is the first of its namespace, as in most containers.
//!
//! The kernel gives it the orphans of everybody, dead or alive, and nobody but it can reap them. Those of a worker are in
//! the worker's group and were killed with it, so they are waited for by that group, never by "any child": the other
//! children belong to the program.

use std::time::Duration;

use rustix::process::{Pid, getpid};

use crate::sys;

/// Between two looks at those that were killed and are not dead.
const GLANCES: Duration = Duration::from_millis(20);
/// Looked at no longer than this: they hang in the kernel, or have been stopped from being killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The groups of dead workers.
pub struct Orphans {
	is_init: bool,
	/// With the time when each is given up.
	groups: Vec<(Pid, Duration)>,
	next_look: Duration,
}

impl Orphans {
	/// None yet.
	pub fn new() -> Self {
		Self {
			is_init: getpid() == Pid::INIT,
			groups: Vec::new(),
			next_look: Duration::ZERO,
		}
	}

	/// The leader of a group was reaped, and the rest killed.
	pub fn inherit(&mut self, group: Pid, now: Duration) {
		if self.is_init && sys::reap_group(group) {
			self.groups.push((group, now + PATIENCE));
			self.next_look = now + GLANCES;
		}
	}

	/// Reaps those that are dead by now.
	pub fn look(&mut self, now: Duration) {
		if self.next_look().is_some_and(|time| time <= now) {
			self.groups
				.retain(|&(group, until)| until > now && sys::reap_group(group));
			self.next_look = now + GLANCES;
		}
	}

	/// When to look again.
	pub fn next_look(&self) -> Option<Duration> {
		(!self.groups.is_empty()).then_some(self.next_look)
	}
}
