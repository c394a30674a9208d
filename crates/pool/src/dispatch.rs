//! Which task goes to which worker, and how many workers there are.

use std::time::Duration;

use crate::frame::{Frame, FrameKind};
use crate::pool::{Pool, PoolState, Turn};
use crate::task::TaskState;
use crate::worker::{Worker, WorkerState};
use crate::{Action, ClaimLedger, Sequence, Shutdown, TaskId, WorkerId};

impl Pool {
	/// Gives tasks to workers and starts workers. Called once after each batch of events, so that what happened together
	/// is answered together.
	pub fn dispatch(&mut self, now: Duration, ledger: &mut impl ClaimLedger, actions: &mut Vec<Action>) {
		let turn = &mut Turn { now, ledger, actions };
		self.pace.fold();
		if self.hands_out_tasks() {
			self.free_hostages(turn);
			self.feed_idle(turn);
			if self.queue.is_empty() {
				self.steal(turn);
				self.free_hostages(turn);
				self.feed_idle(turn);
			}
			self.feed_busy(turn);
		}
		self.dismiss_idle(turn);
		if self.hands_out_tasks() {
			self.start_workers(turn);
		}
	}

	/// Whether there may be tasks that wait for a worker.
	pub(crate) fn hands_out_tasks(&self) -> bool {
		match self.state {
			PoolState::Open | PoolState::Closing { how: Shutdown::Drain } => true,
			// Nothing that has not started is left.
			PoolState::Closing {
				how: Shutdown::CancelPending | Shutdown::Kill,
			} => false,
			PoolState::Broken { .. } | PoolState::Closed { .. } => false,
		}
	}

	/// When a worker may be started that is needed, if one is.
	pub(crate) fn next_start(&self) -> Option<Duration> {
		(self.hands_out_tasks() && self.missing_workers() > 0).then(|| self.starts.not_before())
	}

	/// Tasks that need a worker which stays: not those that end with a worker that is leaving.
	fn demand(&self) -> usize {
		let sent = self
			.workers
			.iter()
			.filter(|worker| worker.is_live())
			.map(|worker| worker.in_flight.len());
		self.queue.len() + sent.sum::<usize>()
	}

	fn wanted_workers(&self, demand: usize) -> usize {
		demand.min(self.config.max_workers as usize)
	}

	fn missing_workers(&self) -> usize {
		let live = self.workers.iter().filter(|worker| worker.is_live()).count();
		let room = (self.config.max_workers as usize).saturating_sub(self.workers.len());
		self.wanted_workers(self.demand()).saturating_sub(live).min(room)
	}

	fn start_workers(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		if turn.now < self.starts.not_before() {
			return;
		}
		for _ in 0..self.missing_workers() {
			let is_free = |index: &u32| self.workers.iter().all(|worker| worker.index != *index);
			let Some(index) = (0..self.config.max_workers).find(is_free) else {
				return;
			};
			let worker = WorkerId(self.next_worker);
			self.next_worker += 1;
			self.workers.push(Worker::ordered(
				worker,
				index,
				turn.now + self.config.start_timeout,
			));
			turn.actions.push(Action::SpawnWorker { worker, index });
		}
	}

	/// Lets go those that were not needed for long. After the tasks are given out, so that no worker leaves while a task
	/// waits for one.
	fn dismiss_idle(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		let Some(timeout) = self.config.idle_timeout else {
			return;
		};
		for worker in &mut self.workers {
			match worker.state {
				WorkerState::Idle { since } if since + timeout <= turn.now => {
					worker.dismiss(turn.now + self.config.shutdown_grace, turn.actions);
				}
				WorkerState::Idle { .. } => {}
				WorkerState::Starting { .. } | WorkerState::Busy(_) | WorkerState::Exiting { .. } => {}
			}
		}
	}

	/// One task for each idle worker, the last used one first: its caches are warm, and the others reach their timeout.
	fn feed_idle(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		if self.queue.is_empty() {
			return;
		}
		let mut idle: Vec<(Duration, usize)> = Vec::new();
		for (position, worker) in self.workers.iter_mut().enumerate() {
			match worker.state {
				WorkerState::Idle { .. } if !worker.has_room() => {
					worker.dismiss(turn.now + self.config.shutdown_grace, turn.actions);
				}
				WorkerState::Idle { since } => idle.push((since, position)),
				WorkerState::Starting { .. } | WorkerState::Busy(_) | WorkerState::Exiting { .. } => {}
			}
		}
		idle.sort_unstable_by_key(|(since, position)| (std::cmp::Reverse(*since), *position));
		for (_, position) in idle {
			if !self.send_next(position, turn) {
				return;
			}
		}
	}

