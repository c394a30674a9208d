//! Frames through pipes that never make us wait.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};

use bytes::{Buf, Bytes, BytesMut};
use pool::frame::{Frame, FrameDecoder, FrameError};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::faults::most_bytes;

/// Room for one read: some hundred small frames. Not more, because each frame keeps the buffer alive that it came in.
pub const READ_BYTES: usize = 16 * 1024;
/// Up to here a payload is copied behind its header: cheaper than one more entry for `writev`.
const COPY_LIMIT: usize = 4096;
/// Entries of one `writev`.
const WRITE_PARTS: usize = 32;
/// What an idle worker's buffer may keep.
const KEPT_BYTES: usize = 256 * 1024;

/// The reading end.
pub struct Inbound {
	pipe: OwnedFd,
	decoder: FrameDecoder,
}

/// How a read ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
	/// All that was there was taken.
	Drained,
	/// The budget was used up. There may be more.
	Budget,
	/// Nobody holds the other end any more.
	Ended,
	/// The bytes are no frame.
	Garbage(FrameError),
	/// The pipe failed.
	Failed(Errno),
}

impl Inbound {
	/// A pipe at its beginning. It must be non-blocking.
	pub fn new(pipe: OwnedFd, max_payload: u32) -> Self {
		Self {
			pipe,
			decoder: FrameDecoder::new(max_payload),
		}
	}

	/// The pipe, to be polled.
	pub fn pipe(&self) -> &OwnedFd {
		&self.pipe
	}

