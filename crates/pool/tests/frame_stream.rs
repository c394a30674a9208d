//! The envelope against golden bytes, which the TypeScript side reads too, and against streams cut anywhere.

mod harness;

use bytes::Bytes;
use pool::frame::{Frame, FrameDecoder, FrameError, FrameKind, HEADER_LENGTH, MAX_PAYLOAD};
use pool::{FunctionId, Sequence};
use proptest::prelude::*;

/// Kind, sequence, function, payload, all bytes.
type Vector = (FrameKind, u32, u32, &'static [u8], &'static [u8]);

/// Each kind once, with the bytes that it must have for ever (as long as the version is the same).
const VECTORS: [Vector; 14] = [
	(
		FrameKind::Init,
		0,
		0,
		b"\x81\xa3cwd\xa1/",
		include_bytes!("vectors/init.bin"),
	),
	(
		FrameKind::Function,
		0,
		7,
		b"\x92\xa6module\xa3add",
		include_bytes!("vectors/function.bin"),
	),
	(
		FrameKind::Task,
		1,
		7,
		b"\x92\x01\x02",
		include_bytes!("vectors/task.bin"),
	),
	(FrameKind::Exit, 0, 0, b"", include_bytes!("vectors/exit.bin")),
	(FrameKind::Forget, 0, 7, b"", include_bytes!("vectors/forget.bin")),
	(
		FrameKind::ObservedTask,
		2,
		7,
		b"\x92\x01\x02",
		include_bytes!("vectors/observed-task.bin"),
	),
	(FrameKind::Ready, 0, 0, b"", include_bytes!("vectors/ready.bin")),
	(
		FrameKind::StartFailed,
		0,
		0,
		b"\x81\xa7message\xa4nope",
		include_bytes!("vectors/start-failed.bin"),
	),
	(
		FrameKind::Returned,
		1,
		0,
		b"\x03",
		include_bytes!("vectors/returned.bin"),
	),
	(
		FrameKind::Threw,
		0x7fff_ffff,
		0,
		b"\x81\xa7message\xa4oops",
		include_bytes!("vectors/threw.bin"),
	),
	(
		FrameKind::Undecodable,
		0x0102_0304,
		0,
		b"\xc0",
		include_bytes!("vectors/undecodable.bin"),
	),
	(
		FrameKind::Started,
		2,
		0,
		b"",
		include_bytes!("vectors/started.bin"),
	),
	(
		FrameKind::StrayError,
		1,
		0,
		b"\x81\xa7message\xa4oops",
		include_bytes!("vectors/stray-error.bin"),
	),
	(FrameKind::Bell, 0, 0, b"", include_bytes!("vectors/bell.bin")),
];

fn golden() -> impl Iterator<Item = (Frame, &'static [u8])> {
	VECTORS
		.into_iter()
		.map(|(kind, sequence, function, payload, bytes)| {
			let payload = Bytes::from_static(payload);
			(
				Frame {
					kind,
					sequence: Sequence(sequence),
					function: FunctionId(function),
					payload,
				},
				bytes,
			)
		})
}

fn encode(frame: &Frame) -> Vec<u8> {
	[&frame.encode_header()[..], &frame.payload].concat()
}

/// Feeds pieces and collects the frames that come out, up to the first error.
fn decode<'a>(
	pieces: impl IntoIterator<Item = &'a [u8]>,
	max_payload: u32,
) -> (Vec<Frame>, Option<FrameError>) {
	let mut decoder = FrameDecoder::new(max_payload);
	let mut frames = Vec::new();
	for piece in pieces {
		decoder.push(piece);
		loop {
			match decoder.next() {
				Ok(Some(frame)) => frames.push(frame),
				Ok(None) => break,
				Err(error) => return (frames, Some(error)),
			}
		}
	}
	(frames, None)
}

#[test]
fn the_golden_vectors_cover_every_kind() {
	let kinds: Vec<FrameKind> = golden().map(|(frame, _)| frame.kind).collect();
	assert_eq!(kinds, FrameKind::ALL);
}

#[test]
fn every_kind_is_encoded_as_its_golden_bytes() {
	for (frame, bytes) in golden() {
		assert_eq!(encode(&frame), bytes, "{:?}", frame.kind);
	}
}

