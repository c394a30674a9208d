//! macOS: kqueue, POSIX shared memory. There is no parent-death signal, so the watch on the control socket has to do.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use polling::os::kqueue::{PollerKqueueExt, Process, ProcessOps};
use polling::{PollMode, Poller};
use pool::{Exit, Memory};
use rustix::event::PollFlags;
use rustix::fs::{FileType, Mode};
use rustix::io::FdFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Pid, Signal};
use rustix::shm;

use super::{Reaped, Round};
use crate::mark::Mark;
use crate::spawn::FileActions;

/// The end of a stream socket's other side, without waiting for data that may lie before it.
pub const PEER_CLOSED: PollFlags = PollFlags::HUP;

/// What `fstat` says of shared memory: its mode has no type.
pub const SHARED_MEMORY_TYPE: FileType = FileType::Unknown;

/// Bytes in one unit of `ru_maxrss`.
pub const MAX_RESIDENT_UNIT: u64 = 1;

/// Extra flags for `posix_spawnattr_setflags`: nothing is inherited but what the file actions name.
pub const SPAWN_FLAGS: c_int = libc::POSIX_SPAWN_CLOEXEC_DEFAULT;

/// A pipe, read end first, close-on-exec.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
	close_on_exec(rustix::pipe::pipe()?)
}

/// A pair of connected stream sockets, close-on-exec.
pub fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
	close_on_exec(rustix::net::socketpair(
		AddressFamily::UNIX,
		SocketType::STREAM,
		SocketFlags::empty(),
		None,
	)?)
}

/// A process that another thread starts in between inherits them; only Linux can make both at once.
fn close_on_exec(pair: (OwnedFd, OwnedFd)) -> io::Result<(OwnedFd, OwnedFd)> {
	rustix::io::fcntl_setfd(&pair.0, FdFlags::CLOEXEC)?;
	rustix::io::fcntl_setfd(&pair.1, FdFlags::CLOEXEC)?;
	Ok(pair)
}

/// Nothing: pipes grow by themselves here.
pub fn enlarge_pipe(_pipe: impl AsFd, _bytes: usize) {}

/// Anonymous memory of exactly this size, which this kernel lets nobody change after the first time.
pub fn shared_memory(bytes: usize) -> io::Result<OwnedFd> {
	static NUMBER: AtomicU32 = AtomicU32::new(0);
	// At most 31 characters. Gone from the name space before this returns.
	let name = format!(
		"/loky-{}-{}",
		std::process::id(),
		NUMBER.fetch_add(1, Ordering::Relaxed)
	);
	let flags = shm::OFlags::RDWR | shm::OFlags::CREATE | shm::OFlags::EXCL;
	let memory = shm::open(&name, flags, Mode::RUSR | Mode::WUSR)?;
	shm::unlink(&name)?;
	rustix::fs::ftruncate(&memory, bytes as u64)?;
	Ok(memory)
}

/// Makes a write to a pipe without readers an error and nothing else. It fails for no pipe.
pub fn prepare_write_end(pipe: impl AsFd) {
	// SAFETY: sets a flag of a descriptor that is borrowed for the call.
	unsafe { libc::fcntl(pipe.as_fd().as_raw_fd(), libc::F_SETNOSIGPIPE, 1) };
}

/// The death of one process in a poll set.
pub struct ProcessWatch {
	pid: Pid,
}

impl ProcessWatch {
	/// Reports `key` when the process is dead. The process must be an unreaped child.
	pub fn start(poller: &Poller, pid: Pid, key: usize) -> io::Result<Self> {
		let watch = Self { pid };
		poller.add_filter(watch.filter(), key, PollMode::Oneshot)?;
		Ok(watch)
	}

	/// Takes it out of the poll set.
	pub fn stop(self, poller: &Poller) {
		let _ = poller.delete_filter(self.filter());
	}

	fn filter(&self) -> Process<'static> {
		// SAFETY: the number is not 0. Where the child is reaped already, its filter is gone, and deleting it fails.
		unsafe { Process::from_pid(self.pid.as_raw_nonzero(), ProcessOps::Exit) }
	}
}

/// Takes the status of a dead child. `None`: it lives. The peak memory here is always the child's own.
pub fn reap(pid: Pid, _watch: Option<&ProcessWatch>, _parent_peak: u64) -> Option<Reaped> {
	let mut status = 0;
	let mut usage = MaybeUninit::<libc::rusage>::zeroed();
	// SAFETY: both pointers are to writable memory of the right types.
	let result = unsafe {
		libc::wait4(
			pid.as_raw_pid(),
			&raw mut status,
			libc::WNOHANG,
			usage.as_mut_ptr(),
		)
	};
	if result == 0 || (result < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted) {
		return None;
	}
	if result < 0 {
		return Some(Reaped::UNKNOWN);
	}
	let exit = if libc::WIFEXITED(status) {
		Exit::Code(libc::WEXITSTATUS(status))
	} else {
		Exit::Signal {
			signal: libc::WTERMSIG(status),
			core_dumped: libc::WCOREDUMP(status),
		}
	};
	// SAFETY: zeroed, then written; a plain structure of integers.
	let usage = unsafe { usage.assume_init() };
	Some(Reaped {
		exit,
		peak_memory: u64::try_from(usage.ru_maxrss).ok(),
	})
}

/// Whether the child is dead and still holds its pid, so that its process group cannot be a stranger's.
pub fn is_zombie(pid: Pid, _watch: Option<&ProcessWatch>) -> bool {
	super::wait_unreaped(pid, libc::WNOHANG).is_ok_and(|is_dead| is_dead)
}

/// Nothing: everything is closed by [`SPAWN_FLAGS`].
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub fn close_the_rest(_actions: &mut FileActions) -> Result<(), c_int> {
	Ok(())
}

/// Nothing of that kind exists here.
pub fn signal_when_parent_dies(_signal: Signal) {}

/// Nothing: the kernel takes no such hint.
pub fn die_before_parent() {}

/// Unknown: nothing measures it here, so no limit is kept.
pub fn memory_of(_pid: Pid) -> Option<Memory> {
	None
}

/// Not known here: a process that a debugger holds is late.
pub fn is_inspected(_pid: Pid, _port: u16) -> bool {
	false
}

/// Nothing: [`prepare_write_end`] serves here.
pub struct SigpipeGuard;

impl SigpipeGuard {
	/// Nothing.
	pub fn block() -> Self {
		Self
	}

	/// Nothing.
	pub fn consume(&self) {}
}

/// Nothing that children inherit here can be given and be asked for, so a process that has left the group is not found.
pub fn bear_mark(_mark: Mark) -> io::Result<()> {
	Err(io::ErrorKind::Unsupported.into())
}

/// See [`bear_mark`].
pub fn kill_marked(_is_wanted: impl Fn(Mark) -> bool, _killed: impl FnMut(Mark)) -> io::Result<Round> {
	Err(io::ErrorKind::Unsupported.into())
}

/// Not here.
///
/// # Safety
///
/// None.
pub unsafe fn start_apart(
	_stack: &'static mut [u8],
	_body: extern "C" fn(*mut c_void) -> c_int,
	_argument: *mut c_void,
) -> io::Result<()> {
	Err(io::ErrorKind::Unsupported.into())
}

/// Nothing, see [`start_apart`].
pub fn close_all() {}
