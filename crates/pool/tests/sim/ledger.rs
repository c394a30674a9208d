//! Claim memory as it is shared with real workers, which complains when the pool uses it wrongly.

use std::collections::{BTreeMap, BTreeSet};

use pool::{ClaimLedger, SLOTS, Sequence, WorkerId};

#[derive(Default)]
pub struct FakeLedger {
	slots: BTreeMap<(WorkerId, u32), Slot>,
	/// Claimed ones whose result was written: their slots may be used again.
	finished: BTreeSet<(WorkerId, Sequence)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
	Empty,
	Offered(Sequence),
	Claimed(Sequence),
}

impl FakeLedger {
	fn slot(&mut self, worker: WorkerId, sequence: Sequence) -> &mut Slot {
		self.slots
			.entry((worker, sequence.0 % SLOTS))
			.or_insert(Slot::Empty)
	}

	/// What the worker does before it starts a task.
	pub fn claim(&mut self, worker: WorkerId, sequence: Sequence) -> bool {
		let slot = self.slot(worker, sequence);
		let is_offered = *slot == Slot::Offered(sequence);
		if is_offered {
			*slot = Slot::Claimed(sequence);
		}
		is_offered
	}

	pub fn finish(&mut self, worker: WorkerId, sequence: Sequence) {
		self.finished.insert((worker, sequence));
	}
}

impl ClaimLedger for FakeLedger {
	fn offer(&mut self, worker: WorkerId, sequence: Sequence) {
		match *self.slot(worker, sequence) {
			Slot::Empty => {}
			Slot::Offered(earlier) => panic!("{earlier:?} of {worker:?} lost its slot to {sequence:?}"),
			Slot::Claimed(earlier) => assert!(
				self.finished.remove(&(worker, earlier)),
				"{earlier:?} of {worker:?} was running when {sequence:?} took its slot"
			),
		}
		*self.slot(worker, sequence) = Slot::Offered(sequence);
	}

	fn recall(&mut self, worker: WorkerId, sequence: Sequence) -> bool {
		let slot = self.slot(worker, sequence);
		match *slot {
			Slot::Offered(offered) if offered == sequence => {
				*slot = Slot::Empty;
				true
			}
			Slot::Claimed(claimed) if claimed == sequence => false,
			Slot::Empty | Slot::Offered(_) | Slot::Claimed(_) => {
				panic!("{sequence:?} of {worker:?} was recalled twice, or never offered")
			}
		}
	}

	fn is_claimed(&self, worker: WorkerId, sequence: Sequence) -> bool {
		self.slots.get(&(worker, sequence.0 % SLOTS)) == Some(&Slot::Claimed(sequence))
	}
	fn is_loading(&self, _worker: WorkerId, _sequence: Sequence) -> bool {
		false
	}

	fn is_inspected(&self, _worker: WorkerId) -> bool {
		false
	}
}
