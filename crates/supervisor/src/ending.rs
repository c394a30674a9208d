//! The end that no pool has ordered: a defect, or an owner that lets go.

use pool::{StopSignal, WorkerId};

use crate::Notice;
use crate::core::{Core, Phase};

impl Core {
	/// Ends everything because of a defect.
	pub fn fail(&mut self, words: String) {
		if self.is_over() {
			return;
		}
		self.abandon();
		self.notices.push(Notice::Failed(words));
	}

	/// Kills every worker. The thread reaps them.
	pub fn abandon(&mut self) {
		self.phase = Phase::Over;
		self.ring();
		self.orders.clear();
		self.actions.clear();
		let workers: Vec<WorkerId> = self.workers.keys().copied().collect();
		for worker in workers {
			self.abandon_worker(worker);
		}
	}

	/// Kills one.
	pub(crate) fn abandon_worker(&mut self, id: WorkerId) {
		if let Some(worker) = self.workers.get_mut(&id) {
			worker.process.order(StopSignal::Kill);
			// What it still says is of no interest, and the ends of its pipes must not wake the thread again and again.
			worker.leave(&self.poller);
		}
	}

	/// Reaps those that are dead. `true`: none is left.
	pub fn bury(&mut self) -> bool {
		let poller = &self.poller;
		let mut buried = Vec::new();
		self.workers.retain(|&id, worker| {
			let is_dead = worker.process.reap().is_some();
			if is_dead {
				worker.process.leave(poller);
				buried.push(id);
			}
			!is_dead
		});
		for worker in buried {
			self.sweep(worker);
		}
		self.workers.is_empty()
	}
}
