//! What a worker says, in the order in which it says it: out of its ring and out of its pipe.

use std::os::fd::OwnedFd;

use pool::frame::{Frame, FrameDecoder, FrameError, FrameKind};
use rustix::io::Errno;

use crate::channel::{Arrival, READ_BYTES, read_into};
use crate::ring::{RingReader, Unrung};

/// The supervisor's end.
pub struct Results {
	pipe: OwnedFd,
	from_pipe: FrameDecoder,
	/// How many bytes came out of the pipe, modulo 2^32.
	piped: u32,
	ring: RingReader,
	from_ring: FrameDecoder,
	/// Whether any frame was taken.
	has_begun: bool,
}

impl Results {
	/// At their beginning. The pipe must be non-blocking.
	pub fn new(pipe: OwnedFd, ring: RingReader, max_payload: u32) -> Self {
		Self {
			pipe,
			from_pipe: FrameDecoder::new(max_payload),
			piped: 0,
			ring,
			from_ring: FrameDecoder::new(max_payload),
			has_begun: false,
		}
	}

	/// The pipe, to be polled.
	pub fn pipe(&self) -> &OwnedFd {
		&self.pipe
	}

	/// Takes what is there, up to about `budget` bytes of the pipe, so that one chatty worker cannot hold up the others.
	pub fn receive(&mut self, budget: usize, mut on_frame: impl FnMut(Frame)) -> Arrival {
		let mut taken = 0;
		loop {
			let read = read_into(&self.pipe, self.from_pipe.spare(READ_BYTES));
			let stray = self.find_stray(&read);
			// A worker that begins with bytes of others is none of ours. From one that has begun, results count that came before.
			if self.has_begun || stray.is_ok() {
				// After the read: what is in the ring then was written before what has just come out of the pipe.
				if let Err(error) = self.take_ring(&mut on_frame) {
					return Arrival::Garbage(error);
				}
			}
			let (count, room) = match read {
				Ok((0, _)) => return Arrival::Ended,
				Ok(read) => read,
				Err(Errno::INTR) => continue,
				Err(Errno::AGAIN) => return Arrival::Drained,
				Err(error) => return Arrival::Failed(error),
			};
			// What is wrong with a frame says more than that it is none of the worker's.
			if let Err(error) = self.take_pipe(&mut on_frame).and(stray) {
				return Arrival::Garbage(error);
			}
			taken += count;
			if count < room {
				return Arrival::Drained;
			}
			if taken >= budget {
				return Arrival::Budget;
			}
		}
	}

	/// Counts what was read, and compares it with what the worker has announced.
	fn find_stray(&mut self, read: &Result<(usize, usize), Errno>) -> Result<(), FrameError> {
		let count = read.map_or(0, |(count, _)| count);
		#[expect(
			clippy::cast_possible_truncation,
			reason = "only the difference of two counts matters"
		)]
		let piped = self.piped.wrapping_add(count as u32);
		self.piped = piped;
		if self.ring.is_announced(piped) {
			Ok(())
		} else {
			Err(FrameError::Stray)
		}
	}

	/// Whether nothing waits in the ring.
	pub fn is_ring_empty(&self) -> bool {
		self.ring.is_empty()
	}

	/// Takes what is in the ring.
	pub fn look(&mut self, mut on_frame: impl FnMut(Frame)) -> Arrival {
		match self.take_ring(&mut on_frame) {
			Ok(()) => Arrival::Drained,
			Err(error) => Arrival::Garbage(error),
		}
	}

	/// The supervisor is about to sleep. Tells what has come without a bell.
	pub fn fall_asleep(&self) -> Unrung {
		self.ring.fall_asleep()
	}

	fn take_ring(&mut self, on_frame: &mut impl FnMut(Frame)) -> Result<(), FrameError> {
		if self.ring.is_empty() {
			return Ok(());
		}
		self.ring
			.take(self.from_ring.spare(0))
			.map_err(|overrun| FrameError::TooLong {
				length: overrun.length,
				limit: overrun.limit,
			})?;
		while let Some(frame) = self.from_ring.next()? {
			self.has_begun = true;
			on_frame(frame);
		}
		Ok(())
	}

	fn take_pipe(&mut self, on_frame: &mut impl FnMut(Frame)) -> Result<(), FrameError> {
		while let Some(frame) = self.from_pipe.next()? {
			if frame.kind == FrameKind::Bell {
				continue;
			}
			self.has_begun = true;
			on_frame(frame);
			self.ring.took_from_pipe();
		}
		Ok(())
	}
}
