//! Linux: pidfd, memfd, parent-death signal.

use std::ffi::{c_int, c_long};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use polling::{Event, PollMode, Poller};
use pool::{Exit, Memory};
use rustix::event::PollFlags;
use rustix::fs::{FileType, MemfdFlags, SealFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::Reaped;
use crate::spawn::{FIRST_FOREIGN, FileActions};

/// The end of a stream socket's other side, without waiting for data that may lie before it.
pub const PEER_CLOSED: PollFlags = PollFlags::RDHUP;

/// What `fstat` says of shared memory.
pub const SHARED_MEMORY_TYPE: FileType = FileType::RegularFile;

/// Bytes in one unit of `ru_maxrss`.
pub const MAX_RESIDENT_UNIT: u64 = 1024;

/// Extra flags for `posix_spawnattr_setflags`.
pub const SPAWN_FLAGS: c_int = 0;

/// A pipe, read end first, close-on-exec.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
	Ok(rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?)
}

/// A pair of connected stream sockets, close-on-exec.
pub fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
	Ok(rustix::net::socketpair(
		AddressFamily::UNIX,
		SocketType::STREAM,
		SocketFlags::CLOEXEC,
		None,
	)?)
}

/// Asks for a larger buffer. The kernel refuses beyond the user's quota, and the smaller one works too.
pub fn enlarge_pipe(pipe: impl AsFd, bytes: usize) {
	let _ = rustix::pipe::fcntl_setpipe_size(pipe, bytes);
}

