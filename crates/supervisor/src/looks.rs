//! When to look for results that came without a bell.
//!
//! A worker is silent for at most 200 µs after a bell. So a look that comes later than that after the last bell finds all that
//! it was silent about, and until there is one after the last bell, looks follow each other.

use std::time::Duration;

use crate::ring::{NEXT_LOOK, Unrung};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Looks {
	next: Option<Duration>,
	last_bell: Option<Duration>,
}

impl Looks {
	/// Something came through a pipe, perhaps a bell.
	pub fn heard_bell(&mut self, now: Duration) {
		self.last_bell = Some(now);
		self.plan(now + NEXT_LOOK);
	}

	/// What the supervisor found in a ring as it fell asleep.
	pub fn fell_asleep(&mut self, found: Unrung, now: Duration) {
		match found {
			Unrung::Nothing => {}
			Unrung::Some => self.plan(now + NEXT_LOOK),
			Unrung::Last => self.plan(now),
		}
	}

	/// When the next look is due.
	pub fn next(&self) -> Option<Duration> {
		self.next
	}

	/// Whether to look. If so, it counts as done.
	pub fn is_due(&mut self, now: Duration) -> bool {
		if self.next.is_none_or(|next| next > now) {
			return false;
		}
		self.next = self
			.last_bell
			.map(|bell| bell + NEXT_LOOK)
			.filter(|next| *next > now);
		true
	}

	fn plan(&mut self, look: Duration) {
		self.next = Some(self.next.map_or(look, |next| next.min(look)));
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const fn micros(micros: u64) -> Duration {
		Duration::from_micros(micros)
	}

	#[test]
	fn a_bell_is_followed_by_one_look() {
		let mut looks = Looks::default();
		assert_eq!(looks.next(), None);
		looks.heard_bell(micros(10));
		assert!(!looks.is_due(micros(1009)));
		assert!(looks.is_due(micros(1010)));
		assert!(!looks.is_due(micros(5000)));
		assert_eq!(looks.next(), None);
	}

	#[test]
	fn a_bell_right_before_a_look_is_followed_by_another_look() {
		let mut looks = Looks::default();
		looks.heard_bell(micros(0));
		looks.heard_bell(micros(990));
		assert!(looks.is_due(micros(1000)));
		assert_eq!(looks.next(), Some(micros(1990)));
		assert!(looks.is_due(micros(1990)));
		assert_eq!(looks.next(), None);
	}

	#[test]
	fn bells_of_one_worker_do_not_put_off_the_look_at_another() {
		let mut looks = Looks::default();
		looks.heard_bell(micros(0));
		for time in (200..1000).step_by(200) {
			looks.heard_bell(micros(time));
		}
		assert_eq!(looks.next(), Some(micros(1000)));
	}

	#[test]
	fn a_look_at_once_does_not_replace_the_one_after_the_bell() {
		let mut looks = Looks::default();
		looks.heard_bell(micros(0));
		looks.fell_asleep(Unrung::Last, micros(50));
		assert!(looks.is_due(micros(50)));
		assert_eq!(looks.next(), Some(micros(1000)));
	}

	#[test]
	fn what_is_there_when_it_falls_asleep_is_looked_at_soon() {
		let mut looks = Looks::default();
		looks.fell_asleep(Unrung::Nothing, micros(0));
		assert_eq!(looks.next(), None);
		looks.fell_asleep(Unrung::Some, micros(0));
		assert_eq!(looks.next(), Some(micros(1000)));
	}
}
