//! Which task a text belongs to, as the worker has marked it.
//!
//! Only the worker knows: when its text is read, it may be several tasks further. Where the launch asks for it, the worker
//! writes a mark ahead of the first text of a task, and one behind the last. Marks are taken out of the text.

use pool::Sequence;

/// How a mark begins. The sequence of the task follows in decimal, 0 for none, and a NUL ends it.
const BEGINNING: &[u8] = b"\0loky:";
/// With the most digits that a sequence has.
const LONGEST: usize = BEGINNING.len() + 10 + 1;

/// What stands first in a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
	/// No mark anywhere.
	Text,
	/// A mark from `start` up to `end`: what follows belongs to `owner`.
	Mark {
		/// Where it starts.
		start: usize,
		/// Where it ends.
		end: usize,
		/// The sequence of a task, or no task.
		owner: Option<Sequence>,
	},
	/// From here on it may become a mark when more arrives.
	Partial(usize),
}

/// Looks for the first mark.
pub fn next(text: &[u8]) -> Next {
	let mut from = 0;
	while let Some(found) = text[from..].iter().position(|&byte| byte == 0) {
		let start = from + found;
		match parse(&text[start..]) {
			Parsed::Mark { length, owner } => {
				let end = start + length;
				return Next::Mark { start, end, owner };
			}
			Parsed::TooShort => return Next::Partial(start),
			Parsed::Other => from = start + 1,
		}
	}
	Next::Text
}

enum Parsed {
	Mark { length: usize, owner: Option<Sequence> },
	TooShort,
	Other,
}

fn parse(text: &[u8]) -> Parsed {
	let Some(rest) = text.strip_prefix(BEGINNING) else {
		return if BEGINNING.starts_with(text) {
			Parsed::TooShort
		} else {
			Parsed::Other
		};
	};
	let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
	let length = BEGINNING.len() + digits + 1;
	if length > LONGEST {
		return Parsed::Other;
	}
	match rest.get(digits) {
		None => Parsed::TooShort,
		Some(0) if digits > 0 => {
			let number = std::str::from_utf8(&rest[..digits])
				.ok()
				.and_then(|digits| digits.parse().ok());
			match number {
				Some(number) => Parsed::Mark {
					length,
					owner: (number != 0).then_some(Sequence(number)),
				},
				None => Parsed::Other,
			}
		}
		Some(_) => Parsed::Other,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_mark_is_found_with_its_sequence() {
		assert_eq!(
			next(b"one\0loky:17\0two"),
			Next::Mark {
				start: 3,
				end: 12,
				owner: Some(Sequence(17))
			}
		);
		assert_eq!(
			next(b"\0loky:0\0"),
			Next::Mark {
				start: 0,
				end: 8,
				owner: None
			}
		);
	}

	#[test]
	fn a_mark_that_is_not_whole_waits_for_the_rest() {
		let mark = b"\0loky:2147483647\0";
		for length in 1..mark.len() {
			let text = [b"text", &mark[..length]].concat();
			assert_eq!(next(&text), Next::Partial(4), "{length}");
		}
	}

	#[test]
	fn other_text_is_no_mark() {
		for text in [
			&b""[..],
			b"text",
			b"\0\0\0loki",
			b"\0loky:\0.",
			b"\0loky:x\0.",
			b"\0loky:12345678901\0.",
			b"\0loky:9999999999\0.",
			b"loky:1\0!",
		] {
			assert_eq!(next(text), Next::Text, "{text:?}");
		}
	}
}
