//! What a worker writes to its standard output, or to its standard error.

use std::os::fd::OwnedFd;

use bytes::Bytes;
use pool::Sequence;
use rustix::io::Errno;

use crate::marks::{self, Next};
use crate::{Stream, TextUse};

/// What is kept to explain a death.
const TAIL_BYTES: usize = 4096;
/// Room for one read: what a pipe holds by default.
pub const READ_BYTES: usize = 64 * 1024;
/// A line may be so long before it is passed on in pieces.
const LINE_BYTES: usize = 64 * 1024;

/// The reading end of one of the two.
///
/// Text is passed on as whole lines, so that lines of several workers do not mix. What follows the last line feed waits
/// for the next one, or for [`Output::flush`].
pub struct Output {
	pipe: OwnedFd,
	text_use: TextUse,
	tail: Tail,
	/// Not passed on: shorter than `LINE_BYTES`, without a line feed.
	unfinished: Vec<u8>,
	/// To whom that and what follows belongs, where the worker marks it.
	owner: Option<Sequence>,
}

/// Text that is passed on, all of one owner.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
	/// Whole lines, unless one is very long or nothing will end it.
	pub bytes: Bytes,
	/// The task that ran, where the worker has marked it.
	pub owner: Option<Sequence>,
}

/// The last text that was written.
enum Tail {
	/// Of standard error.
	Kept(Vec<u8>),
	/// Of standard output, which explains no death.
	Dropped,
}

impl Output {
	/// Nothing written yet. The pipe must be non-blocking.
	pub fn new(pipe: OwnedFd, stream: Stream, text_use: TextUse) -> Self {
		Self {
			pipe,
			text_use,
			tail: match stream {
				Stream::Stdout => Tail::Dropped,
				Stream::Stderr => Tail::Kept(Vec::new()),
			},
			unfinished: Vec::new(),
			owner: None,
		}
	}

	/// The pipe, to be polled.
	pub fn pipe(&self) -> &OwnedFd {
		&self.pipe
	}

