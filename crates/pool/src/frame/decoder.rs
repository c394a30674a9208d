//! Frames out of a stream of bytes, without copying the payloads.

use bytes::{Bytes, BytesMut};

use super::{Frame, FrameError, FrameKind, HEADER_LENGTH, MAGIC};
use crate::{FunctionId, Sequence};

/// Takes bytes as they come from a pipe and yields whole frames.
///
/// Payloads are slices of the buffer that was read into. Garbage is found with the first byte that cannot belong to a
/// frame, and room for a payload grows with what has arrived, so a header alone never makes us allocate what it promises.
///
/// ```
/// use pool::frame::{Frame, FrameDecoder, FrameKind, MAX_PAYLOAD};
/// use pool::{FunctionId, Sequence};
///
/// let payload = bytes::Bytes::from_static(b"\xc0");
/// let frame = Frame { kind: FrameKind::Returned, sequence: Sequence(1), function: FunctionId(0), payload };
/// let mut decoder = FrameDecoder::new(MAX_PAYLOAD);
/// decoder.push(&frame.encode_header());
/// assert_eq!(decoder.next(), Ok(None));
/// decoder.push(&frame.payload);
/// assert_eq!(decoder.next(), Ok(Some(frame)));
/// ```
#[derive(Debug)]
pub struct FrameDecoder {
	buffer: BytesMut,
	state: DecoderState,
	max_payload: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DecoderState {
	Header,
	Payload {
		kind: FrameKind,
		sequence: Sequence,
		function: FunctionId,
		length: usize,
	},
	Bad(FrameError),
}

impl FrameDecoder {
	/// A decoder at the start of a stream, for frames with at most `max_payload` bytes of payload.
	#[must_use]
	pub fn new(max_payload: u32) -> FrameDecoder {
		FrameDecoder {
			buffer: BytesMut::new(),
			state: DecoderState::Header,
			max_payload,
		}
	}

	/// The buffer to append the next bytes of the stream to, with room for `at_least` more, and for more than that inside
	/// a large payload: as much again as has arrived of it, up to its end.
	///
	/// Whoever reads straight into it must only append.
	pub fn spare(&mut self, at_least: usize) -> &mut BytesMut {
		let missing = match self.state {
			DecoderState::Payload { length, .. } => length.saturating_sub(self.buffer.len()),
			DecoderState::Header | DecoderState::Bad(_) => 0,
		};
		self.buffer.reserve(at_least.max(missing.min(self.buffer.len())));
		&mut self.buffer
	}

	/// Appends the next bytes of the stream, copying them. Reading into [`spare`](Self::spare) does not copy.
	pub fn push(&mut self, bytes: &[u8]) {
		self.spare(bytes.len()).extend_from_slice(bytes);
	}

	/// The next whole frame. `None`: more bytes are needed.
	///
	/// # Errors
	///
	/// The bytes are no frame. The stream cannot be trusted from there on, so every later call returns the same error.
	#[expect(
		clippy::should_implement_trait,
		reason = "an iterator that ends would not go on after more bytes"
	)]
	pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
		loop {
			match self.state {
				DecoderState::Bad(error) => return Err(error),
				DecoderState::Header => match parse_header(&self.buffer, self.max_payload) {
					Err(error) => {
						self.state = DecoderState::Bad(error);
						self.buffer = BytesMut::new();
					}
					Ok(None) => return Ok(None),
					Ok(Some(payload)) => {
						let _header = self.buffer.split_to(HEADER_LENGTH);
						self.state = payload;
					}
				},
				DecoderState::Payload { length, .. } if self.buffer.len() < length => return Ok(None),
				DecoderState::Payload {
					kind,
					sequence,
					function,
					length,
				} => {
					self.state = DecoderState::Header;
					// An empty slice would keep the whole buffer alive for nothing.
					let payload = if length == 0 {
						Bytes::new()
					} else {
						self.buffer.split_to(length).freeze()
					};
					return Ok(Some(Frame {
						kind,
						sequence,
						function,
						payload,
					}));
				}
			}
		}
	}

	/// Whether a part of a frame has arrived. At the end of the stream: it was cut.
	#[must_use]
	pub fn is_mid_frame(&self) -> bool {
		match self.state {
			DecoderState::Header => !self.buffer.is_empty(),
			DecoderState::Payload { .. } => true,
			DecoderState::Bad(_) => false,
		}
	}
}

/// Judges each field of the header as soon as its bytes are there; `None` while all that is there is good but not all.
fn parse_header(bytes: &[u8], max_payload: u32) -> Result<Option<DecoderState>, FrameError> {
	let word = |at: usize| {
		bytes
			.get(at..at + 4)
			.map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
	};
	// The magic comes first: of another version, or of text, it tells more than the other fields do.
	let magic = bytes.get(6..bytes.len().min(8)).unwrap_or_default();
	if !MAGIC.to_le_bytes().starts_with(magic) {
		let byte = |at: usize| magic.get(at).copied().unwrap_or(0);
		return Err(FrameError::BadMagic(u16::from_le_bytes([byte(0), byte(1)])));
	}
	let kind = bytes
		.get(4)
		.map(|number| FrameKind::try_from(*number))
		.transpose()?;
	if let Some(flags) = bytes.get(5).filter(|flags| **flags != 0) {
		return Err(FrameError::UnknownFlags(*flags));
	}
	let length = word(0);
	if let Some(length) = length.filter(|length| *length > max_payload) {
		return Err(FrameError::TooLong {
			length,
			limit: max_payload,
		});
	}
	let (Some(length), Some(kind), Some(sequence), Some(function)) = (length, kind, word(8), word(12)) else {
		return Ok(None);
	};
	let length = usize::try_from(length).map_err(|_| FrameError::TooLong {
		length,
		limit: max_payload,
	})?;
	let (sequence, function) = (Sequence(sequence), FunctionId(function));
	Ok(Some(DecoderState::Payload {
		kind,
		sequence,
		function,
		length,
	}))
}
