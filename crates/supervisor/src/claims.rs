//! The memory in which a worker claims a task before it starts it. The rules are those of [`ClaimLedger`].
//!
//! Behind the slots are two numbers that the worker writes by itself, see [`Remark`].

use std::io;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use pool::{ClaimLedger, SLOTS, Sequence, WorkerId};
use rustc_hash::FxHashMap;
use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::Pid;

use crate::mark::Mark;
use crate::sys;

/// One worker's claim memory, mapped.
///
/// Compare-and-swap with sequentially consistent order, because the other side may be JavaScript's `Atomics`, which has
/// no other.
pub struct ClaimMemory {
	slots: NonNull<AtomicI32>,
}

// SAFETY: the memory is reached through atomics only, and unmapped by the one owner.
unsafe impl Send for ClaimMemory {}
// SAFETY: as above.
unsafe impl Sync for ClaimMemory {}

impl ClaimMemory {
	/// Its size.
	pub const BYTES: usize = Self::MARK_OFFSET + size_of::<AtomicU64>();

	/// Behind the slots and the remarks, of which there are an even number: aligned for a mark.
	const MARK_OFFSET: usize = (SLOTS as usize + Remark::ALL) * size_of::<AtomicI32>();

	/// Maps memory of [`Self::BYTES`].
	pub fn map(memory: impl AsFd) -> io::Result<Self> {
		// SAFETY: a new mapping at an address of the kernel's choice.
		let address = unsafe {
			rustix::mm::mmap(
				std::ptr::null_mut(),
				Self::BYTES,
				ProtFlags::READ | ProtFlags::WRITE,
				MapFlags::SHARED,
				memory,
				0,
			)
		}?;
		NonNull::new(address.cast())
			.map(|slots| Self { slots })
			.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))
	}

	/// The first slot.
	pub fn address(&self) -> NonNull<i32> {
		self.slots.cast()
	}

	/// Behind the remarks: what the worker reads before its first task.
	fn mark_word(&self) -> &AtomicU64 {
		// SAFETY: inside the mapping, whose size counts it in.
		let word = unsafe { self.slots.byte_add(Self::MARK_OFFSET) }.cast::<AtomicU64>();
		// SAFETY: mapped, and aligned because the mapping is and the offset too; never reached but through atomics.
		unsafe { word.as_ref() }
	}

	/// Tells the worker which mark to bear.
	pub fn give_mark(&self, mark: Mark) {
		self.mark_word().store(mark.number(), Ordering::SeqCst);
	}

	/// The mark that the worker is to bear, if any.
	pub fn mark(&self) -> Option<Mark> {
		Mark::from_number(self.mark_word().load(Ordering::SeqCst))
	}

	fn slot(&self, sequence: Sequence) -> &AtomicI32 {
		self.number((sequence.0 % SLOTS) as usize)
	}

	fn number(&self, index: usize) -> &AtomicI32 {
		assert!(index < Self::MARK_OFFSET / size_of::<AtomicI32>());
		// SAFETY: it stays inside the mapping.
		let number = unsafe { self.slots.add(index) };
		// SAFETY: mapped and aligned as long as self lives, and never reached but through atomics.
		unsafe { number.as_ref() }
	}

	/// What the worker says of itself. 0 before it has said anything.
	pub fn remark(&self, remark: Remark) -> i32 {
		self.number(SLOTS as usize + remark as usize)
			.load(Ordering::SeqCst)
	}

	/// Makes the sequence claimable.
	pub fn offer(&self, sequence: Sequence) {
		self.slot(sequence).store(offered(sequence), Ordering::SeqCst);
	}

	/// The parent takes it back.
	pub fn recall(&self, sequence: Sequence) -> bool {
		self.exchange(sequence, 0)
	}

	/// The worker takes it.
	pub fn claim(&self, sequence: Sequence) -> bool {
		self.exchange(sequence, -offered(sequence))
	}

	/// Whether the worker took it.
	pub fn is_claimed(&self, sequence: Sequence) -> bool {
		self.slot(sequence).load(Ordering::SeqCst) == -offered(sequence)
	}

	fn exchange(&self, sequence: Sequence, to: i32) -> bool {
		let from = offered(sequence);
		self.slot(sequence)
			.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
			.is_ok()
	}
}

fn offered(sequence: Sequence) -> i32 {
	sequence.0.cast_signed()
}

impl Drop for ClaimMemory {
	fn drop(&mut self) {
		// SAFETY: mapped by `map` with this size; every reference into it borrowed self.
		let _ = unsafe { rustix::mm::munmap(self.slots.as_ptr().cast(), Self::BYTES) };
	}
}

/// What a worker writes behind the slots, in this order.
#[derive(Clone, Copy)]
pub enum Remark {
	/// The sequence of the task that it loads: claimed, and not called.
	Loading = 0,
	/// The port on which its JavaScript debugger listens, if it does.
	DebugPort = 1,
}

impl Remark {
	/// How many there are.
	pub const ALL: usize = 2;
}

/// The claim memories of all workers.
#[derive(Default)]
pub struct Ledger {
	memories: FxHashMap<WorkerId, (Pid, ClaimMemory)>,
}