#[test]
fn golden_bytes_that_come_one_by_one_are_decoded() {
	let frames: Vec<Frame> = golden().map(|(frame, _)| frame).collect();
	let stream: Vec<u8> = golden().flat_map(|(_, bytes)| bytes.to_vec()).collect();
	assert_eq!(decode(stream.chunks(1), MAX_PAYLOAD), (frames, None));
}

#[test]
fn a_frame_is_not_there_before_its_last_byte() {
	for (frame, bytes) in golden() {
		let mut decoder = FrameDecoder::new(MAX_PAYLOAD);
		assert!(!decoder.is_mid_frame());
		let (last, others) = bytes.split_last().expect("a frame has bytes");
		for byte in others {
			decoder.push(&[*byte]);
			assert_eq!(decoder.next(), Ok(None));
			assert!(decoder.is_mid_frame());
		}
		decoder.push(&[*last]);
		assert_eq!(decoder.next(), Ok(Some(frame)));
		assert!(!decoder.is_mid_frame());
	}
}

#[test]
fn each_wrong_byte_is_found_when_it_arrives() {
	let wrong = |at: usize, byte: u8, error: FrameError| {
		let mut header = [9, 0, 0, 0, FrameKind::Returned as u8, 0, b'K', 1];
		header[at] = byte;
		let mut decoder = FrameDecoder::new(9);
		decoder.push(&header[..at]);
		assert_eq!(decoder.next(), Ok(None));
		decoder.push(&header[at..=at]);
		assert_eq!(decoder.next(), Err(error), "offset {at}");
	};
	wrong(
		3,
		0x10,
		FrameError::TooLong {
			length: 0x1000_0009,
			limit: 9,
		},
	);
	wrong(4, 7, FrameError::UnknownKind(7));
	wrong(5, 1, FrameError::UnknownFlags(1));
	wrong(6, b'k', FrameError::BadMagic(u16::from(b'k')));
	wrong(7, 2, FrameError::BadMagic(u16::from_le_bytes([b'K', 2])));
}

#[test]
fn text_is_reported_as_bad_magic() {
	let (_, error) = decode([&b"hello world"[..]], MAX_PAYLOAD);
	assert_eq!(error, Some(FrameError::BadMagic(u16::from_le_bytes(*b"wo"))));
}

#[test]
fn nothing_is_believed_after_an_error() {
	let (frame, bytes) = golden().next().expect("there are vectors");
	let mut decoder = FrameDecoder::new(MAX_PAYLOAD);
	decoder.push(bytes);
	decoder.push(b"garbage!");
	decoder.push(bytes);
	assert_eq!(decoder.next(), Ok(Some(frame)));
	let error = decoder.next().expect_err("garbage is no frame");
	decoder.push(bytes);
	assert_eq!(decoder.next(), Err(error));
	assert!(!decoder.is_mid_frame());
}

#[test]
fn a_payload_at_the_limit_is_taken_and_one_beyond_is_not() {
	let (frame, bytes) = golden()
		.find(|(frame, _)| frame.kind == FrameKind::Returned)
		.expect("it has a vector");
	assert_eq!(decode([bytes], 1), (vec![frame], None));
	assert_eq!(
		decode([bytes], 0),
		(vec![], Some(FrameError::TooLong { length: 1, limit: 0 }))
	);
}

#[test]
fn a_header_alone_does_not_make_room_for_what_it_promises() {
	let mut decoder = FrameDecoder::new(MAX_PAYLOAD);
	let mut header = *include_bytes!("vectors/exit.bin");
	header[..4].copy_from_slice(&MAX_PAYLOAD.to_le_bytes());
	decoder.push(&header);
	assert_eq!(decoder.next(), Ok(None));
	assert!(decoder.spare(4096).capacity() <= 2 * 4096);
	decoder.push(&vec![0; 100_000]);
	assert!(decoder.spare(4096).capacity() <= 4 * 100_000);
}

#[test]
fn a_payload_is_a_slice_of_the_buffer_that_was_read_into() {
	let (_, bytes) = golden().nth(1).expect("there are vectors");
	let mut decoder = FrameDecoder::new(MAX_PAYLOAD);
	let buffer = decoder.spare(4096);
	buffer.extend_from_slice(bytes);
	let read_into = buffer.as_ptr_range();
	let frame = decoder.next().expect("golden").expect("whole");
	assert!(read_into.contains(&frame.payload.as_ptr()));
}

