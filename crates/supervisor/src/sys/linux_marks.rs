//! Linux: marks as limits of file locks, processes by `/proc`, signals by pidfd.
//!
//! Nothing here allocates, takes a lock or uses thread-local state other than `errno`: a worker that ends runs it in a
//! process that shares its memory, whatever state that is in.

use std::ffi::{CStr, c_int, c_long, c_void};
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::null;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

use super::Round;
use crate::mark::Mark;

/// A limit as this system call has it, also on 32 bits.
#[repr(C)]
#[derive(Clone, Copy)]
struct Limit {
	soft: u64,
	hard: u64,
}

/// The limit of file locks of a process, 0 being this one.
fn lock_limit(pid: c_int, new: Option<Limit>) -> io::Result<Limit> {
	let mut old = Limit { soft: 0, hard: 0 };
	let new = new.as_ref().map_or(null(), |limit| &raw const *limit);
	// SAFETY: one pointer is null or to a limit that lives during the call, the other to writable memory of that type.
	let result = unsafe { libc::syscall(libc::SYS_prlimit64, pid, libc::RLIMIT_LOCKS, new, &raw mut old) };
	if result == 0 {
		Ok(old)
	} else {
		Err(io::Error::last_os_error())
	}
}

/// Gives this process, and all that it starts from here on, a mark. It loses the one that it had.
pub fn bear_mark(mark: Mark) -> io::Result<()> {
	let hard = lock_limit(0, None)?.hard;
	let soft = mark.number();
	lock_limit(0, Some(Limit { soft, hard })).map(drop)
}

/// Looks once at every process there is, and kills those with a mark that is wanted, except this one. Tells the mark of each.
///
/// The mark is read once more after the pidfd was opened. Were the number given to another process in between, the signal would
/// meet the old one, which is dead. Processes that may not be asked, those of other users, are passed over.
///
/// # Errors
///
/// Those of reading `/proc`. Then nothing can be found.
pub fn kill_marked(is_wanted: impl Fn(Mark) -> bool, mut killed: impl FnMut(Mark)) -> io::Result<Round> {
	// So small that what a batch names is looked at before it is out of date: some processes live for microseconds.
	let mut batch = [const { MaybeUninit::uninit() }; 1024];
	let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
	let folder = rustix::fs::open(c"/proc", flags, Mode::empty())?;
	let this = rustix::process::getpid();
	let mut entries = RawDir::new(folder, &mut batch);
	let mut round = Round::default();
	while let Some(entry) = entries.next() {
		let Some(pid) = process_number(entry?.file_name()) else {
			continue;
		};
		let mark = match mark_of(pid) {
			Ok(Some(mark)) if pid != this && is_wanted(mark) => mark,
			Err(Errno::SRCH) => {
				round.has_missed = true;
				continue;
			}
			_ => continue,
		};
		match end(pid) {
			Ok(Fate::Killed) => {
				round.found += 1;
				killed(mark);
			}
			Err(Errno::SRCH) => round.has_missed = true,
			// Where it is an error, it has become another user's, and is not ours to kill.
			Ok(Fate::WasDead) | Err(_) => {}
		}
	}
	Ok(round)
}

fn process_number(name: &CStr) -> Option<Pid> {
	let name = name.to_bytes();
	name.first().filter(|digit| digit.is_ascii_digit())?;
	Pid::from_raw(str::from_utf8(name).ok()?.parse().ok()?)
}

fn mark_of(pid: Pid) -> Result<Option<Mark>, Errno> {
	match lock_limit(pid.as_raw_pid(), None) {
		Ok(limit) => Ok(Mark::from_number(limit.soft)),
		Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::PERM)),
	}
}

enum Fate {
	Killed,
	/// A zombie keeps its number and its limits.
	WasDead,
}

/// Kills a process that was found marked.
fn end(pid: Pid) -> Result<Fate, Errno> {
	match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
		Ok(process) => end_known(pid, &process),
		Err(Errno::SRCH) => Err(Errno::SRCH),
		// Refused by old kernels and by sandboxes, or there are no descriptors. Between the look and the kill are microseconds.
		Err(_) => end_by_number(pid),
	}
}

fn end_known(pid: Pid, process: &OwnedFd) -> Result<Fate, Errno> {
	let mut state = [PollFd::new(process, PollFlags::IN)];
	if rustix::event::poll(&mut state, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
		reap_as_init(process);
		return Ok(Fate::WasDead);
	}
	// It lived when its mark was read again, or had lost its number: then the signal meets nobody.
	mark_of(pid)?.ok_or(Errno::SRCH)?;
	match rustix::process::pidfd_send_signal(process, Signal::KILL) {
		Err(Errno::NOSYS) => end_by_number(pid),
		result => result.map(|()| Fate::Killed),
	}
}

fn end_by_number(pid: Pid) -> Result<Fate, Errno> {
	if is_zombie_by_number(pid) {
		return Ok(Fate::WasDead);
	}
	rustix::process::kill_process(pid, Signal::KILL).map(|()| Fate::Killed)
}

fn is_zombie_by_number(pid: Pid) -> bool {
	let mut path = [0; 32];
	let mut room = &mut path[..31];
	let mut start = [0; 256];
	// The last byte stays the NUL of a C string.
	let is_written = write!(room, "/proc/{}/stat", pid.as_raw_pid()).is_ok();
	let Ok(path) = CStr::from_bytes_until_nul(&path) else {
		return false;
	};
	let Ok(file) = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) else {
		return false;
	};
	let Ok(length) = rustix::io::read(&file, &mut start) else {
		return false;
	};
	// The name before the state may contain anything, but at most 64 bytes of it.
	let state = start[..length].iter().rposition(|&byte| byte == b')');
	is_written && state.is_some_and(|end| matches!(start.get(end + 2), Some(b'Z' | b'X')))
}

/// The first process of a namespace is given all orphans, and nobody else can reap them.
fn reap_as_init(process: &OwnedFd) {
	if rustix::process::getpid() == Pid::INIT {
		let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
		// It fails where another process is the parent.
		let _ = rustix::process::waitid(WaitId::PidFd(process.as_fd()), options);
	}
}

type Body = extern "C" fn(*mut c_void) -> c_int;

/// Runs `body` in another process, which shares the memory of this one and goes on when this one is killed. It has a copy of the
/// descriptors. Costs nothing that grows with the memory, and works where no memory is left.
///
/// # Safety
///
/// `argument` has to be what `body` expects, and to stay valid as the stack does, for as long as either process lives.
/// `body` may not allocate.
pub unsafe fn start_apart(stack: &'static mut [u8], body: Body, argument: *mut c_void) -> io::Result<()> {
	let top = stack.as_mut_ptr_range().end;
	let top = top.wrapping_sub(top.addr() % 16);
	// No signal is sent when it ends: who inherits it gets the usual one.
	// SAFETY: the stack is writable, nobody else's and outlives the process; the rest is the caller's promise.
	let pid = unsafe { libc::clone(body, top.cast(), libc::CLONE_VM, argument) };
	if pid < 0 {
		Err(io::Error::last_os_error())
	} else {
		Ok(())
	}
}

/// Closes every descriptor above the standard ones. Where that cannot be, they are closed by the end of the process.
pub fn close_all() {
	let first: c_long = 3;
	// SAFETY: for the process that `start_apart` has made, whose descriptors are nobody else's.
	unsafe { libc::syscall(libc::SYS_close_range, first, c_long::from(u32::MAX), 0_i64) };
}
