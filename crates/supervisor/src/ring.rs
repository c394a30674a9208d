//! Results without a system call each: a ring of bytes in the memory that a worker and its supervisor share.
//!
//! The worker writes a whole frame and then moves `written`; the supervisor copies it out and moves `read`. A frame counts
//! from the instant in which `written` passes it, so one that a dying worker has published is there, and a half of one
//! never is.
//!
//! Frames that are too long, or find the ring full, go through the pipe, and so does whatever follows until the supervisor
//! has read those (`piped`): then everything in the ring is older than everything in the pipe.
//!
//! A worker that publishes wakes the supervisor by a [`Bell`](pool::frame::FrameKind::Bell) in the pipe, but only if that
//! sleeps, and for short tasks only now and then: see [`RingWriter::needs_bell`].

use std::cell::Cell;
use std::io;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use pool::frame::MAX_PAYLOAD;
use rustix::mm::{MapFlags, ProtFlags};

/// Where the ring stands in the memory: behind the claims, at a multiple of every page size.
const OFFSET: usize = 64 * 1024;
/// Where its bytes begin.
const DATA_OFFSET: usize = 4096;
/// How many there are: a power of two, so that positions may wrap.
const DATA: u32 = 64 * 1024;
const BYTES: usize = DATA_OFFSET + DATA as usize;
/// What is longer than this goes through the pipe.
const LONGEST: u32 = DATA / 4;
/// What a worker announces at a time, at most.
const LONGEST_FRAME: u32 = MAX_PAYLOAD + 16;
/// A worker that publishes result after result rings so often at most: the supervisor has more to take then.
const BELL_INTERVAL: Duration = Duration::from_micros(200);
/// After a bell, and when it falls asleep over results, the supervisor looks again after this time: longer than
/// `BELL_INTERVAL`, in which results come without a bell.
pub const NEXT_LOOK: Duration = Duration::from_millis(1);

/// The memory that one worker and its supervisor share, in bytes.
pub const MEMORY: usize = OFFSET + BYTES;

/// A word that only one side writes, alone in its cache line.
#[repr(C, align(64))]
struct Word(AtomicU32);

impl Word {
	fn get(&self) -> u32 {
		self.0.load(Ordering::SeqCst)
	}

	fn set(&self, value: u32) {
		self.0.store(value, Ordering::SeqCst);
	}
}

/// At the beginning of the memory.
#[repr(C)]
struct Words {
	/// By the worker: how many bytes it has written, modulo 2^32.
	written: Word,
	/// By the worker: 1 while it has no task.
	is_idle: Word,
	/// By the worker: how many bytes it writes to the pipe, modulo 2^32, set before it does. What comes beyond is not from it.
	announced: Word,
	/// By the supervisor: how many bytes it has taken, modulo 2^32.
	read: Word,
	/// By the supervisor: how many frames it has taken out of the pipe, modulo 2^32.
	piped: Word,
	/// By the supervisor: 1 when it is about to sleep. By the worker: 0 when it rings.
	is_asleep: Word,
}

/// The mapped memory.
struct Ring {
	memory: NonNull<u8>,
}

// SAFETY: the words are atomics, the bytes belong to one side at a time, and the one owner unmaps them.
unsafe impl Send for Ring {}

impl Ring {
	fn map(memory: impl AsFd) -> io::Result<Self> {
		// SAFETY: a new mapping at an address of the kernel's choice.
		let address = unsafe {
			rustix::mm::mmap(
				std::ptr::null_mut(),
				BYTES,
				ProtFlags::READ | ProtFlags::WRITE,
				MapFlags::SHARED,
				memory,
				OFFSET as u64,
			)
		}?;
		NonNull::new(address.cast())
			.map(|memory| Self { memory })
			.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))
	}

	fn words(&self) -> &Words {
		// SAFETY: mapped as long as self lives, aligned to a page, zero at first, and reached through atomics only.
		unsafe { self.memory.cast().as_ref() }
	}

	/// The parts of the ring for `length` bytes from a position on: the second is empty unless they wrap.
	fn parts(position: u32, length: u32) -> [(usize, usize); 2] {
		let start = position % DATA;
		let first = length.min(DATA - start);
		[
			(DATA_OFFSET + start as usize, first as usize),
			(DATA_OFFSET, (length - first) as usize),
		]
	}

	/// Copies bytes in. They must be free.
	fn copy_in(&self, position: u32, bytes: &[u8]) {
		let length = u32::try_from(bytes.len()).expect("at most the bytes of the ring");
		let mut from = bytes.as_ptr();
		for (offset, count) in Self::parts(position, length) {
			// SAFETY: a part ends before the mapping does.
			let to = unsafe { self.memory.add(offset) };
			// SAFETY: both are as long as the part, and `bytes` is not in the mapping.
			unsafe { std::ptr::copy_nonoverlapping(from, to.as_ptr(), count) };
			// SAFETY: the parts are as long as the slice together.
			from = unsafe { from.add(count) };
		}
	}

	/// Copies bytes out, behind what is in the buffer.
	fn copy_out(&self, position: u32, length: u32, into: &mut BytesMut) {
		into.reserve(length as usize);
		for (offset, count) in Self::parts(position, length) {
			let to = into.spare_capacity_mut().as_mut_ptr().cast();
			// SAFETY: a part ends before the mapping does.
			let from = unsafe { self.memory.add(offset) };
			// SAFETY: both are as long as the part: that much was reserved. A worker that breaks the rules may change the bytes
			// meanwhile: they are judged as a copy.
			unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to, count) };
			let end = into.len() + count;
			// SAFETY: just written.
			unsafe { into.set_len(end) };
		}
	}
}

