//! One worker's process between its spawn and its reap.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use polling::Poller;
use pool::{Memory, SpawnFailure, StopSignal, WorkerId};
use rustix::process::{Pid, Signal};

use crate::DeathWatch;
use crate::faults::{self, Site};
use crate::spawn::failure;
use crate::sys::{self, ProcessWatch, Reaped};

/// A child of ours that is not reaped.
///
/// The pid stays ours until it is reaped, so signalling before the reap cannot hit a stranger.
pub struct Process {
	pid: Pid,
	/// `None`: a thread waits for it.
	watch: Option<ProcessWatch>,
	parent_peak: u64,
}

/// Where the threads that wait for deaths report them. They ring the poller after that.
#[derive(Clone)]
pub struct Obituaries {
	poller: Arc<Poller>,
	dead: Arc<Mutex<Vec<WorkerId>>>,
}

impl Obituaries {
	/// None yet.
	pub fn new(poller: Arc<Poller>) -> Self {
		Self {
			poller,
			dead: Arc::default(),
		}
	}

	/// Those that came since the last call.
	pub fn take(&self) -> Vec<WorkerId> {
		std::mem::take(&mut *self.dead.lock().unwrap_or_else(PoisonError::into_inner))
	}

	fn report(&self, worker: WorkerId) {
		self.dead
			.lock()
			.unwrap_or_else(PoisonError::into_inner)
			.push(worker);
		// It fails only when the poller is broken, which its own thread notices.
		let _ = self.poller.notify();
	}
}

impl Process {
	/// Begins to watch a process that was just spawned. Its death makes `key` readable, or is reported as an obituary.
	///
	/// The process is killed where it cannot be watched.
	pub fn watch(
		pid: Pid,
		(worker, key): (WorkerId, usize),
		preference: Option<DeathWatch>,
		obituaries: &Obituaries,
	) -> Result<Self, SpawnFailure> {
		let mut process = Self {
			pid,
			watch: None,
			parent_peak: own_peak_memory(),
		};
		if preference != Some(DeathWatch::Thread) {
			// Refused by old kernels (ENOSYS), by sandboxes (EPERM), and where descriptors are scarce.
			process.watch = faults::check(Site::Pidfd)
				.and_then(|()| ProcessWatch::start(&obituaries.poller, pid, key))
				.ok();
		}
		if process.watch.is_none() {
			let obituaries = obituaries.clone();
			let builder = thread::Builder::new()
				.name(format!("loky death {}", worker.0))
				.stack_size(64 * 1024);
			let wait = move || {
				sys::wait_for_death(pid);
				obituaries.report(worker);
			};
			let waiting = faults::check(Site::Thread).and_then(|()| builder.spawn(wait));
			if let Err(error) = waiting {
				process.kill_and_reap();
				return Err(failure("thread", &error));
			}
		}
		Ok(process)
	}

	/// The number that the kernel gave it.
	pub fn pid(&self) -> Pid {
		self.pid
	}

	/// Its resident memory, where that can be told.
	pub fn memory(&self) -> Option<Memory> {
		sys::memory_of(self.pid)
	}

	/// Sends an order of the pool to the worker and to every process that it started in its group.
	pub fn order(&self, signal: StopSignal) {
		self.signal_group(match signal {
			StopSignal::Terminate => Signal::TERM,
			StopSignal::Kill => Signal::KILL,
		});
	}

	fn signal_group(&self, signal: Signal) {
		// It fails only when the whole group is gone already, and the death is about to be noticed.
		let _ = rustix::process::kill_process_group(self.pid, signal);
	}

	/// Ends a process that nobody will ever hear of.
	pub fn kill_and_reap(&self) {
		self.signal_group(Signal::KILL);
		sys::wait_for_death(self.pid);
		self.reap();
	}

	/// Kills what is left of its group, then takes its status. `None`: it lives, the report was wrong.
	pub fn reap(&self) -> Option<Reaped> {
		// Before the reap: the dead leader keeps the number of the group from being given to others.
		if sys::is_zombie(self.pid, self.watch.as_ref()) {
			self.signal_group(Signal::KILL);
		}
		sys::reap(self.pid, self.watch.as_ref(), self.parent_peak)
	}

	/// Takes the watch of a process that was reaped out of the poll set.
	pub fn leave(&mut self, poller: &Poller) {
		if let Some(watch) = self.watch.take() {
			watch.stop(poller);
		}
	}
}

/// The largest resident set of this process so far, in bytes.
fn own_peak_memory() -> u64 {
	let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
	// SAFETY: the pointer is to writable memory of the right type.
	if unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) } != 0 {
		return u64::MAX;
	}
	// SAFETY: zeroed, then written; a plain structure of integers.
	let usage = unsafe { usage.assume_init() };
	u64::try_from(usage.ru_maxrss)
		.unwrap_or(u64::MAX)
		.saturating_mul(sys::MAX_RESIDENT_UNIT)
}

/// Blocks every signal in the calling thread except those that the kernel raises for a fault in it, so that the handlers
/// of the program run in the threads of the program.
pub fn block_signals() -> io::Result<()> {
	let mut set = std::mem::MaybeUninit::uninit();
	// SAFETY: writes the whole set.
	unsafe { libc::sigfillset(set.as_mut_ptr()) };
	for fault in [
		libc::SIGSEGV,
		libc::SIGBUS,
		libc::SIGILL,
		libc::SIGFPE,
		libc::SIGTRAP,
		libc::SIGABRT,
	] {
		// SAFETY: the set is initialised.
		unsafe { libc::sigdelset(set.as_mut_ptr(), fault) };
	}
	// SAFETY: the set is initialised, and the old mask is not wanted.
	match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut()) } {
		0 => Ok(()),
		errno => Err(io::Error::from_raw_os_error(errno)),
	}
}
