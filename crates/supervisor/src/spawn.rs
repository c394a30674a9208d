//! Making a worker process.
//!
//! `posix_spawn`, never `fork`: its price does not grow with the parent, and it runs nothing of ours in the child.

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_short};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;

use pool::SpawnFailure;
use rustix::process::Pid;

use crate::claims::ClaimMemory;
use crate::descriptor::{raise, raise_both, set_nonblocking};
use crate::faults::{Site, check as check_fault};
use crate::mark::Mark;
use crate::memory_kills::KillCounter;
use crate::ring::{self, RingReader};
use crate::{Launch, StartError, TextUse, sys};

/// The numbers that descriptors have in a worker.
pub const TASKS: RawFd = 3;
/// See [`TASKS`].
pub const RESULTS: RawFd = 4;
/// See [`TASKS`].
pub const CONTROL: RawFd = 5;
/// See [`TASKS`].
pub const CLAIMS: RawFd = 6;
/// From here on, nothing is open in a worker when it starts.
#[cfg_attr(
	not(target_os = "linux"),
	expect(dead_code, reason = "others close by name, not by number")
)]
pub const FIRST_FOREIGN: RawFd = 7;

/// Four times the default: a prefetched batch of tasks then needs fewer wake-ups of both sides. What an unprivileged user
/// may have in all pipes together is bounded (64 MiB on Linux), so not more.
const PIPE_BYTES: usize = 256 * 1024;

/// A [`Launch`] as the kernel wants it, made once.
pub struct CommandLine {
	program: CString,
	arguments: Vec<CString>,
	environment: Vec<CString>,
	/// Whether standard output is the null device.
	discards_output: bool,
}

impl CommandLine {
	/// Writes the launch down.
	pub fn new(launch: Launch) -> Result<Self, StartError> {
		let program = c_string(launch.program.into())?;
		let mut arguments = vec![program.clone()];
		for argument in launch.arguments {
			arguments.push(c_string(argument)?);
		}
		let mut environment = Vec::with_capacity(launch.environment.len());
		for (mut entry, value) in launch.environment {
			entry.push("=");
			entry.push(value);
			environment.push(c_string(entry)?);
		}
		Ok(Self {
			program,
			arguments,
			environment,
			discards_output: launch.text_use == TextUse::Discarded,
		})
	}
}

fn c_string(text: OsString) -> Result<CString, StartError> {
	CString::new(text.into_vec()).map_err(|_| StartError::NulInLaunch)
}

/// A process that was just made, with our ends of its descriptors.
pub struct Spawned {
	/// Its process, which leads its own group of the same number.
	pub pid: Pid,
	/// Where frames to it are written. Non-blocking.
	pub tasks: OwnedFd,
	/// Where its frames are read. Non-blocking.
	pub results: OwnedFd,
	/// Where its standard output is read, unless that is discarded. Non-blocking.
	pub output: Option<OwnedFd>,
	/// Where its standard error is read. Non-blocking.
	pub errors: OwnedFd,
	/// Closed with us, which tells it that we are gone.
	pub control: OwnedFd,
	/// Shared with it.
	pub claims: ClaimMemory,
	/// Shared with it.
	pub ring: RingReader,
	/// What counts its death, if memory runs out.
	pub kills: Option<KillCounter>,
}

/// Makes a process, which is to bear the mark. Waits until the kernel has executed the program.
pub fn spawn(command: &CommandLine, mark: Option<Mark>) -> Result<Spawned, SpawnFailure> {
	let failed = |operation| move |error: io::Error| failure(operation, &error);
	let pipe = || {
		check_fault(Site::Pipe)
			.and_then(|()| sys::pipe())
			.and_then(raise_both)
			.map_err(failed("pipe2"))
	};

	let (their_tasks, tasks) = pipe()?;
	let (results, their_results) = pipe()?;
	let (output, their_output) = if command.discards_output {
		(None, null_device().map_err(failed("open"))?)
	} else {
		let (read, write) = pipe()?;
		(Some(read), write)
	};
	let (errors, their_errors) = pipe()?;
	let (control, their_control) = check_fault(Site::SocketPair)
		.and_then(|()| sys::socket_pair())
		.and_then(raise_both)
		.map_err(failed("socketpair"))?;
	let memory = check_fault(Site::SharedMemory)
		.and_then(|()| sys::shared_memory(ring::MEMORY))
		.and_then(raise)
		.map_err(failed("shared memory"))?;
	let claims = check_fault(Site::Map)
		.and_then(|()| ClaimMemory::map(&memory))
		.map_err(failed("mmap"))?;
	if let Some(mark) = mark {
		claims.give_mark(mark);
	}
	let ring = RingReader::map(&memory).map_err(failed("mmap"))?;
	for end in [&tasks, &results, &errors].into_iter().chain(&output) {
		check_fault(Site::Flags)
			.and_then(|()| set_nonblocking(end))
			.map_err(failed("fcntl"))?;
	}
	for end in [&tasks, &results] {
		sys::enlarge_pipe(end, PIPE_BYTES);
	}
	sys::prepare_write_end(&tasks);

	let of_child = [
		(&their_output, 1),
		(&their_errors, 2),
		(&their_tasks, TASKS),
		(&their_results, RESULTS),
		(&their_control, CONTROL),
		(&memory, CLAIMS),
	];
	let actions = child_descriptors(&of_child)
		.map_err(|errno| failure("posix_spawn_file_actions", &io::Error::from_raw_os_error(errno)))?;
	let attributes = Attributes::new()
		.map_err(|errno| failure("posix_spawnattr", &io::Error::from_raw_os_error(errno)))?;
	check_fault(Site::Spawn).map_err(failed("posix_spawn"))?;
	let kills = KillCounter::own();
	let pid = execute(command, &actions, &attributes)
		.map_err(|errno| failure("posix_spawn", &io::Error::from_raw_os_error(errno)))?;
	Ok(Spawned {
		pid,
		tasks,
		results,
		output,
		errors,
		control,
		claims,
		ring,
		kills,
	})
}

