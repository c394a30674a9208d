//! What must be true of the frame decoder for any bytes. Property tests and the fuzzer ask the same.

use pool::frame::{Frame, FrameDecoder, FrameError, HEADER_LENGTH};

/// Small, so that lengths beyond it are common.
const LIMIT: u32 = 1000;

/// Decodes a stream that is cut as its first bytes say, and checks what comes of it. Returns the frames.
///
/// # Panics
///
/// Where the decoder does what it must not.
pub fn check_stream(bytes: &[u8]) -> Vec<Frame> {
	let cuts = bytes.len().min(4);
	let (cuts, stream) = bytes.split_at(cuts);
	let whole = decode(std::iter::once(stream));
	let pieces = decode(Pieces {
		cuts,
		next: 0,
		rest: stream,
	});
	assert_eq!(whole.0, pieces.0, "the cuts change the frames");
	assert_eq!(
		whole.1.is_some(),
		pieces.1.is_some(),
		"the cuts change whether it is an error"
	);
	let mut encoded = Vec::new();
	for frame in &whole.0 {
		assert!(frame.payload.len() <= LIMIT as usize);
		encoded.extend_from_slice(&frame.encode_header());
		encoded.extend_from_slice(&frame.payload);
	}
	assert!(
		stream.starts_with(&encoded),
		"a frame is not what was in the stream"
	);
	whole.0
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FrameError>) {
	let mut decoder = FrameDecoder::new(LIMIT);
	let mut frames = Vec::new();
	for piece in pieces {
		let room = decoder.spare(piece.len());
		assert!(
			room.capacity() <= 4 * (piece.len() + LIMIT as usize + HEADER_LENGTH),
			"a header made it allocate"
		);
		room.extend_from_slice(piece);
		loop {
			match decoder.next() {
				Ok(Some(frame)) => frames.push(frame),
				Ok(None) => break,
				Err(error) => {
					assert_eq!(decoder.next(), Err(error), "an error is forgotten");
					return (frames, Some(error));
				}
			}
		}
	}
	(frames, None)
}

/// A stream in pieces of these lengths, again and again.
struct Pieces<'a> {
	cuts: &'a [u8],
	next: usize,
	rest: &'a [u8],
}

impl<'a> Iterator for Pieces<'a> {
	type Item = &'a [u8];

	fn next(&mut self) -> Option<&'a [u8]> {
		if self.rest.is_empty() {
			return None;
		}
		let length = self
			.cuts
			.get(self.next % self.cuts.len().max(1))
			.copied()
			.unwrap_or(1);
		self.next += 1;
		let (piece, rest) = self.rest.split_at(usize::from(length).clamp(1, self.rest.len()));
		self.rest = rest;
		Some(piece)
	}
}
