//! The envelope: the only place that knows how a frame looks on the pipe.
//!
//! ```text
//! offset  size  field      all little-endian
//!      0     4  length     bytes of payload behind the header, at most MAX_PAYLOAD
//!      4     1  kind       FrameKind
//!      5     1  flags      must be 0; the codec and attached segments have their place here
//!      6     2  magic      MAGIC, which contains VERSION
//!      8     4  sequence   of the task; 0 where the kind has none
//!     12     4  function   that the task calls, or that is shipped or forgotten; 0 where the kind has none
//!     16     -  payload    msgpack, opaque to Rust
//! ```

use std::fmt;

use bytes::Bytes;

use crate::{FunctionId, Sequence};

mod decoder;

pub use decoder::FrameDecoder;

/// Both ends must have the same: they come from one package.
pub const VERSION: u8 = 1;
/// At offset 6 of each frame: `b'K'`, then [`VERSION`].
pub const MAGIC: u16 = u16::from_le_bytes([b'K', VERSION]);
/// Bytes before the payload.
pub const HEADER_LENGTH: usize = 16;
/// The most bytes of payload in one frame unless the pool is told less: 2 GiB - 1, what one `Buffer` surely holds.
pub const MAX_PAYLOAD: u32 = 0x7fff_ffff;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
	/// To a worker, first: what it needs before it is ready.
	Init = 1,
	/// To a worker: a function that later tasks call.
	Function = 2,
	/// To a worker: a task. Claim the sequence before starting it.
	Task = 3,
	/// To a worker: finish and exit.
	Exit = 4,
	/// To a worker: no later task calls this function.
	Forget = 5,
	/// To a worker: a task, as `Task`, of which somebody wants to know when it starts: say `Started` first.
	ObservedTask = 6,
	/// From a worker, first: initialised, send tasks.
	Ready = 16,
	/// From a worker, first: the initializer threw; the encoded error. It exits then.
	StartFailed = 17,
	/// From a worker: the task's encoded result.
	Returned = 18,
	/// From a worker: the encoded error that the task threw.
	Threw = 19,
	/// From a worker: the encoded error of decoding the task, or of finding its function.
	Undecodable = 20,
	/// From a worker: it has claimed an observed task, and begins.
	Started = 21,
	/// From a worker: the encoded error that nobody handled, with the sequence of the task that left it, or 0. It claims no
	/// more tasks, and exits: at once if it runs nothing or the error is that of the task that it runs, otherwise after it.
	StrayError = 22,
	/// From a worker, for whoever reads its frames: some wait in memory that both share. Never comes to the pool.
	Bell = 23,
}

impl FrameKind {
	/// Every kind, in the order of the numbers.
	pub const ALL: [FrameKind; 14] = [
		FrameKind::Init,
		FrameKind::Function,
		FrameKind::Task,
		FrameKind::Exit,
		FrameKind::Forget,
		FrameKind::ObservedTask,
		FrameKind::Ready,
		FrameKind::StartFailed,
		FrameKind::Returned,
		FrameKind::Threw,
		FrameKind::Undecodable,
		FrameKind::Started,
		FrameKind::StrayError,
		FrameKind::Bell,
	];
}

impl TryFrom<u8> for FrameKind {
	type Error = FrameError;

	fn try_from(number: u8) -> Result<FrameKind, FrameError> {
		Ok(match number {
			1 => FrameKind::Init,
			2 => FrameKind::Function,
			3 => FrameKind::Task,
			4 => FrameKind::Exit,
			5 => FrameKind::Forget,
			6 => FrameKind::ObservedTask,
			16 => FrameKind::Ready,
			17 => FrameKind::StartFailed,
			18 => FrameKind::Returned,
			19 => FrameKind::Threw,
			20 => FrameKind::Undecodable,
			21 => FrameKind::Started,
			22 => FrameKind::StrayError,
			23 => FrameKind::Bell,
			unknown => return Err(FrameError::UnknownKind(unknown)),
		})
	}
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
	/// What it says.
	pub kind: FrameKind,
	/// Of the task; 0 where the kind has none.
	pub sequence: Sequence,
	/// That the task calls, or that is shipped or forgotten; 0 where the kind has none.
	pub function: FunctionId,
	/// Opaque.
	pub payload: Bytes,
}