	/// Tasks ahead for busy workers: as many as the pace asks for, no more than leaves each wanted worker its share.
	/// A worker is refilled when half of them are gone, so that they are written together.
	fn feed_busy(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		let depth = self.pace.depth();
		if self.queue.is_empty() || depth == 0 {
			return;
		}
		let demand = self.demand();
		let share = demand.div_ceil(self.wanted_workers(demand).max(1));
		for position in 0..self.workers.len() {
			let worker = &self.workers[position];
			match &worker.state {
				// What is sent behind a slow task would soon be taken back.
				WorkerState::Busy(front) if front.is_slow(turn.now) => {}
				WorkerState::Busy(_) if worker.in_flight.len() - 1 > depth / 2 => {}
				WorkerState::Busy(_) => {
					let target = share.min(1 + depth);
					while self.workers[position].in_flight.len() < target && self.workers[position].has_room()
					{
						if !self.send_next(position, turn) {
							return;
						}
					}
				}
				WorkerState::Starting { .. } | WorkerState::Idle { .. } | WorkerState::Exiting { .. } => {}
			}
		}
	}

	/// Takes back, from workers with a slow front, enough for the idle ones: about half of what the most loaded holds.
	fn steal(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		let idle = |worker: &&Worker| matches!(worker.state, WorkerState::Idle { .. });
		let idle = self.workers.iter().filter(idle).count();
		while self.queue.len() < idle {
			let due = |worker: &&mut Worker| match &worker.state {
				WorkerState::Busy(front) => worker.in_flight.len() > 1 && front.steal_at() <= turn.now,
				WorkerState::Starting { .. } | WorkerState::Idle { .. } | WorkerState::Exiting { .. } => {
					false
				}
			};
			let loaded = self
				.workers
				.iter_mut()
				.filter(due)
				.max_by_key(|worker| worker.in_flight.len());
			let Some(loaded) = loaded else { return };
			let half = (loaded.in_flight.len() - 1).div_ceil(2);
			let recalled = recall(loaded, half, turn);
			self.put_back(recalled);
		}
	}

	/// Takes back everything that waits behind a slow front while the queue moves on.
	fn free_hostages(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		if self.queue.is_empty() {
			return;
		}
		for position in 0..self.workers.len() {
			let worker = &mut self.workers[position];
			let is_due = match &worker.state {
				WorkerState::Busy(front) => worker.in_flight.len() > 1 && front.release_at() <= turn.now,
				WorkerState::Starting { .. } | WorkerState::Idle { .. } | WorkerState::Exiting { .. } => {
					false
				}
			};
			if is_due {
				let recalled = recall(worker, usize::MAX, turn);
				self.put_back(recalled);
			}
		}
	}

	/// Sends the next pending task to a ready worker. `false`: there is none.
	fn send_next(&mut self, position: usize, turn: &mut Turn<'_, impl ClaimLedger>) -> bool {
		let Some(id) = self.queue.pop(|task| self.tasks.contains_key(&task)) else {
			return false;
		};
		let Some(task) = self.tasks.get_mut(&id) else {
			return false;
		};
		let worker = &mut self.workers[position];
		let function = task.function;
		// A function that nobody registered is not shipped: the worker answers that it does not know it.
		if !worker.knows(function)
			&& let Some(payload) = self.functions.get(&function)
		{
			worker.learn(function);
			let frame = Frame {
				kind: FrameKind::Function,
				sequence: Sequence(0),
				function,
				payload: payload.clone(),
			};
			turn.actions.push(Action::SendFrame(worker.id, frame));
		}
		let sequence = worker.hold(id, task.timeout, turn.now);
		task.state = TaskState::Sent {
			worker: worker.id,
			sequence,
		};
		turn.ledger.offer(worker.id, sequence);
		let frame = Frame {
			kind: FrameKind::Task,
			sequence,
			function,
			payload: task.payload.clone(),
		};
		turn.actions.push(Action::SendFrame(worker.id, frame));
		true
	}
}

/// Recalls tasks from a busy worker, and does not consider it again for a while, whether any could be recalled or not.
fn recall(worker: &mut Worker, count: usize, turn: &mut Turn<'_, impl ClaimLedger>) -> Vec<TaskId> {
	if let WorkerState::Busy(front) = &mut worker.state {
		front.considered = turn.now;
	}
	let mut recalled = Vec::new();
	worker.recall_latest(count, turn.ledger, &mut recalled);
	recalled
}