impl Drop for Ring {
	fn drop(&mut self) {
		// SAFETY: mapped by `map` with this size; every reference into it borrowed self.
		let _ = unsafe { rustix::mm::munmap(self.memory.as_ptr().cast(), BYTES) };
	}
}

/// The supervisor's side.
pub struct RingReader {
	ring: Ring,
	/// Its own count: the one in the memory is for the worker, who could change it.
	read: u32,
	piped: u32,
}

/// A position that no worker of ours writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Overrun {
	/// How many bytes it says are there.
	pub length: u32,
	/// How many can be.
	pub limit: u32,
}

impl RingReader {
	/// Maps the ring in the memory of a worker.
	pub fn map(memory: impl AsFd) -> io::Result<Self> {
		Ok(Self {
			ring: Ring::map(memory)?,
			read: 0,
			piped: 0,
		})
	}

	/// Whether nothing is there.
	pub fn is_empty(&self) -> bool {
		self.ring.words().written.get() == self.read
	}

	/// Copies out what is there, behind what is in the buffer.
	pub fn take(&mut self, into: &mut BytesMut) -> Result<(), Overrun> {
		let length = self.ring.words().written.get().wrapping_sub(self.read);
		if length > DATA {
			return Err(Overrun { length, limit: DATA });
		}
		self.ring.copy_out(self.read, length, into);
		self.read = self.read.wrapping_add(length);
		self.ring.words().read.set(self.read);
		Ok(())
	}

	/// A frame was taken out of the pipe.
	pub fn took_from_pipe(&mut self) {
		self.piped = self.piped.wrapping_add(1);
		self.ring.words().piped.set(self.piped);
	}

	/// Whether the worker has announced so many bytes in the pipe.
	pub fn is_announced(&self, bytes: u32) -> bool {
		// The difference of counts that wrap: what of a frame is still to come.
		self.ring.words().announced.get().wrapping_sub(bytes) <= LONGEST_FRAME
	}

	/// The supervisor is about to sleep, so the worker has to ring. Tells what has come meanwhile without a bell.
	pub fn fall_asleep(&self) -> Unrung {
		let words = self.ring.words();
		words.is_asleep.set(1);
		// Only after that: a worker that has not seen it has published before.
		if self.is_empty() {
			Unrung::Nothing
		} else if words.is_idle.get() == 1 {
			Unrung::Last
		} else {
			Unrung::Some
		}
	}
}

/// What is in a ring when the supervisor falls asleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrung {
	/// The worker rings for the next result.
	Nothing,
	/// The worker goes on, and may ring later.
	Some,
	/// The worker waits for tasks: nothing else will come.
	Last,
}

/// The worker's side.
pub struct RingWriter {
	ring: Ring,
	written: Cell<u32>,
	announced: Cell<u32>,
	piped: Cell<u32>,
	last_bell: Cell<Option<Instant>>,
}

impl RingWriter {
	/// Maps the ring in the memory that the supervisor gave.
	pub fn map(memory: impl AsFd) -> io::Result<Self> {
		Ok(Self {
			ring: Ring::map(memory)?,
			written: Cell::new(0),
			announced: Cell::new(0),
			piped: Cell::new(0),
			last_bell: Cell::new(None),
		})
	}

