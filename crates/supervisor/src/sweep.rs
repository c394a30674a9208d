//! How often all processes are looked at until nobody with a mark is left.
//!
//! Looking takes a moment, in which processes start others and end. So one look that finds nobody is no proof.

use std::time::Duration;

use crate::sys::Round;

/// What has to come together in looks that found nobody.
const PROOF: u8 = 16;
/// A look that saw everybody: two of them are enough.
const WHOLE: u8 = 8;
/// A look that came too late for somebody, who may have started another one that was not seen. On a machine where programs
/// come and go all the time, every look is like that.
const PARTIAL: u8 = 1;

/// Looked for no longer than this: what is left hangs in the kernel, or starts processes faster than they can be killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks, at least: killed processes need about that to end.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Looking may take a fifth of one core.
const PAUSE_PER_LOOK: u32 = 4;

/// The search for what one worker has left behind.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
	proof: u8,
	until: Duration,
}

impl Sweep {
	/// Begins.
	pub fn new(now: Duration) -> Self {
		Self {
			proof: 0,
			until: now + PATIENCE,
		}
	}

	/// Takes in a look at all processes. `true`: it was the last.
	pub fn looked(&mut self, has_found: bool, has_missed: bool, now: Duration) -> bool {
		self.proof = match (has_found, has_missed) {
			(true, _) => 0,
			(false, true) => self.proof + PARTIAL,
			(false, false) => self.proof + WHOLE,
		};
		self.proof >= PROOF || now >= self.until
	}
}

/// How long to wait after a look that has taken so long.
pub fn pause_after(look: Duration) -> Duration {
	(look * PAUSE_PER_LOOK).max(SHORTEST_PAUSE)
}

/// Looks again and again, as long as it takes. `look` kills those whom it finds, `now` is the time, `pause` lets it pass.
///
/// # Errors
///
/// That of a look.
pub fn until_none_is_left(
	mut look: impl FnMut() -> std::io::Result<Round>,
	now: impl Fn() -> Duration,
	mut pause: impl FnMut(Duration),
) -> std::io::Result<()> {
	let mut sweep = Sweep::new(now());
	loop {
		let begin = now();
		let round = look()?;
		let end = now();
		if sweep.looked(round.found > 0, round.has_missed, end) {
			return Ok(());
		}
		pause(pause_after(end.saturating_sub(begin)));
	}
}

#[cfg(test)]
mod tests {
	use std::cell::Cell;

	use super::*;

	const START: Duration = Duration::from_secs(1000);

	/// How many looks it takes when each takes 1 ms and the n-th sees this.
	fn looks(see: impl Fn(u32) -> (usize, bool)) -> u32 {
		let (now, count) = (Cell::new(START), Cell::new(0));
		let look = || {
			now.set(now.get() + Duration::from_millis(1));
			let (found, has_missed) = see(count.get());
			count.set(count.get() + 1);
			Ok(Round { found, has_missed })
		};
		until_none_is_left(look, || now.get(), |pause| now.set(now.get() + pause)).unwrap();
		count.get()
	}

	#[test]
	fn two_looks_that_see_everybody_and_find_nobody_are_enough() {
		assert_eq!(looks(|_| (0, false)), 2);
		assert_eq!(looks(|look| (usize::from(look < 3), false)), 5);
		assert_eq!(looks(|look| (usize::from(look == 1), false)), 4);
	}

	#[test]
	fn looks_that_miss_somebody_are_worth_less() {
		assert_eq!(looks(|_| (0, true)), 16);
		assert_eq!(looks(|look| (0, look > 0)), 9);
	}

	#[test]
	fn a_process_that_cannot_be_ended_is_given_up_after_five_seconds_at_a_fifth_of_a_core() {
		assert_eq!(looks(|_| (1, false)), 1001);
	}

	#[test]
	fn without_a_look_there_is_no_sweep() {
		let refuse = || Err(std::io::ErrorKind::Unsupported.into());
		assert!(until_none_is_left(refuse, || START, |_| {}).is_err());
	}
}