	/// Takes what is there, up to about `budget` bytes, so that one chatty sender cannot hold up the others.
	pub fn receive(&mut self, budget: usize, mut on_frame: impl FnMut(Frame)) -> Arrival {
		let mut taken = 0;
		loop {
			let (count, room) = match read_into(&self.pipe, self.decoder.spare(READ_BYTES)) {
				Ok((0, _)) => return Arrival::Ended,
				Ok(read) => read,
				Err(Errno::INTR) => continue,
				Err(Errno::AGAIN) => return Arrival::Drained,
				Err(error) => return Arrival::Failed(error),
			};
			loop {
				match self.decoder.next() {
					Ok(Some(frame)) => on_frame(frame),
					Ok(None) => break,
					Err(error) => return Arrival::Garbage(error),
				}
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
}

/// One read behind what is in the buffer: how many bytes came, and how many could have.
pub fn read_into(pipe: impl AsFd, buffer: &mut BytesMut) -> Result<(usize, usize), Errno> {
	let spare = buffer.spare_capacity_mut();
	let room = spare.len().min(most_bytes());
	let spare = &mut spare[..room];
	let (filled, _) = rustix::io::read(pipe, spare)?;
	let count = filled.len();
	let length = buffer.len() + count;
	// SAFETY: the kernel has just written `count` bytes behind the old length.
	unsafe { buffer.set_len(length) };
	Ok((count, room))
}

/// The writing end's queue. The pipe itself is an argument: frames may be queued before it exists.
#[derive(Default)]
pub struct Outbound {
	/// Before `tail`.
	parts: VecDeque<Bytes>,
	tail: BytesMut,
}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
	/// Nothing is left.
	Done,
	/// The pipe is full.
	Full,
	/// Nobody holds the other end any more. What is left is of no use.
	Broken,
}

impl Outbound {
	/// Queues a frame.
	pub fn push(&mut self, frame: Frame) {
		self.tail.extend_from_slice(&frame.encode_header());
		if frame.payload.len() <= COPY_LIMIT {
			self.tail.extend_from_slice(&frame.payload);
		} else {
			self.parts.push_back(self.tail.split().freeze());
			self.parts.push_back(frame.payload);
		}
	}

	/// Whether nothing is left.
	pub fn is_empty(&self) -> bool {
		self.parts.is_empty() && self.tail.is_empty()
	}

	/// Writes as much as the pipe takes.
	pub fn flush(&mut self, pipe: impl AsFd) -> Flush {
		while !self.is_empty() {
			match self.write_once(&pipe) {
				Ok(count) => self.advance(count),
				Err(Errno::INTR) => {}
				Err(Errno::AGAIN) => return Flush::Full,
				Err(_) => {
					*self = Self::default();
					return Flush::Broken;
				}
			}
		}
		if self.tail.capacity() > KEPT_BYTES {
			self.tail = BytesMut::new();
		}
		Flush::Done
	}

	fn write_once(&self, pipe: impl AsFd) -> Result<usize, Errno> {
		let first = self.parts.front().map_or(&self.tail[..], |part| &part[..]);
		if self.parts.is_empty() || most_bytes() < usize::MAX {
			return rustix::io::write(pipe, &first[..first.len().min(most_bytes())]);
		}
		let mut slices = [IoSlice::new(&[]); WRITE_PARTS];
		let parts = self.parts.iter().map(|part| &part[..]).chain([&self.tail[..]]);
		let mut count = 0;
		for (slice, part) in slices.iter_mut().zip(parts) {
			*slice = IoSlice::new(part);
			count += 1;
		}
		rustix::io::writev(pipe, &slices[..count])
	}

	fn advance(&mut self, mut count: usize) {
		while let Some(first) = self.parts.front_mut() {
			if count < first.len() {
				first.advance(count);
				return;
			}
			count -= first.len();
			self.parts.pop_front();
		}
		if count == self.tail.len() {
			// Unlike `advance`, gives the room before it back.
			self.tail.clear();
		} else {
			self.tail.advance(count);
		}
	}
}

/// Writes one frame whole to a blocking pipe.
pub fn write_whole(pipe: impl AsFd, header: &[u8], payload: &[u8]) -> io::Result<()> {
	let (mut header, mut payload) = (header, payload);
	while !header.is_empty() || !payload.is_empty() {
		let most = most_bytes();
		let of_header = &header[..header.len().min(most)];
		let of_payload = &payload[..payload.len().min(most - of_header.len())];
		let written = match rustix::io::writev(&pipe, &[IoSlice::new(of_header), IoSlice::new(of_payload)]) {
			Ok(count) => count,
			Err(Errno::INTR) => 0,
			Err(Errno::AGAIN) => {
				wait_until(&pipe, PollFlags::OUT)?;
				0
			}
			Err(error) => return Err(error.into()),
		};
		let of_header = written.min(header.len());
		header = &header[of_header..];
		payload = &payload[written - of_header..];
	}
	Ok(())
}

/// Blocks until the descriptor is ready, its other end is closed, or it is none. Tells which.
pub fn wait_until(descriptor: impl AsFd, flags: PollFlags) -> Result<PollFlags, Errno> {
	loop {
		let mut descriptors = [PollFd::new(&descriptor, flags)];
		match rustix::event::poll(&mut descriptors, None) {
			Err(Errno::INTR) => {}
			Err(error) => return Err(error),
			Ok(_) => return Ok(descriptors[0].revents()),
		}
	}
}

#[cfg(test)]
mod tests {
	use pool::frame::FrameKind;
	use pool::{FunctionId, Sequence};

	use super::*;
	use crate::descriptor::set_nonblocking;
	use crate::sys;

	fn pipe() -> (OwnedFd, OwnedFd) {
		let (read, write) = sys::pipe().unwrap();
		set_nonblocking(&read).unwrap();
		set_nonblocking(&write).unwrap();
		(read, write)
	}

	fn frame(sequence: u32, length: usize) -> Frame {
		let payload = vec![sequence.to_le_bytes()[0]; length].into();
		Frame {
			kind: FrameKind::Task,
			sequence: Sequence(sequence),
			function: FunctionId(0),
			payload,
		}
	}

	#[test]
	fn frames_of_every_size_arrive_in_order_through_a_full_pipe() {
		let (read, write) = pipe();
		let mut inbound = Inbound::new(read, u32::MAX);
		let mut outbound = Outbound::default();
		let lengths = [0, 1, 4096, 4097, 0, 1_000_000, 3, 70_000, 70_000, 2];
		let sent: Vec<Frame> = (1..)
			.zip(lengths)
			.map(|(sequence, length)| frame(sequence, length))
			.collect();
		for frame in &sent {
			outbound.push(frame.clone());
		}
		let mut received = Vec::new();
		let mut was_full = false;
		while received.len() < sent.len() {
			was_full |= outbound.flush(&write) == Flush::Full;
			assert_eq!(
				inbound.receive(usize::MAX, |frame| received.push(frame)),
				Arrival::Drained
			);
		}
		assert!(was_full);
		assert!(outbound.is_empty());
		assert_eq!(received, sent);
	}

	#[test]
	fn a_budget_ends_a_read_before_the_pipe_is_empty() {
		let (read, write) = pipe();
		let mut inbound = Inbound::new(read, u32::MAX);
		let mut outbound = Outbound::default();
		outbound.push(frame(1, 60_000));
		assert_eq!(outbound.flush(&write), Flush::Done);
		assert_eq!(inbound.receive(1, |_| panic!("it is not whole")), Arrival::Budget);
		let mut received = 0;
		while inbound.receive(1, |_| received += 1) == Arrival::Budget {}
		assert_eq!(received, 1);
	}

	#[test]
	fn the_end_of_a_pipe_is_told_after_its_frames() {
		let (read, write) = pipe();
		let mut inbound = Inbound::new(read, u32::MAX);
		let mut outbound = Outbound::default();
		outbound.push(frame(1, 10));
		outbound.flush(&write);
		drop(write);
		let mut received = 0;
		assert_eq!(inbound.receive(usize::MAX, |_| received += 1), Arrival::Drained);
		assert_eq!(inbound.receive(usize::MAX, |_| received += 1), Arrival::Ended);
		assert_eq!(received, 1);
	}

	#[test]
	fn a_pipe_without_a_reader_is_broken_and_raises_no_signal() {
		let (read, write) = pipe();
		drop(read);
		let mut outbound = Outbound::default();
		outbound.push(frame(1, 10));
		let guard = sys::SigpipeGuard::block();
		assert_eq!(outbound.flush(&write), Flush::Broken);
		guard.consume();
		drop(guard);
		assert!(outbound.is_empty());
	}
}