impl Frame {
	/// The bytes to write before the payload. The payload is written from where it is, never copied behind the header.
	///
	/// ```
	/// use pool::frame::{Frame, FrameKind};
	/// use pool::{FunctionId, Sequence};
	///
	/// let payload = bytes::Bytes::from_static(b"\xc0");
	/// let frame = Frame { kind: FrameKind::Task, sequence: Sequence(7), function: FunctionId(2), payload };
	/// assert_eq!(frame.encode_header(), *b"\x01\0\0\0\x03\0K\x01\x07\0\0\0\x02\0\0\0");
	/// ```
	///
	/// # Panics
	///
	/// When the payload is longer than [`MAX_PAYLOAD`]: whoever makes payloads refuses those first.
	#[must_use]
	pub fn encode_header(&self) -> [u8; HEADER_LENGTH] {
		let length = u32::try_from(self.payload.len())
			.ok()
			.filter(|length| *length <= MAX_PAYLOAD)
			.expect("a payload is at most MAX_PAYLOAD long");
		let mut header = [0; HEADER_LENGTH];
		header[0..4].copy_from_slice(&length.to_le_bytes());
		header[4] = self.kind as u8;
		header[6..8].copy_from_slice(&MAGIC.to_le_bytes());
		header[8..12].copy_from_slice(&self.sequence.0.to_le_bytes());
		header[12..16].copy_from_slice(&self.function.0.to_le_bytes());
		header
	}
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
	/// The magic is another: garbage, or another version of this package. What had not arrived counts as 0.
	BadMagic(u16),
	/// No kind has this number.
	UnknownKind(u8),
	/// Flags that this version does not know.
	UnknownFlags(u8),
	/// Bytes that whoever sends the frames knows nothing of.
	Stray,
	/// More payload than the limit allows.
	TooLong {
		/// What the header says.
		length: u32,
		/// What is allowed.
		limit: u32,
	},
}

impl fmt::Display for FrameError {
	fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			FrameError::BadMagic(magic) => match magic.to_le_bytes() {
				[b'K', version] if version != 0 => {
					write!(
						out,
						"a frame of version {version} where version {VERSION} was expected"
					)
				}
				_ => write!(out, "bytes that are no frame (magic {magic:#06x})"),
			},
			FrameError::UnknownKind(kind) => write!(out, "a frame of the unknown kind {kind}"),
			FrameError::UnknownFlags(flags) => write!(out, "a frame with the unknown flags {flags:#04x}"),
			FrameError::Stray => out.write_str("bytes that belong to no frame"),
			FrameError::TooLong { length, limit } => {
				write!(out, "a frame of {length} bytes where at most {limit} are allowed")
			}
		}
	}
}

impl std::error::Error for FrameError {}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn every_kind_is_found_by_its_number_and_no_other_number_is_a_kind() {
		let found: Vec<FrameKind> = (0..=u8::MAX)
			.filter_map(|number| FrameKind::try_from(number).ok())
			.collect();
		assert_eq!(found, FrameKind::ALL);
		for kind in FrameKind::ALL {
			assert_eq!(FrameKind::try_from(kind as u8), Ok(kind));
		}
		assert_eq!(FrameKind::try_from(0), Err(FrameError::UnknownKind(0)));
	}

	#[test]
	fn an_error_says_what_arrived_and_what_was_expected() {
		let other_version = FrameError::BadMagic(u16::from_le_bytes([b'K', 9]));
		assert_eq!(
			other_version.to_string(),
			"a frame of version 9 where version 1 was expected"
		);
		assert_eq!(
			FrameError::BadMagic(0x6f6c).to_string(),
			"bytes that are no frame (magic 0x6f6c)"
		);
		assert_eq!(
			FrameError::UnknownKind(99).to_string(),
			"a frame of the unknown kind 99"
		);
		assert_eq!(
			FrameError::UnknownFlags(2).to_string(),
			"a frame with the unknown flags 0x02"
		);
		assert_eq!(FrameError::Stray.to_string(), "bytes that belong to no frame");
		let too_long = FrameError::TooLong { length: 9, limit: 8 };
		assert_eq!(
			too_long.to_string(),
			"a frame of 9 bytes where at most 8 are allowed"
		);
	}
}
