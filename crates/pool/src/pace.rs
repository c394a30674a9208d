//! How much work to send ahead, judged from how long tasks take.

use std::time::Duration;

/// How much work a worker should have ahead: longer than the trip of a result and a refill (0.1 to 0.2 ms) takes even
/// when the machine is busy, short enough that taking it back is rare.
const AHEAD: Duration = Duration::from_millis(1);
/// For tasks longer than this the trip costs under 2 %, so that holding one behind another can only delay it.
const NO_PREFETCH: Duration = Duration::from_millis(10);
/// The most tasks ahead: half of the claim slots, so that recalled ones, whose slots are spent, leave room.
const MOST_AHEAD: usize = crate::SLOTS as usize / 2;

/// A moving average of the time that one task takes on its worker.
#[derive(Debug, Default)]
pub(crate) struct Pace {
	average: Option<Duration>,
	batch: Duration,
	batched: u32,
}

impl Pace {
	/// Notes a result that came `elapsed` after the one before on the same worker, or after it was sent. Results that
	/// arrive together come as one long and several of length 0: [`fold`](Self::fold) spreads the time over them.
	pub(crate) fn record(&mut self, elapsed: Duration) {
		self.batch += elapsed;
		self.batched += 1;
	}

	/// Ends a batch of events.
	pub(crate) fn fold(&mut self) {
		if self.batched == 0 {
			return;
		}
		let sample = self.batch / self.batched;
		// A quarter: follows a change of the tasks within a few batches, and one odd batch does not empty the pipes.
		self.average = Some(self.average.map_or(sample, |average| (average * 3 + sample) / 4));
		self.batch = Duration::ZERO;
		self.batched = 0;
	}

	/// How many tasks to send behind the one that runs.
	pub(crate) fn depth(&self) -> usize {
		match self.average {
			// Unmeasured: one hides the trip between the first two tasks, whatever they are.
			None => 1,
			Some(average) if average >= NO_PREFETCH => 0,
			Some(average) => {
				let tasks = AHEAD.as_nanos() / average.as_nanos().max(1);
				usize::try_from(tasks).unwrap_or(MOST_AHEAD).clamp(1, MOST_AHEAD)
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn depth_after(samples: &[Duration]) -> usize {
		let mut pace = Pace::default();
		for sample in samples {
			pace.record(*sample);
			pace.fold();
		}
		pace.depth()
	}

	#[test]
	fn one_task_is_sent_ahead_until_something_is_measured() {
		assert_eq!(depth_after(&[]), 1);
	}

	#[test]
	fn shorter_tasks_are_sent_further_ahead_within_limits() {
		assert_eq!(depth_after(&[Duration::from_micros(100)]), 10);
		assert_eq!(depth_after(&[Duration::from_millis(3)]), 1);
		assert_eq!(depth_after(&[Duration::ZERO]), MOST_AHEAD);
	}

	#[test]
	fn nothing_is_sent_ahead_of_long_tasks() {
		assert_eq!(depth_after(&[Duration::from_millis(10)]), 0);
	}

	#[test]
	fn results_that_arrive_together_share_the_time() {
		let mut pace = Pace::default();
		pace.record(Duration::from_millis(1));
		(0..9).for_each(|_| pace.record(Duration::ZERO));
		pace.fold();
		assert_eq!(pace.average, Some(Duration::from_micros(100)));
	}

	#[test]
	fn the_average_follows_a_change_of_the_tasks() {
		let mut samples = vec![Duration::from_micros(10); 50];
		samples.extend([Duration::from_millis(100); 2]);
		assert_eq!(depth_after(&samples), 0);
	}
}