	/// Publishes a frame. `false`: it has to go through the pipe, and [`Self::went_through_pipe`] wants to know.
	pub fn publish(&self, header: &[u8], payload: &[u8]) -> bool {
		let words = self.ring.words();
		let Ok(length) = u32::try_from(header.len() + payload.len()) else {
			return false;
		};
		let written = self.written.get();
		let used = written.wrapping_sub(words.read.get());
		let is_behind_pipe = words.piped.get() != self.piped.get();
		if length > LONGEST || used > DATA - length || is_behind_pipe {
			return false;
		}
		let behind_header = written.wrapping_add(u32::try_from(header.len()).unwrap_or(0));
		self.ring.copy_in(written, header);
		self.ring.copy_in(behind_header, payload);
		self.written.set(written.wrapping_add(length));
		words.written.set(self.written.get());
		true
	}

	/// So many bytes are about to be written to the pipe.
	pub fn announce(&self, bytes: usize) {
		// Modulo 2^32, as the count.
		#[expect(
			clippy::cast_possible_truncation,
			reason = "only the difference of two counts matters"
		)]
		self.announced
			.set(self.announced.get().wrapping_add(bytes as u32));
		self.ring.words().announced.set(self.announced.get());
	}

	/// A bell that was announced has found no room.
	pub fn take_back(&self, bytes: usize) {
		#[expect(
			clippy::cast_possible_truncation,
			reason = "only the difference of two counts matters"
		)]
		self.announced
			.set(self.announced.get().wrapping_sub(bytes as u32));
		self.ring.words().announced.set(self.announced.get());
	}

	/// A frame was written to the pipe.
	pub fn went_through_pipe(&self) {
		self.piped.set(self.piped.get().wrapping_add(1));
	}

	/// Whether the supervisor has to be woken for what was published. If so, this counts as the bell.
	///
	/// Where more tasks wait here, a bell can wait too: one in 200 µs is enough, and the supervisor looks again a little later.
	/// The last result of all is told at once.
	pub fn needs_bell(&self, is_last: bool) -> bool {
		let words = self.ring.words();
		if is_last {
			// Before the question whether it sleeps: see `fall_asleep`.
			words.is_idle.set(1);
		}
		if words.is_asleep.get() == 0 {
			return false;
		}
		let used = self.written.get().wrapping_sub(words.read.get());
		let is_due = || {
			self.last_bell
				.get()
				.is_none_or(|last| last.elapsed() >= BELL_INTERVAL)
		};
		if !is_last && used <= DATA / 2 && !is_due() {
			return false;
		}
		words.is_asleep.set(0);
		self.last_bell.set(Some(Instant::now()));
		true
	}

	/// There are tasks again.
	pub fn has_tasks(&self) {
		self.ring.words().is_idle.set(0);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::sys;

	fn both() -> (RingReader, RingWriter) {
		let memory = sys::shared_memory(MEMORY).unwrap();
		(
			RingReader::map(&memory).unwrap(),
			RingWriter::map(&memory).unwrap(),
		)
	}

	fn taken(reader: &mut RingReader) -> Vec<u8> {
		let mut bytes = BytesMut::new();
		reader.take(&mut bytes).unwrap();
		bytes.to_vec()
	}

	#[test]
	fn what_is_published_is_taken_once_and_in_order() {
		let (mut reader, writer) = both();
		assert!(reader.is_empty());
		assert!(writer.publish(b"head", b"and payload"));
		assert!(writer.publish(b"second", b""));
		assert!(!reader.is_empty());
		assert_eq!(taken(&mut reader), b"headand payloadsecond");
		assert!(reader.is_empty());
		assert_eq!(taken(&mut reader), b"");
	}

	#[test]
	fn bytes_survive_every_place_in_the_ring_and_every_length() {
		let (mut reader, writer) = both();
		let mut next = 0_u8;
		// Coprime to the size, so that each place is the start of something.
		for length in (1..4000).cycle().step_by(7).take(3000) {
			let frame: Vec<u8> = (0..length)
				.map(|_| {
					next = next.wrapping_add(1);
					next
				})
				.collect();
			let (header, payload) = frame.split_at(frame.len().min(16));
			assert!(writer.publish(header, payload));
			assert_eq!(taken(&mut reader), frame);
		}
	}

	#[test]
	fn a_full_ring_takes_nothing_until_there_is_room() {
		let (mut reader, writer) = both();
		let frame = vec![7; 1000];
		let mut count = 0;
		while writer.publish(&[1; 16], &frame) {
			count += 1;
		}
		assert_eq!(count, DATA as usize / 1016);
		assert_eq!(taken(&mut reader).len(), count * 1016);
		assert!(writer.publish(&[1; 16], &frame));
	}

	#[test]
	fn what_follows_a_frame_in_the_pipe_waits_until_that_is_read() {
		let (mut reader, writer) = both();
		assert!(writer.publish(b"first", b""));
		assert!(!writer.publish(b"long", &vec![0; LONGEST as usize]));
		writer.went_through_pipe();
		assert!(!writer.publish(b"third", b""));
		assert_eq!(taken(&mut reader), b"first");
		assert!(!writer.publish(b"third", b""));
		reader.took_from_pipe();
		assert!(writer.publish(b"third", b""));
	}

	#[test]
	fn a_position_that_cannot_be_is_no_reason_to_copy() {
		let (mut reader, writer) = both();
		writer.ring.words().written.set(DATA + 1);
		let mut bytes = BytesMut::new();
		assert_eq!(
			reader.take(&mut bytes),
			Err(Overrun {
				length: DATA + 1,
				limit: DATA
			})
		);
		assert!(bytes.is_empty());
	}

	#[test]
	fn bytes_that_were_not_announced_are_told_apart() {
		let (reader, writer) = both();
		assert!(reader.is_announced(0));
		assert!(!reader.is_announced(1));
		writer.announce(100);
		assert!(reader.is_announced(100));
		assert!(!reader.is_announced(101));
		writer.announced.set(u32::MAX - 4);
		writer.announce(10);
		assert!(reader.is_announced(u32::MAX));
		assert!(reader.is_announced(5));
		assert!(!reader.is_announced(6));
		writer.take_back(10);
		assert!(!reader.is_announced(5));
	}

	#[test]
	fn nobody_rings_for_a_supervisor_that_is_awake() {
		let (reader, writer) = both();
		assert!(writer.publish(b"frame", b""));
		assert!(!writer.needs_bell(true));
		assert_eq!(reader.fall_asleep(), Unrung::Last);
	}

	#[test]
	fn the_last_result_rings_at_once_and_only_once() {
		let (mut reader, writer) = both();
		assert_eq!(reader.fall_asleep(), Unrung::Nothing);
		assert!(writer.publish(b"frame", b""));
		assert!(writer.needs_bell(true));
		assert!(!writer.needs_bell(true));
		assert_eq!(taken(&mut reader), b"frame");
		assert_eq!(reader.fall_asleep(), Unrung::Nothing);
		assert!(writer.publish(b"frame", b""));
		assert!(writer.needs_bell(true));
	}

	#[test]
	fn results_that_follow_each_other_ring_now_and_then() {
		let (mut reader, writer) = both();
		reader.fall_asleep();
		assert!(writer.publish(b"frame", b""));
		assert!(writer.needs_bell(false), "the first after a rest");
		writer
			.last_bell
			.set(Some(Instant::now() + Duration::from_secs(60)));
		taken(&mut reader);
		reader.fall_asleep();
		assert!(writer.publish(b"frame", b""));
		assert!(!writer.needs_bell(false), "too soon");
		while writer.publish(&[0; 16], &[0; 1000]) {}
		assert!(writer.needs_bell(false), "the ring is nearly full");
	}

	#[test]
	fn whoever_falls_asleep_is_told_what_nobody_has_rung_for() {
		let (mut reader, writer) = both();
		writer.publish(b"frame", b"");
		assert_eq!(reader.fall_asleep(), Unrung::Some);
		taken(&mut reader);
		writer.publish(b"frame", b"");
		writer.needs_bell(true);
		assert_eq!(reader.fall_asleep(), Unrung::Last);
		writer.has_tasks();
		assert_eq!(reader.fall_asleep(), Unrung::Some);
	}

	#[test]
	fn two_threads_lose_nothing_and_nobody_sleeps_over_a_last_result() {
		const ROUNDS: u32 = 200_000;
		let (mut reader, writer) = both();
		let (bell, bells) = std::sync::mpsc::channel();
		std::thread::scope(|scope| {
			scope.spawn(move || {
				for round in 0..ROUNDS {
					while !writer.publish(&round.to_le_bytes(), &[]) {
						std::thread::yield_now();
					}
					// As if each were the last of its batch.
					if writer.needs_bell(true) {
						bell.send(()).unwrap();
					}
				}
			});
			let mut expected = 0;
			let mut bytes = BytesMut::new();
			while expected < ROUNDS {
				match reader.fall_asleep() {
					Unrung::Nothing => bells
						.recv_timeout(Duration::from_secs(10))
						.expect("a bell for what was published"),
					Unrung::Some | Unrung::Last => {}
				}
				bytes.clear();
				reader.take(&mut bytes).unwrap();
				for word in bytes.chunks_exact(4) {
					assert_eq!(word, expected.to_le_bytes());
					expected += 1;
				}
			}
		});
	}
}
