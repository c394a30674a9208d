//! What a worker writes to its standard error.

use std::os::fd::OwnedFd;

use bytes::{Bytes, BytesMut};
use rustix::io::Errno;

use crate::channel::read_into;

/// What is kept to explain a death.
const TAIL_BYTES: usize = 4096;
/// Room for one read: what a pipe holds by default.
const READ_BYTES: usize = 64 * 1024;

/// The reading end of a worker's standard error.
pub struct Output {
	pipe: OwnedFd,
	tail: Vec<u8>,
}

impl Output {
	/// Nothing written yet. The pipe must be non-blocking.
	pub fn new(pipe: OwnedFd) -> Self {
		Self {
			pipe,
			tail: Vec::new(),
		}
	}

	/// The pipe, to be polled.
	pub fn pipe(&self) -> &OwnedFd {
		&self.pipe
	}

	/// Takes what is there, up to about `budget` bytes. `false`: nobody holds the other end any more.
	pub fn receive(&mut self, budget: usize, mut on_bytes: impl FnMut(Bytes)) -> bool {
		let mut taken = 0;
		while taken < budget {
			let mut buffer = BytesMut::with_capacity(READ_BYTES);
			match read_into(&self.pipe, &mut buffer) {
				Ok((0, _)) => return false,
				Ok((count, room)) => {
					self.remember(&buffer);
					// A short text must not hold on to the whole buffer while it waits to be taken.
					on_bytes(if count < room / 4 {
						Bytes::copy_from_slice(&buffer)
					} else {
						buffer.freeze()
					});
					if count < room {
						return true;
					}
					taken += count;
				}
				Err(Errno::INTR) => {}
				Err(Errno::AGAIN) => return true,
				Err(_) => return false,
			}
		}
		true
	}

	fn remember(&mut self, bytes: &[u8]) {
		self.tail.extend_from_slice(bytes);
		let excess = self.tail.len().saturating_sub(TAIL_BYTES);
		self.tail.drain(..excess);
	}

	/// The last that was written, from the beginning of a line where older text was dropped.
	pub fn into_tail(self) -> Bytes {
		let tail = Bytes::from(self.tail);
		if tail.len() < TAIL_BYTES {
			return tail;
		}
		match tail.iter().position(|&byte| byte == b'\n') {
			Some(end) if end + 1 < tail.len() => tail.slice(end + 1..),
			_ => tail,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::sys;

	#[test]
	fn the_tail_is_bounded_and_begins_with_a_whole_line() {
		let (read, write) = sys::pipe().unwrap();
		let mut output = Output::new(read);
		let text: Vec<u8> = (0..2000)
			.flat_map(|line| format!("line {line}\n").into_bytes())
			.collect();
		rustix::io::write(&write, &text).unwrap();
		drop(write);
		let mut received = Vec::new();
		while output.receive(usize::MAX, |bytes| received.extend_from_slice(&bytes)) {}
		assert_eq!(received, text);
		let tail = output.into_tail();
		assert!(tail.len() <= TAIL_BYTES);
		assert!(tail.starts_with(b"line "));
		assert!(tail.ends_with(b"line 1999\n"));
	}

	#[test]
	fn a_short_text_is_its_own_tail() {
		let (read, write) = sys::pipe().unwrap();
		let mut output = Output::new(read);
		rustix::io::write(&write, b"first\nsecond").unwrap();
		drop(write);
		while output.receive(usize::MAX, |_| ()) {}
		assert_eq!(&output.into_tail()[..], b"first\nsecond");
	}
}