/// Anonymous memory of exactly this size. Sealed: were it made shorter by the other side, touching it would be SIGBUS.
pub fn shared_memory(bytes: usize) -> io::Result<OwnedFd> {
	let memory = rustix::fs::memfd_create("loky-claims", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
	rustix::fs::ftruncate(&memory, bytes as u64)?;
	rustix::fs::fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
	Ok(memory)
}

/// Nothing: [`SigpipeGuard`] serves here.
pub fn prepare_write_end(_pipe: impl AsFd) {}

/// The death of one process in a poll set.
pub struct ProcessWatch {
	descriptor: OwnedFd,
}

impl ProcessWatch {
	/// Reports `key` readable when the process is dead. The process must be an unreaped child.
	pub fn start(poller: &Poller, pid: Pid, key: usize) -> io::Result<Self> {
		let descriptor = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
		let descriptor = crate::descriptor::raise(descriptor)?;
		// SAFETY: `stop` takes the descriptor out of the poll set before it is closed.
		unsafe { poller.add_with_mode(&descriptor, Event::readable(key), PollMode::Level) }?;
		Ok(Self { descriptor })
	}

	/// Takes it out of the poll set.
	pub fn stop(self, poller: &Poller) {
		let _ = poller.delete(&self.descriptor);
	}
}

/// What the kernel writes for `waitid`, in its own layout: a C library may have another (musl on 32 bits).
#[repr(C)]
struct KernelUsage {
	user_time: [c_long; 2],
	system_time: [c_long; 2],
	max_resident_kib: c_long,
	rest: [c_long; 13],
}

/// Takes the status of a dead child. `None`: it lives.
///
/// `parent_peak` is this process's own largest resident set right after the spawn. The kernel carries the peak of the
/// address space in which the spawn ran over to the child, so only a larger number is the child's own.
pub fn reap(pid: Pid, watch: Option<&ProcessWatch>, parent_peak: u64) -> Option<Reaped> {
	wait(pid, watch, libc::WEXITED | libc::WNOHANG, parent_peak)
}

/// Whether the child is dead and still holds its pid, so that its process group cannot be a stranger's.
pub fn is_zombie(pid: Pid, watch: Option<&ProcessWatch>) -> bool {
	let state = wait(pid, watch, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT, 0);
	state.is_some_and(|reaped| reaped.exit != Exit::Unknown)
}

fn wait(pid: Pid, watch: Option<&ProcessWatch>, options: c_int, parent_peak: u64) -> Option<Reaped> {
	let (kind, id) = match watch {
		Some(watch) => (libc::P_PIDFD, watch.descriptor.as_raw_fd()),
		None => (libc::P_PID, pid.as_raw_pid()),
	};
	let mut information = MaybeUninit::<libc::siginfo_t>::zeroed();
	let mut usage = MaybeUninit::<KernelUsage>::zeroed();
	// The C library's `waitid` drops the fifth argument, which carries the peak memory.
	// SAFETY: both pointers are to writable memory in the layout of the kernel.
	let result = unsafe {
		libc::syscall(
			libc::SYS_waitid,
			kind,
			id,
			information.as_mut_ptr(),
			options,
			usage.as_mut_ptr(),
		)
	};
	if result != 0 {
		return match io::Error::last_os_error().raw_os_error() {
			// A kernel with pidfd_open but without P_PIDFD (5.3).
			Some(libc::EINVAL) if watch.is_some() => wait(pid, None, options, parent_peak),
			Some(libc::EINTR) => None,
			_ => Some(Reaped::UNKNOWN),
		};
	}
	// SAFETY: all bit patterns are valid, and it was zeroed.
	let information = unsafe { information.assume_init() };
	// SAFETY: zeroed, and a plain structure of integers.
	let usage = unsafe { usage.assume_init() };
	// SAFETY: for a waitid the kernel fills the SIGCHLD members; zero means that no child was ready.
	if unsafe { information.si_pid() } == 0 {
		return None;
	}
	// SAFETY: as above.
	let status = unsafe { information.si_status() };
	let exit = match information.si_code {
		libc::CLD_EXITED => Exit::Code(status),
		code => Exit::Signal {
			signal: status,
			core_dumped: code == libc::CLD_DUMPED,
		},
	};
	let peak = u64::try_from(usage.max_resident_kib).unwrap_or(0) * 1024;
	Some(Reaped {
		exit,
		peak_memory: (peak > parent_peak).then_some(peak),
	})
}

type AddCloseFrom = unsafe extern "C" fn(*mut libc::posix_spawn_file_actions_t, c_int) -> c_int;

/// Closes everything in the child that is not its own.
pub fn close_the_rest(actions: &mut FileActions) -> Result<(), c_int> {
	// Not linked against: glibc has it since 2.34, and the addon must load on 2.17.
	// SAFETY: a lookup by name has no precondition.
	let found = unsafe {
		libc::dlsym(
			libc::RTLD_DEFAULT,
			c"posix_spawn_file_actions_addclosefrom_np".as_ptr(),
		)
	};
	if found.is_null() {
		return close_one_by_one(actions);
	}
	// SAFETY: the C library documents this signature for the name.
	let add_close_from = unsafe { std::mem::transmute::<*mut libc::c_void, AddCloseFrom>(found) };
	// SAFETY: the actions are initialised.
	match unsafe { add_close_from(actions.as_mut_ptr(), FIRST_FOREIGN) } {
		0 => Ok(()),
		errno => Err(errno),
	}
}

/// For C libraries without `closefrom`. A descriptor that another thread opens meanwhile is missed; closing one that
/// another thread has closed meanwhile is no error to `posix_spawn`.
fn close_one_by_one(actions: &mut FileActions) -> Result<(), c_int> {
	open_descriptors()
		.into_iter()
		.filter(|&descriptor| descriptor >= FIRST_FOREIGN && is_inherited(descriptor))
		.try_for_each(|descriptor| actions.close(descriptor))
}

/// Whether a process that this one executes has the descriptor too.
fn is_inherited(descriptor: RawFd) -> bool {
	// SAFETY: only asks for flags; a closed descriptor is an error, not undefined.
	let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
	flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

fn open_descriptors() -> Vec<RawFd> {
	if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
		return entries
			.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
			.collect();
	}
	// No /proc: try every number that could be one.
	let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
	let limit = limit
		.and_then(|limit| RawFd::try_from(limit).ok())
		.unwrap_or(RawFd::MAX);
	(FIRST_FOREIGN..limit.min(65_536)).collect()
}

/// Sends a signal to this process when the thread that spawned it ends. Where a sandbox refuses it, the watch on the
/// control socket has to do.
pub fn signal_when_parent_dies(signal: Signal) {
	let _ = rustix::process::set_parent_process_death_signal(Some(signal));
}

/// Has the kernel choose this process before its parent when memory runs out, though the parent holds much more: the kernel
/// compares shares of the memory there is, in thousandths, each with this score added. Nine tenths of what is left up to the
/// highest score are taken, so that a worker of a worker can stand above that, too. Where it is refused, size alone
/// decides. Raising one's own score takes no privilege.
pub fn die_before_parent() {
	const FILE: &str = "/proc/self/oom_score_adj";
	const MOST: i32 = 1000;
	let inherited = std::fs::read_to_string(FILE).unwrap_or_default();
	if let Ok(score) = inherited.trim().parse::<i32>() {
		let _ = std::fs::write(FILE, (score + (MOST - score) * 9 / 10).to_string());
	}
}

/// The resident memory of a child that is not reaped. `None` where there is no `/proc`, or no descriptor to read it by.
///
/// Opened for each look, which takes some microseconds: looks are rare, and a descriptor for each worker would be missing
/// where they are scarce.
pub fn memory_of(pid: Pid) -> Option<Memory> {
	let statm = std::fs::read_to_string(format!("/proc/{}/statm", pid.as_raw_pid())).ok()?;
	// In pages: the size, then what is resident.
	let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
	Some(Memory {
		resident: pages * rustix::param::page_size() as u64,
	})
}

/// Whether a debugger holds a child of ours: a native one traces it, or one for JavaScript is connected to `port`, where
/// 0 stands for a process that has not said which: before it runs anything of its own, no other port is open.
pub fn is_inspected(pid: Pid, port: u16) -> bool {
	let path = |name: &str| format!("/proc/{}/{name}", pid.as_raw_pid());
	let status = std::fs::read_to_string(path("status")).unwrap_or_default();
	let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
	if tracer.is_some_and(|tracer| tracer.trim() != "0") {
		return true;
	}
	let tables =
		["net/tcp", "net/tcp6"].map(|table| std::fs::read_to_string(path(table)).unwrap_or_default());
	let connections = tables.iter().flat_map(|table| table.lines().skip(1));
	let mut inodes = connections
		.filter_map(|line| debugger_socket(line, port))
		.peekable();
	if inodes.peek().is_none() {
		return false;
	}
	let own: Vec<String> = std::fs::read_dir(path("fd"))
		.into_iter()
		.flatten()
		.filter_map(|entry| {
			std::fs::read_link(entry.ok()?.path())
				.ok()?
				.into_os_string()
				.into_string()
				.ok()
		})
		.collect();
	inodes.any(|inode| own.contains(&format!("socket:[{inode}]")))
}

/// The inode of a line of the kernel's table of sockets, if it is what [`is_inspected`] looks for.
fn debugger_socket(line: &str, port: u16) -> Option<&str> {
	const ESTABLISHED: &str = "01";
	const LISTEN: &str = "0A";
	let mut fields = line.split_whitespace();
	let local = fields.nth(1)?;
	let state = fields.nth(1)?;
	let (_, local_port) = local.rsplit_once(':')?;
	let is_it = if port == 0 {
		state == LISTEN
	} else {
		state == ESTABLISHED && u16::from_str_radix(local_port, 16) == Ok(port)
	};
	is_it.then(|| fields.nth(5)).flatten()
}

/// Keeps SIGPIPE away from the calling thread while it writes.
///
/// A write to a pipe without readers raises SIGPIPE in the writing thread. Node ignores it, but a listener that was added
/// and removed resets it to the default, which ends the process. The disposition belongs to the process and is not ours to
/// change; the mask belongs to the thread.
pub struct SigpipeGuard {
	previous: libc::sigset_t,
}

impl SigpipeGuard {
	/// Blocks the signal.
	pub fn block() -> Self {
		let mut previous = empty_set();
		let pipe = only_sigpipe();
		// SAFETY: both sets are initialised.
		unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut previous) };
		Self { previous }
	}

	/// Takes back the signal that a write raised which failed with `EPIPE`.
	pub fn consume(&self) {
		// SAFETY: the set is initialised.
		if unsafe { libc::sigismember(&raw const self.previous, libc::SIGPIPE) } == 1 {
			return; // The thread blocks it by itself: what is pending may be its own.
		}
		let pipe = only_sigpipe();
		let now = libc::timespec {
			tv_sec: 0,
			tv_nsec: 0,
		};
		// SAFETY: the set and the time are initialised, and the answer is not wanted.
		unsafe { libc::sigtimedwait(&raw const pipe, std::ptr::null_mut(), &raw const now) };
	}
}