/// A failure with whether trying again may help.
pub fn failure(operation: &'static str, error: &io::Error) -> SpawnFailure {
	let errno = error.raw_os_error().unwrap_or(0);
	let is_transient = matches!(errno, libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE);
	SpawnFailure {
		operation,
		errno,
		is_transient,
	}
}

fn null_device() -> io::Result<OwnedFd> {
	raise(OwnedFd::from(File::options().write(true).open("/dev/null")?))
}

fn child_descriptors(of_child: &[(&OwnedFd, RawFd)]) -> Result<FileActions, c_int> {
	let mut actions = FileActions::new()?;
	actions.open(0, c"/dev/null", libc::O_RDONLY)?;
	for &(descriptor, number) in of_child {
		actions.duplicate(descriptor.as_raw_fd(), number)?;
	}
	sys::close_the_rest(&mut actions)?;
	Ok(actions)
}

fn execute(command: &CommandLine, actions: &FileActions, attributes: &Attributes) -> Result<Pid, c_int> {
	let arguments = pointers(&command.arguments);
	let environment = pointers(&command.environment);
	let mut pid = 0;
	// SAFETY: the strings and both null-terminated lists outlive the call; actions and attributes are initialised.
	let errno = unsafe {
		libc::posix_spawn(
			&raw mut pid,
			command.program.as_ptr(),
			&raw const actions.0,
			&raw const attributes.0,
			arguments.as_ptr(),
			environment.as_ptr(),
		)
	};
	match Pid::from_raw(pid) {
		Some(pid) if errno == 0 => Ok(pid),
		_ => Err(errno),
	}
}

fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
	strings
		.iter()
		.map(|string| string.as_ptr().cast_mut())
		.chain([std::ptr::null_mut()])
		.collect()
}

/// What happens to descriptors between the spawn and the program, in order.
pub struct FileActions(libc::posix_spawn_file_actions_t);

impl FileActions {
	/// None.
	pub fn new() -> Result<Self, c_int> {
		let mut actions = MaybeUninit::uninit();
		// SAFETY: initialises the whole value where it returns 0.
		check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
		// SAFETY: initialised above.
		Ok(Self(unsafe { actions.assume_init() }))
	}

	fn open(&mut self, number: RawFd, path: &CStr, flags: c_int) -> Result<(), c_int> {
		// SAFETY: initialised, and the path is copied.
		check(unsafe {
			libc::posix_spawn_file_actions_addopen(&raw mut self.0, number, path.as_ptr(), flags, 0)
		})
	}

	fn duplicate(&mut self, from: RawFd, to: RawFd) -> Result<(), c_int> {
		// SAFETY: initialised.
		check(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.0, from, to) })
	}

	/// Closes one descriptor.
	#[cfg_attr(
		not(target_os = "linux"),
		expect(dead_code, reason = "others can close all at once")
	)]
	pub fn close(&mut self, descriptor: RawFd) -> Result<(), c_int> {
		// SAFETY: initialised.
		check(unsafe { libc::posix_spawn_file_actions_addclose(&raw mut self.0, descriptor) })
	}

	/// For calls that only one platform has.
	pub fn as_mut_ptr(&mut self) -> *mut libc::posix_spawn_file_actions_t {
		&raw mut self.0
	}
}

impl Drop for FileActions {
	fn drop(&mut self) {
		// SAFETY: initialised, and not used again.
		unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
	}
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
	/// Its own process group, no signal blocked, none ignored: whatever the parent does with signals is not its worker's.
	fn new() -> Result<Self, c_int> {
		let mut attributes = MaybeUninit::uninit();
		// SAFETY: initialises the whole value where it returns 0.
		check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
		// SAFETY: initialised above.
		let mut attributes = Self(unsafe { attributes.assume_init() });
		let this = &raw mut attributes.0;

		let mut signals = MaybeUninit::uninit();
		// SAFETY: writes the whole set.
		unsafe { libc::sigfillset(signals.as_mut_ptr()) };
		// SAFETY: the attributes and the set are initialised.
		check(unsafe { libc::posix_spawnattr_setsigdefault(this, signals.as_ptr()) })?;
		// SAFETY: writes the whole set.
		unsafe { libc::sigemptyset(signals.as_mut_ptr()) };
		// SAFETY: the attributes and the set are initialised.
		check(unsafe { libc::posix_spawnattr_setsigmask(this, signals.as_ptr()) })?;
		// SAFETY: the attributes are initialised. Group 0 is a new one with the number of the process.
		check(unsafe { libc::posix_spawnattr_setpgroup(this, 0) })?;
		let flags = libc::POSIX_SPAWN_SETPGROUP
			| libc::POSIX_SPAWN_SETSIGMASK
			| libc::POSIX_SPAWN_SETSIGDEF
			| sys::SPAWN_FLAGS;
		#[expect(clippy::cast_possible_truncation, reason = "the flags are bits of a short")]
		// SAFETY: the attributes are initialised.
		check(unsafe { libc::posix_spawnattr_setflags(this, flags as c_short) })?;
		Ok(attributes)
	}
}

impl Drop for Attributes {
	fn drop(&mut self) {
		// SAFETY: initialised, and not used again.
		unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
	}
}

fn check(errno: c_int) -> Result<(), c_int> {
	if errno == 0 { Ok(()) } else { Err(errno) }
}