impl Ledger {
	/// A worker has got its memory.
	pub fn insert(&mut self, worker: WorkerId, pid: Pid, memory: ClaimMemory) {
		self.memories.insert(worker, (pid, memory));
	}

	/// Whether the worker has claimed a task and not called it.
	pub fn loads(&self, worker: WorkerId) -> bool {
		let loading = self
			.memories
			.get(&worker)
			.and_then(|(_, memory)| u32::try_from(memory.remark(Remark::Loading)).ok());
		loading.is_some_and(|sequence| sequence != 0 && self.is_claimed(worker, Sequence(sequence)))
	}

	/// A worker is gone, and the pool has judged its tasks.
	pub fn remove(&mut self, worker: WorkerId) -> Option<ClaimMemory> {
		self.memories.remove(&worker).map(|(_, memory)| memory)
	}
}

/// A worker without memory has no process, or none any more: it starts nothing.
impl ClaimLedger for Ledger {
	fn offer(&mut self, worker: WorkerId, sequence: Sequence) {
		if let Some((_, memory)) = self.memories.get(&worker) {
			memory.offer(sequence);
		}
	}

	fn recall(&mut self, worker: WorkerId, sequence: Sequence) -> bool {
		self.memories
			.get(&worker)
			.is_none_or(|(_, memory)| memory.recall(sequence))
	}

	fn is_claimed(&self, worker: WorkerId, sequence: Sequence) -> bool {
		self.memories
			.get(&worker)
			.is_some_and(|(_, memory)| memory.is_claimed(sequence))
	}

	fn is_loading(&self, worker: WorkerId, sequence: Sequence) -> bool {
		self.memories
			.get(&worker)
			.is_some_and(|(_, memory)| memory.remark(Remark::Loading) == offered(sequence))
	}

	fn is_inspected(&self, worker: WorkerId) -> bool {
		self.memories.get(&worker).is_some_and(|(pid, memory)| {
			let port = u16::try_from(memory.remark(Remark::DebugPort)).unwrap_or(0);
			sys::is_inspected(*pid, port)
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn two_views() -> (ClaimMemory, ClaimMemory) {
		let memory = sys::shared_memory(ClaimMemory::BYTES).unwrap();
		(
			ClaimMemory::map(&memory).unwrap(),
			ClaimMemory::map(&memory).unwrap(),
		)
	}

	#[test]
	fn a_sequence_is_claimed_at_most_once() {
		let (parent, worker) = two_views();
		parent.offer(Sequence(7));
		assert!(!parent.is_claimed(Sequence(7)));
		assert!(worker.claim(Sequence(7)));
		assert!(!worker.claim(Sequence(7)));
		assert!(parent.is_claimed(Sequence(7)));
		assert!(!parent.recall(Sequence(7)));
	}

	#[test]
	fn a_recalled_sequence_cannot_be_claimed() {
		let (parent, worker) = two_views();
		parent.offer(Sequence(7));
		assert!(parent.recall(Sequence(7)));
		assert!(!worker.claim(Sequence(7)));
		assert!(!parent.is_claimed(Sequence(7)));
	}

	#[test]
	fn a_stale_frame_never_claims_a_slot_that_was_used_again() {
		let (parent, worker) = two_views();
		parent.offer(Sequence(7));
		assert!(parent.recall(Sequence(7)));
		parent.offer(Sequence(7 + SLOTS));
		assert!(!worker.claim(Sequence(7)));
		assert!(worker.claim(Sequence(7 + SLOTS)));
	}

	#[test]
	fn the_memory_cannot_change_its_size() {
		let memory = sys::shared_memory(ClaimMemory::BYTES).unwrap();
		assert!(rustix::fs::ftruncate(&memory, 0).is_err());
		assert!(rustix::fs::ftruncate(&memory, 2 * ClaimMemory::BYTES as u64).is_err());
	}

	#[test]
	fn exactly_one_of_a_claim_and_a_recall_succeeds() {
		const ROUNDS: u32 = 1_000_000;
		// As many as the slots: then neither side has to wait for the other after each round.
		const LAP: u32 = SLOTS;
		let (parent, worker) = two_views();
		let start = std::sync::Barrier::new(2);
		let mut claimed = vec![false; ROUNDS as usize];
		let mut recalled = vec![false; ROUNDS as usize];
		let laps = || {
			(0..ROUNDS)
				.step_by(LAP as usize)
				.map(|first| first..(first + LAP).min(ROUNDS))
		};
		std::thread::scope(|scope| {
			scope.spawn(|| {
				for lap in laps() {
					start.wait();
					for round in lap {
						claimed[round as usize] = worker.claim(Sequence(round + 1));
					}
					start.wait();
				}
			});
			for lap in laps() {
				lap.clone().for_each(|round| parent.offer(Sequence(round + 1)));
				start.wait();
				for round in lap {
					recalled[round as usize] = parent.recall(Sequence(round + 1));
				}
				start.wait();
			}
		});
		assert!(
			claimed
				.iter()
				.zip(&recalled)
				.all(|(claimed, recalled)| claimed != recalled)
		);
	}
}
