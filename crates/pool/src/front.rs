//! The oldest task on a worker, and what its age says about the tasks behind it.

use std::time::Duration;

/// A task that runs longer than this is slow: what was sent behind it is given to idle workers, and nothing more is
/// sent behind it. As long as the work ahead of a busy worker (see `pace`), so microsecond tasks never travel back.
const SLOW: Duration = Duration::from_millis(1);
/// A task that runs longer than this gives back what was sent behind it even when no worker is idle, so that it waits
/// for the first free worker and not for this one.
const HOSTAGE: Duration = Duration::from_millis(20);
/// A task that was not claimed when its timeout passed has that long at least once more.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);
/// How often it is looked whether a debugger has let go of a worker.
const GLANCES: Duration = Duration::from_secs(1);

/// The oldest task in flight: it runs, or is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Front {
	/// When it came to the front.
	pub(crate) since: Duration,
	/// When the tasks behind it were last considered for recall, or `since`.
	pub(crate) considered: Duration,
	/// When its timeout passes, if it had started at once.
	pub(crate) deadline: Option<Duration>,
	/// Since when the worker is watched for progress. `None`: it was seen to have called the task, which may take its time.
	pub(crate) watched: Option<Duration>,
}

impl Front {
	/// The front at the moment when it comes to the front.
	pub(crate) fn arrived(now: Duration, timeout: Option<Duration>) -> Front {
		Front {
			since: now,
			considered: now,
			deadline: timeout.map(|timeout| now + timeout),
			watched: Some(now),
		}
	}

	/// Starts the timeout again, for a task that has not started.
	pub(crate) fn rearm(&mut self, now: Duration, timeout: Option<Duration>) {
		self.deadline = timeout.map(|timeout| now + timeout.max(SHORTEST_TIMEOUT));
	}

	/// Starts the timeout again, for a task that a debugger has held up.
	pub(crate) fn excuse(&mut self, now: Duration, timeout: Option<Duration>) {
		self.deadline = timeout.map(|timeout| now + timeout.max(GLANCES));
	}

	/// When tasks behind it may be given to idle workers.
	pub(crate) fn steal_at(&self) -> Duration {
		self.considered + SLOW
	}

	/// When tasks behind it go back to the queue in any case.
	pub(crate) fn release_at(&self) -> Duration {
		self.steal_at().max(self.since + HOSTAGE)
	}

	pub(crate) fn is_slow(&self, now: Duration) -> bool {
		now >= self.since + SLOW
	}
}
