//! The thread, and how it shares the core with callers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polling::{Events, Poller};
use pool::SpawnFailure;

use crate::core::{Core, Plan, Remains, SpawnOrder};
use crate::faults::{self, Site};
use crate::outbox::Outbox;
use crate::process::block_signals;
use crate::sigpipe;
use crate::spawn::{CommandLine, Spawned, spawn};

/// How long the thread waits for killed processes before it leaves them to the kernel. Only a process that hangs in a
/// system call takes longer.
const BURIAL: Duration = Duration::from_secs(2);

/// How long it waits, after that, for what the workers have started. Only a process that hangs takes so long.
const SWEEPING: Duration = Duration::from_secs(1);

/// What the thread and the callers share.
pub struct Shared {
	core: Mutex<Core>,
	poller: Arc<Poller>,
	pub(crate) outbox: Outbox,
	/// The thread has done everything.
	is_done: Mutex<bool>,
	done: Condvar,
	/// So much text was taken that text which was left unread can be read again.
	is_drained: AtomicBool,
}

impl Shared {
	/// Around a core.
	pub fn new(core: Core, poller: Arc<Poller>, outbox: Outbox) -> Self {
		Self {
			core: Mutex::new(core),
			poller,
			outbox,
			is_done: Mutex::new(false),
			done: Condvar::new(),
			is_drained: AtomicBool::new(false),
		}
	}

	/// Runs a turn in the calling thread. `None`: the supervisor is over.
	///
	/// A panic in a turn leaves the core in a state that nobody has thought of, so it ends the supervisor, loudly: the
	/// workers are killed and the owner is told.
	pub fn drive<R>(&self, turn: impl FnOnce(&mut Core) -> R) -> Option<R> {
		let mut core = self.lock();
		if core.is_over() {
			return None;
		}
		let result = match catch_unwind(AssertUnwindSafe(|| turn(&mut core))) {
			Ok(result) => Some(result),
			Err(panic) => {
				core.fail(words_of(&*panic));
				None
			}
		};
		self.release(core);
		result
	}

	/// Takes in a process that was just made: also when the supervisor is over meanwhile, for then it has to be killed.
	fn adopt(&self, order: &SpawnOrder, spawned: Result<Spawned, SpawnFailure>) {
		let mut core = self.lock();
		if let Err(panic) = catch_unwind(AssertUnwindSafe(|| core.adopt(order, spawned))) {
			core.fail(words_of(&*panic));
		}
		self.release(core);
	}

	/// Kills the workers and ends the thread.
	pub fn abandon(&self) {
		let mut core = self.lock();
		core.abandon();
		self.release(core);
	}

	fn fail(&self, words: String) {
		let mut core = self.lock();
		core.fail(words);
		self.release(core);
	}

	fn tell_closed(&self) {
		let mut core = self.lock();
		core.tell_closed();
		self.release(core);
	}

	/// Waits until the thread has done everything, at most so long.
	pub fn wait_until_done(&self, limit: Duration) {
		let is_done = self.is_done.lock().unwrap_or_else(PoisonError::into_inner);
		drop(self.done.wait_timeout_while(is_done, limit, |is_done| !*is_done));
	}

	fn tell_done(&self) {
		*self.is_done.lock().unwrap_or_else(PoisonError::into_inner) = true;
		self.done.notify_all();
	}

	/// Publishes what the turn has brought. The owner and the thread are woken with the lock released: they want it.
	fn release(&self, mut core: MutexGuard<'_, Core>) {
		let wakes_owner = self.outbox.publish(&mut core.notices);
		let rings = core.take_ring();
		let remains = core.take_remains();
		drop(core);
		if rings {
			// It fails only when the poller is broken, which the thread notices.
			let _ = self.poller.notify();
		}
		if wakes_owner {
			self.outbox.wake();
		}
		for Remains { worker, claims } in remains {
			worker.close(&self.poller);
			drop(claims);
		}
	}

	/// Text can be read again.
	pub fn drained(&self) {
		self.is_drained.store(true, Ordering::SeqCst);
		let _ = self.poller.notify();
	}

	fn lock(&self) -> MutexGuard<'_, Core> {
		// A panic is caught before it reaches the guard. Were there one all the same, the core is over.
		self.core.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

/// The thread.
pub fn run(shared: &Shared, command: &CommandLine) {
	let outcome = catch_unwind(AssertUnwindSafe(|| {
		// Where it is refused, a handler of the program runs here now and then.
		if block_signals().is_ok() {
			sigpipe::is_blocked_here();
		}
		serve(shared, command);
	}));
	if let Err(panic) = outcome {
		shared.fail(words_of(&*panic));
	}
	bury(shared);
	let sweeper = shared.lock().sweeper().clone();
	sweeper.finish(SWEEPING);
	shared.tell_closed();
	shared.tell_done();
}

fn serve(shared: &Shared, command: &CommandLine) {
	let sweeper = shared.lock().sweeper().clone();
	let mut events = Events::new();
	let mut plan = shared.drive(Core::plan);
	loop {
		let timeout = match plan {
			// A parent-death signal comes when the thread ends that made the process, so no other thread may.
			Some(Plan::Spawn(order)) => {
				let spawned = spawn(command, order.mark);
				shared.adopt(&order, spawned);
				// Between two processes, the workers that live are looked after.
				Some(Duration::ZERO)
			}
			Some(Plan::Sleep(timeout)) => timeout,
			Some(Plan::End) | None => return,
		};
		events.clear();
		let waited = faults::check(Site::Wait).and_then(|()| shared.poller.wait(&mut events, timeout));
		if let Err(error) = waited {
			shared.fail(format!("cannot wait for events: {error}"));
			return;
		}
		let is_drained = shared.is_drained.swap(false, Ordering::SeqCst);
		let waiting_text = shared.outbox.waiting_text();
		// One lock for both: a caller that the turn has woken finds it free.
		plan = shared.drive(|core| {
			// What fails here panics.
			let _ = faults::check(Site::Turn);
			if is_drained {
				core.unmute();
			}
			core.wake_up(&events, waiting_text);
			core.plan()
		});
		// After what the deaths mean to others was told.
		sweeper.run();
	}
}

/// Waits for those that were killed.
fn bury(shared: &Shared) {
	let mut events = Events::new();
	let until = Instant::now() + BURIAL;
	while !shared.lock().bury() {
		let now = Instant::now();
		if now >= until {
			return;
		}
		events.clear();
		if shared
			.poller
			.wait(&mut events, Some((until - now).min(Duration::from_millis(20))))
			.is_err()
		{
			std::thread::sleep(Duration::from_millis(1));
		}
	}
}

fn words_of(panic: &(dyn Any + Send)) -> String {
	let words = panic
		.downcast_ref::<&str>()
		.copied()
		.or_else(|| panic.downcast_ref::<String>().map(|s| &**s));
	format!("panicked: {}", words.unwrap_or("without words"))
}
