//! Failures on request, for tests. Without the feature `fault-injection` nothing fails, and the questions cost nothing.

use std::io;

/// Where something can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
	/// One pipe of a worker.
	Pipe,
	/// The control socket of a worker.
	SocketPair,
	/// The claim memory of a worker.
	SharedMemory,
	/// Its mapping in the parent.
	Map,
	/// A change of a descriptor's flags.
	Flags,
	/// The process itself.
	Spawn,
	/// The watch for its death by a descriptor.
	Pidfd,
	/// The thread that watches for its death otherwise.
	Thread,
	/// Its pipes in the poll set.
	Listen,
	/// The wait for events.
	Wait,
	/// A turn of the supervisor's thread: it panics instead of failing.
	Turn,
}

#[cfg(not(feature = "fault-injection"))]
mod plan {
	use super::{Site, io};

	#[expect(clippy::unnecessary_wraps, reason = "with the feature, it fails on request")]
	pub fn check(_site: Site) -> io::Result<()> {
		Ok(())
	}

	pub fn most_bytes() -> usize {
		usize::MAX
	}
}

#[cfg(feature = "fault-injection")]
mod plan {
	use std::sync::atomic::{AtomicUsize, Ordering};
	use std::sync::{Mutex, MutexGuard, PoisonError};

	use super::{Site, io};

	/// What fails, in every supervisor of this process.
	#[derive(Clone, Copy, Debug)]
	pub struct Fault {
		/// Where.
		pub site: Site,
		/// How many calls succeed before.
		pub after: usize,
		/// How many calls fail then.
		pub times: usize,
		/// How they fail.
		pub errno: i32,
	}

	#[derive(Default)]
	struct Plan {
		fault: Option<Fault>,
		/// Of the planned site.
		calls: usize,
	}

	static PLAN: Mutex<Plan> = Mutex::new(Plan {
		fault: None,
		calls: 0,
	});
	static MOST_BYTES: AtomicUsize = AtomicUsize::new(usize::MAX);

	fn plan() -> MutexGuard<'static, Plan> {
		PLAN.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Plans a fault instead of the one that was planned, or none, and counts the calls from 0.
	pub fn inject(fault: Option<Fault>) {
		*plan() = Plan { fault, calls: 0 };
	}

	/// How often the planned site was passed.
	#[must_use]
	pub fn calls() -> usize {
		plan().calls
	}

	/// The most bytes that a pipe gives or takes at once.
	pub fn limit_bytes(most: usize) {
		MOST_BYTES.store(most, Ordering::SeqCst);
	}

	pub fn check(site: Site) -> io::Result<()> {
		let mut plan = plan();
		let Some(fault) = plan.fault.filter(|fault| fault.site == site) else {
			return Ok(());
		};
		plan.calls += 1;
		let number = plan.calls - 1;
		drop(plan);
		if number < fault.after || number - fault.after >= fault.times {
			return Ok(());
		}
		assert!(site != Site::Turn, "injected");
		Err(io::Error::from_raw_os_error(fault.errno))
	}

	pub fn most_bytes() -> usize {
		MOST_BYTES.load(Ordering::SeqCst)
	}
}

#[cfg(feature = "fault-injection")]
pub use plan::{Fault, calls, inject, limit_bytes};
pub(crate) use plan::{check, most_bytes};
