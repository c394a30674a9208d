//! Ends what dead workers have left behind outside their groups, in a thread of its own.
//!
//! Looking at every process there is takes a millisecond or more, and nobody may wait for it. The thread exists while
//! there is something to look for.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::mark::Mark;
use crate::process::block_signals;
use crate::sweep::{Sweep, pause_after};
use crate::sys;

/// So long a sweep waits for its first look. What a death has set going is quicker then: the rejection, and the start of
/// another worker; and workers that die together are swept together.
const DELAY: Duration = Duration::from_millis(5);

/// The sweeps of one supervisor. Clones are the same.
#[derive(Clone)]
pub struct Sweeper {
	shared: Arc<Shared>,
	origin: Instant,
}

#[derive(Default)]
struct Shared {
	state: Mutex<State>,
	changed: Condvar,
}

#[derive(Default)]
struct State {
	sweeps: Vec<(Mark, Sweep)>,
	has_thread: bool,
	/// Somebody waits.
	is_urgent: bool,
}

impl Sweeper {
	/// With nothing to do.
	pub fn new() -> Self {
		Self {
			shared: Arc::default(),
			origin: Instant::now(),
		}
	}

	/// A worker with this mark is reaped. [`Self::run`] is to be called soon.
	pub fn add(&self, mark: Mark) {
		let sweep = Sweep::new(self.origin.elapsed());
		self.shared.lock().sweeps.push((mark, sweep));
	}

	/// Starts the thread if there is something to do for it.
	pub fn run(&self) {
		let mut state = self.shared.lock();
		if state.sweeps.is_empty() || state.has_thread {
			return;
		}
		let this = self.clone();
		let thread = thread::Builder::new()
			.name("loky sweeper".into())
			.stack_size(64 * 1024)
			.spawn(move || this.serve());
		// Where there is no thread to be had, the next death tries again, or the end.
		state.has_thread = thread.is_ok();
	}

	/// Waits until everything is swept, at most so long: reading what the kernel says of a process may hang.
	pub fn finish(&self, limit: Duration) {
		self.run();
		let mut state = self.shared.lock();
		state.is_urgent = true;
		self.shared.changed.notify_all();
		let wait = self
			.shared
			.changed
			.wait_timeout_while(state, limit, |state| state.has_thread);
		drop(wait);
	}

	fn serve(&self) {
		// The handlers of the program run in the threads of the program.
		let _ = block_signals();
		self.shared.await_first_look();
		while let Some(wanted) = self.shared.wanted() {
			thread::sleep(self.look(&wanted));
		}
	}

	/// Looks at all processes once. Returns how long to wait before the next look.
	fn look(&self, wanted: &[Mark]) -> Duration {
		let begin = self.origin.elapsed();
		let mut found = Vec::new();
		let round = sys::kill_marked(|mark| wanted.contains(&mark), |mark| found.push(mark));
		let end = self.origin.elapsed();
		let mut state = self.shared.lock();
		match round {
			Ok(round) => state.sweeps.retain_mut(|(mark, sweep)| {
				!wanted.contains(mark) || !sweep.looked(found.contains(mark), round.has_missed, end)
			}),
			// Without /proc, or on another system, nobody can be found.
			Err(_) => state.sweeps.clear(),
		}
		if state.sweeps.is_empty() {
			return Duration::ZERO; // The thread ends.
		}
		pause_after(end.saturating_sub(begin))
	}
}

impl Shared {
	fn lock(&self) -> MutexGuard<'_, State> {
		// Nothing that is done under the lock leaves it half done.
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// What to look for. `None`: nothing, and the thread is no more.
	fn wanted(&self) -> Option<Vec<Mark>> {
		let mut state = self.lock();
		if state.sweeps.is_empty() {
			state.has_thread = false;
			self.changed.notify_all();
			return None;
		}
		Some(state.sweeps.iter().map(|(mark, _)| *mark).collect())
	}

	fn await_first_look(&self) {
		let wait = self
			.changed
			.wait_timeout_while(self.lock(), DELAY, |state| !state.is_urgent);
		drop(wait);
	}
}