impl Drop for SigpipeGuard {
	fn drop(&mut self) {
		// SAFETY: the set came from the same call.
		unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.previous, std::ptr::null_mut()) };
	}
}

fn only_sigpipe() -> libc::sigset_t {
	let mut set = empty_set();
	// SAFETY: the set is initialised.
	unsafe { libc::sigaddset(&raw mut set, libc::SIGPIPE) };
	set
}

fn empty_set() -> libc::sigset_t {
	let mut set = MaybeUninit::uninit();
	// SAFETY: writes the whole set.
	unsafe { libc::sigemptyset(set.as_mut_ptr()) };
	// SAFETY: written above.
	unsafe { set.assume_init() }
}

#[cfg(test)]
mod tests {
	use std::fs::File;

	use super::*;

	#[test]
	fn the_memory_of_a_process_grows_with_what_it_touches() {
		let own = rustix::process::getpid();
		let before = memory_of(own).unwrap();
		let block = std::hint::black_box(vec![1_u8; 64 << 20]);
		let after = memory_of(own).unwrap();
		assert!(
			after.resident > before.resident + (60 << 20),
			"{before:?} {after:?}"
		);
		drop(block);
	}

	#[test]
	fn the_memory_of_a_process_that_is_none_is_unknown() {
		// Beyond the largest number that the kernel gives.
		assert_eq!(memory_of(Pid::from_raw(i32::MAX).unwrap()), None);
	}

	#[test]
	fn a_debugger_is_found_by_its_connection_to_the_port_and_nobody_else_is_taken_for_one() {
		let own = rustix::process::getpid();
		let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
		let port = server.local_addr().unwrap().port();
		assert!(!is_inspected(own, port));
		let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
		let (connection, _) = server.accept().unwrap();
		assert!(is_inspected(own, port));
		// That end belongs to the debugger.
		assert!(!is_inspected(rustix::process::getppid().unwrap(), port));
		assert!(!is_inspected(own, port - 1));
		assert!(is_inspected(own, 0));
		drop((server, connection, client));
		assert!(!is_inspected(own, 0));
	}

	#[test]
	fn without_closefrom_every_descriptor_that_would_be_inherited_is_closed() {
		let own = File::open("/dev/zero").unwrap();
		let foreign = rustix::io::dup(&own).unwrap();
		let found = open_descriptors();
		assert!(found.contains(&foreign.as_raw_fd()));
		assert!(is_inherited(foreign.as_raw_fd()));
		assert!(found.contains(&own.as_raw_fd()));
		assert!(!is_inherited(own.as_raw_fd()));
		close_one_by_one(&mut FileActions::new().unwrap()).unwrap();
	}
}
