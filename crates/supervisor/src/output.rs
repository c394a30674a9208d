//! What a worker writes to its standard error.

use std::os::fd::OwnedFd;

use bytes::{Bytes, BytesMut};
use rustix::io::Errno;

use crate::channel::read_into;

/// What is kept to explain a death.
const TAIL_BYTES: usize = 4096;
/// Room for one read: what a pipe holds by default.
const READ_BYTES: usize = 64 * 1024;

/// A line may be so long before it is passed on in pieces.
const LINE_BYTES: usize = 64 * 1024;

/// The reading end of a worker's standard error.
///
/// Text is passed on as whole lines, so that lines of several workers do not mix. What follows the last line feed waits
/// for the next one, or for [`Output::flush`].
pub struct Output {
	pipe: OwnedFd,
	tail: Vec<u8>,
	/// Shorter than `LINE_BYTES`, without a line feed.
	unfinished: Vec<u8>,
}

impl Output {
	/// Nothing written yet. The pipe must be non-blocking.
	pub fn new(pipe: OwnedFd) -> Self {
		Self {
			pipe,
			tail: Vec::new(),
			unfinished: Vec::new(),
		}
	}

	/// The pipe, to be polled.
	pub fn pipe(&self) -> &OwnedFd {
		&self.pipe
	}

	/// Takes what is there, up to about `budget` bytes, and passes on whole lines. `false`: nobody holds the other end any more.
	pub fn receive(&mut self, budget: usize, mut on_lines: impl FnMut(Bytes)) -> bool {
		let mut taken = 0;
		while taken < budget {
			let mut buffer = BytesMut::with_capacity(READ_BYTES);
			match read_into(&self.pipe, &mut buffer) {
				Ok((0, _)) => return false,
				Ok((count, room)) => {
					self.remember(&buffer);
					self.pass_on(buffer, &mut on_lines);
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

	/// Passes on the last line as it is: nothing will end it.
	pub fn flush(&mut self, mut on_lines: impl FnMut(Bytes)) {
		if !self.unfinished.is_empty() {
			on_lines(std::mem::take(&mut self.unfinished).into());
		}
	}

	fn pass_on(&mut self, mut text: BytesMut, on_lines: &mut impl FnMut(Bytes)) {
		let rest = match text.iter().rposition(|&byte| byte == b'\n') {
			Some(end) => text.split_off(end + 1),
			None => std::mem::take(&mut text),
		};
		if !text.is_empty() {
			if !self.unfinished.is_empty() {
				self.unfinished.extend_from_slice(&text);
				self.flush(&mut *on_lines);
			} else if text.len() < READ_BYTES / 4 {
				// A short text must not hold on to the whole buffer while it waits to be taken.
				on_lines(Bytes::copy_from_slice(&text));
			} else {
				on_lines(text.freeze());
			}
		}
		self.unfinished.extend_from_slice(&rest);
		if self.unfinished.len() >= LINE_BYTES {
			self.flush(on_lines);
		}
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
		while output.receive(usize::MAX, |lines| received.extend_from_slice(&lines)) {}
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
	/// What comes of texts that are written and received one after the other.
	fn passed_on(texts: &[&[u8]]) -> Vec<Vec<u8>> {
		let (read, write) = sys::pipe().unwrap();
		let mut output = Output::new(read);
		let mut passed = Vec::new();
		for text in texts {
			assert_eq!(rustix::io::write(&write, text), Ok(text.len()));
			assert!(output.receive(text.len(), |lines| passed.push(lines.to_vec())));
		}
		output.flush(|lines| passed.push(lines.to_vec()));
		passed
	}

	#[test]
	fn a_line_that_comes_in_parts_is_passed_on_whole() {
		assert_eq!(
			passed_on(&[b"one\ntw", b"o", b"\nthree\nfo", b"ur"]),
			[&b"one\n"[..], b"two\nthree\n", b"four"].map(<[u8]>::to_vec)
		);
	}

	#[test]
	fn nothing_waits_behind_the_end_of_a_line() {
		assert_eq!(passed_on(&[b"one\n", b"two\n"]), [b"one\n", b"two\n"]);
	}

	#[test]
	fn a_line_that_does_not_end_is_passed_on_in_pieces() {
		let text = vec![b'x'; 40 * 1024];
		let pieces = passed_on(&[&text, &text, &text, &text, b"x\n"]);
		assert_eq!(
			pieces.iter().map(Vec::len).collect::<Vec<_>>(),
			[80 * 1024, 80 * 1024, 2]
		);
	}
}
