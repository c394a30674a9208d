//! When to try again after a worker could not be started.

use std::time::Duration;

/// The first delay; the very first retry is immediate, since one failure may be chance.
const FIRST_DELAY: Duration = Duration::from_millis(50);
/// No delay is longer.
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// How long the system may be out of processes, memory or descriptors before the pool gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// The failures since a worker was last ready.
#[derive(Debug, Default)]
pub(crate) struct Starts {
	failed: u32,
	delays: u32,
	not_before: Duration,
	cannot_spawn_since: Option<Duration>,
}

impl Starts {
	/// The earliest time for the next start.
	pub(crate) fn not_before(&self) -> Duration {
		self.not_before
	}

	/// Notes a process that ended before it was ready. Returns how many did so in a row.
	pub(crate) fn failed(&mut self, now: Duration) -> u32 {
		self.failed += 1;
		self.back_off(now);
		self.failed
	}

	/// Notes that no process could be made, for want of something that may come back. Returns whether the time until the
	/// next try is beyond patience.
	pub(crate) fn could_not_spawn(&mut self, now: Duration) -> bool {
		self.back_off(now);
		let since = *self.cannot_spawn_since.get_or_insert(now);
		self.not_before.saturating_sub(since) > PATIENCE
	}

	/// Notes that a process could be made.
	pub(crate) fn spawned(&mut self) {
		self.cannot_spawn_since = None;
	}

	/// Notes that a worker became ready.
	pub(crate) fn ready(&mut self) {
		*self = Starts::default();
	}

	fn back_off(&mut self, now: Duration) {
		// Starts that were ordered together fail together: that is one reason to wait, not several.
		if now < self.not_before {
			return;
		}
		let delay = match self.delays {
			0 => Duration::ZERO,
			delays => FIRST_DELAY
				.saturating_mul(1 << (delays - 1).min(16))
				.min(LONGEST_DELAY),
		};
		self.delays += 1;
		self.not_before = now + delay;
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn each_failed_start_waits_longer_until_a_worker_is_ready() {
		let mut starts = Starts::default();
		let mut delays = Vec::new();
		for failure in 1..=10 {
			let now = starts.not_before();
			assert_eq!(starts.failed(now), failure);
			delays.push(starts.not_before().saturating_sub(now).as_millis());
		}
		assert_eq!(delays, [0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
		starts.ready();
		assert_eq!(starts.failed(Duration::from_secs(99)), 1);
		assert_eq!(starts.not_before(), Duration::from_secs(99));
	}

	#[test]
	fn starts_that_fail_together_lengthen_the_delay_once() {
		let mut starts = Starts::default();
		let now = Duration::from_secs(1);
		for _ in 0..10 {
			starts.failed(now);
		}
		assert_eq!(starts.not_before(), now + FIRST_DELAY);
	}

	#[test]
	fn a_system_without_resources_is_given_up_within_fifteen_seconds() {
		let mut starts = Starts::default();
		let begin = Duration::from_secs(100);
		let mut now = begin;
		while !starts.could_not_spawn(now) {
			now = starts.not_before();
		}
		let waited = now.saturating_sub(begin);
		assert!(
			waited > Duration::from_secs(10) && waited <= PATIENCE,
			"{waited:?}"
		);
	}

	#[test]
	fn a_process_that_could_be_made_renews_the_patience() {
		let mut starts = Starts::default();
		starts.could_not_spawn(Duration::ZERO);
		starts.spawned();
		assert!(!starts.could_not_spawn(PATIENCE * 2));
	}
}
