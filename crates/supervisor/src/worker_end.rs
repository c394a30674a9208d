//! The other end of the pipes, inside a worker process.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::Arc;

use bytes::Bytes;
use pool::frame::{Frame, FrameKind, MAX_PAYLOAD};
use pool::{FunctionId, SLOTS, Sequence};
use rustix::event::PollFlags;
use rustix::fs::FileType;
use rustix::io::{Errno, FdFlags};

use crate::channel::{Arrival, Inbound, wait_until, write_whole};
use crate::claims::{ClaimMemory, Remark};
use crate::descriptor::set_nonblocking;
use crate::last_act::LastAct;
use crate::ring::RingWriter;
use crate::spawn::{CLAIMS, CONTROL, RESULTS, TASKS};
use crate::{OpenError, ReadError, sys, watcher};

/// What is read at most in one call, so that the worker comes to its first task soon.
const READ_BUDGET: usize = 1024 * 1024;

/// What a worker process has of its supervisor.
pub struct WorkerEnd {
	tasks: Inbound,
	results: OwnedFd,
	claims: ClaimMemory,
	ring: RingWriter,
	last_act: Arc<LastAct>,
}

impl WorkerEnd {
	/// Takes the descriptors that the supervisor gave to this process, and starts the watch that ends the process when
	/// its parent is gone. To be called once, from a thread that lives as long as the process.
	///
	/// # Errors
	///
	/// [`OpenError::NotAWorker`] where a descriptor is not what a supervisor gives.
	pub fn open() -> Result<Self, OpenError> {
		check(TASKS, FileType::Fifo, "task pipe")?;
		check(RESULTS, FileType::Fifo, "result pipe")?;
		check(CONTROL, FileType::Socket, "control socket")?;
		check(CLAIMS, sys::SHARED_MEMORY_TYPE, "claim memory")?;
		let [tasks, results, control, memory] = [TASKS, RESULTS, CONTROL, CLAIMS].map(|descriptor| {
			// SAFETY: open, as was checked; the caller promises to call this once, so nobody else owns it.
			unsafe { OwnedFd::from_raw_fd(descriptor) }
		});
		let failed = |operation| move |error| OpenError::System { operation, error };
		for descriptor in [&tasks, &results, &control, &memory] {
			// Processes that the task starts must not hold our pipes open after our death.
			rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC)
				.map_err(|error| failed("fcntl")(error.into()))?;
		}
		set_nonblocking(&tasks).map_err(failed("fcntl"))?;
		// A bell must not wait for room: a full pipe wakes the supervisor anyway.
		set_nonblocking(&results).map_err(failed("fcntl"))?;
		let claims = ClaimMemory::map(&memory).map_err(failed("mmap"))?;
		let ring = RingWriter::map(&memory).map_err(failed("mmap"))?;
		sys::die_before_parent();
		// Where it is refused, what leaves the group cannot be found.
		let mark = claims.mark().filter(|&mark| sys::bear_mark(mark).is_ok());
		let last_act = Arc::new(LastAct::new(mark));
		watcher::start(control, Arc::clone(&last_act)).map_err(failed("the watch for the parent's end"))?;
		Ok(Self {
			tasks: Inbound::new(tasks, MAX_PAYLOAD),
			results,
			claims,
			ring,
			last_act,
		})
	}

	/// The descriptor that becomes readable when tasks arrive. Non-blocking.
	#[must_use]
	pub fn task_descriptor(&self) -> RawFd {
		self.tasks.pipe().as_raw_fd()
	}

	/// Reads what has arrived, a bounded amount, without waiting. `false`: the parent is gone. Then call
	/// [`Self::end_with_descendants`]; an ordinary exit would leave the processes behind that the tasks have started.
	///
	/// # Errors
	///
	/// [`ReadError`] where the pipe fails or its bytes are no frames. Nothing can be read after it.
	pub fn read_frames(&mut self, into: &mut Vec<Frame>) -> Result<bool, ReadError> {
		let before = into.len();
		let arrival = self.tasks.receive(READ_BUDGET, |frame| into.push(frame));
		if into.len() > before {
			self.ring.has_tasks();
		}
		match arrival {
			Arrival::Drained | Arrival::Budget => Ok(true),
			Arrival::Ended => Ok(false),
			Arrival::Garbage(error) => Err(ReadError::Frame(error)),
			Arrival::Failed(error) => Err(ReadError::Pipe(error.into())),
		}
	}

	/// Waits until [`Self::read_frames`] has something to say.
	///
	/// # Errors
	///
	/// Those of `poll`.
	pub fn wait_readable(&self) -> io::Result<()> {
		wait_until(self.tasks.pipe(), PollFlags::IN)?;
		Ok(())
	}

	/// Sends one frame. Waits where it has to go through the pipe and that is full.
	///
	/// `is_last`: no other will follow before the supervisor sends something, so it is told at once. Otherwise, of many frames
	/// that follow each other quickly, some wait up to a millisecond.
	///
	/// # Errors
	///
	/// Those of `writev`; `EPIPE` where the parent is gone, as in [`Self::read_frames`].
	///
	/// # Panics
	///
	/// On a payload of more than [`MAX_PAYLOAD`] bytes.
	pub fn write_frame(
		&self,
		kind: FrameKind,
		sequence: Sequence,
		payload: &[u8],
		is_last: bool,
	) -> io::Result<()> {
		// SAFETY: `payload` is readable for its length until this function returns, and the frame does not leave it.
		let borrowed = unsafe { std::slice::from_raw_parts(payload.as_ptr(), payload.len()) };
		let frame = Frame {
			kind,
			sequence,
			function: FunctionId(0),
			payload: Bytes::from_static(borrowed),
		};
		let header = frame.encode_header();
		if self.ring.publish(&header, payload) {
			self.ring_if_needed(is_last)?;
			if kind == FrameKind::Started {
				// It is urgent, and the task goes on.
				self.ring.has_tasks();
			}
			return Ok(());
		}
		self.ring.announce(header.len() + payload.len());
		write_whole(&self.results, &header, payload)?;
		self.ring.went_through_pipe();
		Ok(())
	}

	/// Wakes the supervisor.
	fn ring_if_needed(&self, is_last: bool) -> io::Result<()> {
		if !self.ring.needs_bell(is_last) {
			return Ok(());
		}
		let bell = Frame {
			kind: FrameKind::Bell,
			sequence: Sequence(0),
			function: FunctionId(0),
			payload: Bytes::new(),
		};
		let bytes = bell.encode_header();
		self.ring.announce(bytes.len());
		loop {
			// So few bytes are written whole or not at all.
			match rustix::io::write(&self.results, &bytes) {
				Err(Errno::INTR) => {}
				Ok(_) => return Ok(()),
				// A pipe with something in it wakes the supervisor as well.
				Err(Errno::AGAIN) => {
					self.ring.take_back(bytes.len());
					return Ok(());
				}
				Err(error) => return Err(error.into()),
			}
		}
	}

	/// Ends this process at once, and everything that its tasks have started. The watch does the same when the parent
	/// is gone, but whoever sees the end of a pipe may be earlier.
	pub fn end_with_descendants(&self) -> ! {
		self.last_act.perform()
	}

	/// The claim memory: its address and how many slots it has. It stays mapped as long as `self` lives.
	#[must_use]
	pub fn claims(&self) -> (NonNull<i32>, usize) {
		(self.claims.address(), SLOTS as usize)
	}

	/// Where this process says what it does: the sequence of the task that it loads, or 0, then the port of its JavaScript
	/// debugger, or 0. It stays mapped as long as `self` lives.
	#[must_use]
	pub fn remarks(&self) -> (NonNull<i32>, usize) {
		let (slots, count) = self.claims();
		// SAFETY: the remarks follow the slots in the same mapping.
		(unsafe { slots.add(count) }, Remark::ALL)
	}

	/// Claims a task before it is started. `false`: it was taken back and must not be started.
	#[must_use]
	pub fn claim(&self, sequence: Sequence) -> bool {
		self.claims.claim(sequence)
	}
}

fn check(descriptor: RawFd, expected: FileType, name: &'static str) -> Result<(), OpenError> {
	// SAFETY: borrowed for one call, which answers EBADF where it is not open.
	let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
	match rustix::fs::fstat(borrowed) {
		Ok(state) if FileType::from_raw_mode(state.st_mode) == expected => Ok(()),
		_ => Err(OpenError::NotAWorker {
			descriptor,
			expected: name,
		}),
	}
}