	/// Takes what is there, up to about `budget` bytes, and passes on whole lines. `false`: nobody holds the other end any more.
	/// `buffer` has room for one read and no contents that matter.
	pub fn receive(&mut self, buffer: &mut [u8], budget: usize, mut on_text: impl FnMut(Text)) -> bool {
		let mut taken = 0;
		while taken < budget {
			match rustix::io::read(&self.pipe, &mut *buffer) {
				Ok(0) => return false,
				Ok(count) => {
					self.arrived(&buffer[..count], &mut on_text);
					if count < buffer.len() {
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
	pub fn flush(&mut self, mut on_text: impl FnMut(Text)) {
		let rest = std::mem::take(&mut self.unfinished);
		self.take_lines(&rest, &mut on_text);
		self.end_line(&mut on_text);
	}

	fn arrived(&mut self, text: &[u8], on_text: &mut impl FnMut(Text)) {
		match self.text_use {
			TextUse::PassedOn => self.take_lines(text, on_text),
			TextUse::Marked => self.take_marked(text, on_text),
			TextUse::Discarded => self.remember(text),
		}
	}

	fn take_marked(&mut self, text: &[u8], on_text: &mut impl FnMut(Text)) {
		// What waits has no line feed, but may end within a mark.
		let waiting = std::mem::take(&mut self.unfinished);
		let joined;
		let mut rest = if waiting.is_empty() {
			text
		} else {
			joined = [&waiting, text].concat();
			&joined
		};
		loop {
			match marks::next(rest) {
				Next::Text => return self.take_lines(rest, on_text),
				Next::Mark { start, end, owner } => {
					self.take_lines(&rest[..start], on_text);
					self.end_line(on_text);
					self.owner = owner;
					rest = &rest[end..];
				}
				Next::Partial(start) => {
					self.take_lines(&rest[..start], on_text);
					self.unfinished.extend_from_slice(&rest[start..]);
					return;
				}
			}
		}
	}

	/// Passes on whole lines; the rest waits.
	fn take_lines(&mut self, text: &[u8], on_text: &mut impl FnMut(Text)) {
		let end = text
			.iter()
			.rposition(|&byte| byte == b'\n')
			.map_or(0, |end| end + 1);
		let (lines, rest) = text.split_at(end);
		if !lines.is_empty() {
			self.pass_on(lines, on_text);
		}
		self.unfinished.extend_from_slice(rest);
		if self.unfinished.len() >= LINE_BYTES {
			let rest = self.unfinished.split_off(whole_characters(&self.unfinished));
			self.end_line(on_text);
			self.unfinished = rest;
		}
	}

	/// Passes on what waits.
	fn end_line(&mut self, on_text: &mut impl FnMut(Text)) {
		if !self.unfinished.is_empty() {
			self.pass_on(&[], on_text);
		}
	}

	fn pass_on(&mut self, lines: &[u8], on_text: &mut impl FnMut(Text)) {
		let mut bytes = std::mem::take(&mut self.unfinished);
		bytes.extend_from_slice(lines);
		self.remember(&bytes);
		on_text(Text {
			bytes: bytes.into(),
			owner: self.owner,
		});
	}

	fn remember(&mut self, bytes: &[u8]) {
		if let Tail::Kept(tail) = &mut self.tail {
			tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
			let excess = tail.len().saturating_sub(TAIL_BYTES);
			tail.drain(..excess);
		}
	}

	/// The last that was passed on, from the beginning of a line where older text was dropped.
	pub fn take_tail(&mut self) -> Bytes {
		let tail = match &mut self.tail {
			Tail::Kept(tail) => Bytes::from(std::mem::take(tail)),
			Tail::Dropped => return Bytes::new(),
		};
		if tail.len() < TAIL_BYTES {
			return tail;
		}
		match tail.iter().position(|&byte| byte == b'\n') {
			Some(end) if end + 1 < tail.len() => tail.slice(end + 1..),
			_ => tail,
		}
	}
}

/// The length without the last character, if some of its bytes are missing. What is no UTF-8 has no such end.
fn whole_characters(text: &[u8]) -> usize {
	for back in 1..=text.len().min(3) {
		let needed = match text[text.len() - back] {
			0x80..=0xbf => continue,
			0xc0..=0xdf => 2,
			0xe0..=0xef => 3,
			0xf0..=0xf7 => 4,
			_ => 1,
		};
		return if needed > back {
			text.len() - back
		} else {
			text.len()
		};
	}
	text.len()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::sys;

	/// What comes of texts that are written and received one after the other, and the tail.
	fn passed_on(texts: &[&[u8]], text_use: TextUse) -> (Vec<Text>, Bytes) {
		let (read, write) = sys::pipe().unwrap();
		let mut output = Output::new(read, Stream::Stderr, text_use);
		let mut passed = Vec::new();
		let mut buffer = vec![0; READ_BYTES];
		for text in texts {
			assert_eq!(rustix::io::write(&write, text), Ok(text.len()));
			assert!(output.receive(&mut buffer, text.len(), |text| passed.push(text)));
		}
		drop(write);
		assert!(!output.receive(&mut buffer, usize::MAX, |text| passed.push(text)));
		output.flush(|text| passed.push(text));
		(passed, output.take_tail())
	}

	fn lines(texts: &[&[u8]]) -> Vec<Vec<u8>> {
		let (passed, _) = passed_on(texts, TextUse::PassedOn);
		passed.iter().map(|text| text.bytes.to_vec()).collect()
	}

	fn owned(texts: &[&[u8]]) -> Vec<(String, u32)> {
		let (passed, _) = passed_on(texts, TextUse::Marked);
		let pair = |text: &Text| {
			let bytes = String::from_utf8_lossy(&text.bytes).into_owned();
			(bytes, text.owner.map_or(0, |owner| owner.0))
		};
		passed.iter().map(pair).collect()
	}

	#[test]
	fn the_tail_is_bounded_and_begins_with_a_whole_line() {
		let text: Vec<u8> = (0..2000)
			.flat_map(|line| format!("line {line}\n").into_bytes())
			.collect();
		for text_use in [TextUse::PassedOn, TextUse::Marked, TextUse::Discarded] {
			let (passed, tail) = passed_on(&[&text], text_use);
			let whole: Vec<u8> = passed.iter().flat_map(|text| text.bytes.to_vec()).collect();
			assert_eq!(whole.is_empty(), text_use == TextUse::Discarded);
			assert!(whole.is_empty() || whole == text);
			assert!(tail.len() <= TAIL_BYTES);
			assert!(tail.starts_with(b"line "));
			assert!(tail.ends_with(b"line 1999\n"));
		}
	}

	#[test]
	fn a_short_text_is_its_own_tail() {
		let (_, tail) = passed_on(&[b"first\nsecond"], TextUse::PassedOn);
		assert_eq!(&tail[..], b"first\nsecond");
	}

	#[test]
	fn a_line_that_comes_in_parts_is_passed_on_whole() {
		assert_eq!(
			lines(&[b"one\ntw", b"o", b"\nthree\nfo", b"ur"]),
			[&b"one\n"[..], b"two\nthree\n", b"four"].map(<[u8]>::to_vec)
		);
	}

	#[test]
	fn nothing_waits_behind_the_end_of_a_line() {
		assert_eq!(lines(&[b"one\n", b"two\n"]), [b"one\n", b"two\n"]);
	}

	#[test]
	fn a_line_that_does_not_end_is_passed_on_in_pieces() {
		let text = vec![b'x'; 40 * 1024];
		let pieces = lines(&[&text, &text, &text, &text, b"x\n"]);
		assert_eq!(
			pieces.iter().map(Vec::len).collect::<Vec<_>>(),
			[80 * 1024, 80 * 1024, 2]
		);
	}

	#[test]
	fn a_piece_ends_with_a_whole_character() {
		for character in ["ä", "日", "🐍"] {
			for shift in 0..4 {
				let text = format!("{}{}", "x".repeat(shift), character.repeat(10_000));
				let parts: Vec<&[u8]> = text.as_bytes().chunks(4096).collect();
				let pieces = lines(&parts);
				assert_eq!(pieces.concat(), text.as_bytes());
				assert!(pieces.iter().all(|piece| std::str::from_utf8(piece).is_ok()));
			}
		}
	}

	#[test]
	fn marked_text_belongs_to_the_task_of_the_mark_before_it() {
		assert_eq!(
			owned(&[b"start\n\0loky:7\0a\nb\n\0loky:0\0between\n\0loky:8\0c\n"]),
			[("start\n", 0), ("a\nb\n", 7), ("between\n", 0), ("c\n", 8)]
				.map(|(text, owner)| (text.to_owned(), owner))
		);
	}

	#[test]
	fn a_mark_ends_a_line_without_an_end() {
		assert_eq!(
			owned(&[b"\0loky:7\0wait", b"...", b"\0loky:0\0\0loky:8\0c\n"]),
			[("wait...", 7), ("c\n", 8)].map(|(text, owner)| (text.to_owned(), owner))
		);
	}

	#[test]
	fn a_mark_that_comes_in_parts_is_taken_out() {
		let text = b"a\nb\0loky:7\0c\nd\0loky:0\0e\0f\n";
		for cut in 1..text.len() {
			let passed = owned(&[&text[..cut], &text[cut..]]);
			for (owner, expected) in [(0, "a\nbe\0f\n"), (7, "c\nd")] {
				let of_owner: String = passed
					.iter()
					.filter(|(_, found)| *found == owner)
					.map(|(text, _)| &**text)
					.collect();
				assert_eq!(of_owner, expected, "cut at {cut}");
			}
		}
	}

	#[test]
	fn the_tail_has_no_marks() {
		let (_, tail) = passed_on(&[b"\0loky:7\0the disk is full\n\0loky:0\0"], TextUse::Marked);
		assert_eq!(&tail[..], b"the disk is full\n");
	}
}