#[test]
fn a_large_payload_arrives_whole() {
	let payload = Bytes::from(vec![0xab; 64 << 20]);
	let frame = Frame {
		kind: FrameKind::Returned,
		sequence: Sequence(1),
		function: FunctionId(0),
		payload,
	};
	let mut decoder = FrameDecoder::new(MAX_PAYLOAD);
	decoder.push(&frame.encode_header());
	for piece in frame.payload.chunks(1 << 16) {
		assert_eq!(decoder.next(), Ok(None));
		decoder.spare(1 << 16).extend_from_slice(piece);
	}
	assert_eq!(decoder.next(), Ok(Some(frame)));
}

fn any_frame() -> impl Strategy<Value = Frame> {
	let payload = proptest::collection::vec(any::<u8>(), 0..200);
	(0..FrameKind::ALL.len(), any::<u32>(), any::<u32>(), payload).prop_map(
		|(kind, sequence, function, payload)| Frame {
			kind: FrameKind::ALL[kind],
			sequence: Sequence(sequence),
			function: FunctionId(function),
			payload: payload.into(),
		},
	)
}

/// Cuts a stream into pieces of these lengths, again and again.
fn cut<'a>(stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
	let mut rest = stream;
	let mut pieces = Vec::new();
	for length in lengths.iter().cycle() {
		if rest.is_empty() {
			break;
		}
		let (piece, behind) = rest.split_at((*length).min(rest.len()));
		pieces.push(piece);
		rest = behind;
	}
	pieces
}

proptest! {
	#[test]
	fn frames_survive_any_cut_of_the_stream(
		frames in proptest::collection::vec(any_frame(), 0..8),
		lengths in proptest::collection::vec(1_usize..300, 1..20),
	) {
		let stream: Vec<u8> = frames.iter().flat_map(encode).collect();
		prop_assert_eq!(decode(cut(&stream, &lengths), MAX_PAYLOAD), (frames, None));
	}

	#[test]
	fn a_stream_that_ends_early_is_mid_frame_unless_it_ends_between_frames(
		frames in proptest::collection::vec(any_frame(), 1..4),
		end in any::<prop::sample::Index>(),
	) {
		let stream: Vec<u8> = frames.iter().flat_map(encode).collect();
		let end = end.index(stream.len() + 1);
		let mut decoder = FrameDecoder::new(MAX_PAYLOAD);
		decoder.push(&stream[..end]);
		let mut read = 0;
		while let Some(frame) = decoder.next().expect("frames are good") {
			read += HEADER_LENGTH + frame.payload.len();
		}
		prop_assert_eq!(decoder.is_mid_frame(), read != end);
	}

	#[test]
	fn any_bytes_are_frames_or_an_error_wherever_they_are_cut(
		stream in proptest::collection::vec(any::<u8>(), 0..200),
		prefix in proptest::collection::vec(any_frame(), 0..2),
		lengths in proptest::collection::vec(1_usize..50, 1..10),
	) {
		let stream: Vec<u8> = prefix.iter().flat_map(encode).chain(stream).collect();
		let (whole, whole_error) = decode([&stream[..]], 1000);
		let (pieces, pieces_error) = decode(cut(&stream, &lengths), 1000);
		prop_assert_eq!(whole, pieces);
		prop_assert_eq!(whole_error.is_some(), pieces_error.is_some());
	}
	/// The target of the fuzzer in `fuzz/`.
	#[test]
	fn what_is_true_of_any_bytes_is_true_of_these(
		cuts in any::<[u8; 4]>(),
		frames in proptest::collection::vec(any_frame(), 0..4),
		behind in proptest::collection::vec(any::<u8>(), 0..200),
		changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
	) {
		let mut bytes = cuts.to_vec();
		bytes.extend(frames.iter().flat_map(encode).chain(behind));
		if changes.is_empty() {
			let decoded = harness::check_stream(&bytes);
			prop_assert_eq!(&decoded[..frames.len()], &frames[..]);
		}
		for (place, byte) in changes {
			let place = place.index(bytes.len());
			bytes[place] = byte;
		}
		harness::check_stream(&bytes);
	}
}
