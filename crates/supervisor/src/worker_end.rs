//! The other end of the pipes, inside a worker process.

use std::io;
use std::os::fd::RawFd;
use std::ptr::NonNull;

use pool::Sequence;
use pool::frame::{Frame, FrameKind};

use crate::{OpenError, ReadError};

/// What a worker process has of its supervisor.
pub struct WorkerEnd {}

impl WorkerEnd {
	/// Takes the descriptors that the supervisor gave to this process, and starts the watch that ends the process when
	/// its parent is gone. To be called once.
	///
	/// # Errors
	///
	/// [`OpenError::NotAWorker`] where a descriptor is not what a supervisor gives.
	pub fn open() -> Result<Self, OpenError> {
		unimplemented!()
	}

	/// The descriptor that becomes readable when tasks arrive. Non-blocking.
	pub fn task_descriptor(&self) -> RawFd {
		unimplemented!()
	}

	/// Reads what has arrived, a bounded amount, without waiting. `false`: the parent will send nothing more.
	///
	/// # Errors
	///
	/// [`ReadError`] where the pipe fails or its bytes are no frames. Nothing can be read after it.
	pub fn read_frames(&mut self, _into: &mut Vec<Frame>) -> Result<bool, ReadError> {
		unimplemented!()
	}

	/// Waits until [`Self::read_frames`] has something to say.
	///
	/// # Errors
	///
	/// Those of `poll`.
	pub fn wait_readable(&self) -> io::Result<()> {
		unimplemented!()
	}

	/// Writes one frame, whole. Waits while the pipe is full.
	///
	/// # Errors
	///
	/// Those of `writev`; `EPIPE` where the parent has closed its end.
	pub fn write_frame(&self, _kind: FrameKind, _sequence: Sequence, _payload: &[u8]) -> io::Result<()> {
		unimplemented!()
	}

	/// The claim memory: its address and how many slots it has. It stays mapped until the process ends.
	pub fn claims(&self) -> (NonNull<i32>, usize) {
		unimplemented!()
	}

	/// Claims a task before it is started. `false`: it was taken back and must not be started.
	pub fn claim(&self, _sequence: Sequence) -> bool {
		unimplemented!()
	}
}
