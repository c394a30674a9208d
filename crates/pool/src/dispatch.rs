//! Which task goes to which worker, and how many workers there are.

use std::time::Duration;

use crate::frame::{Frame, FrameKind};
use crate::pool::{Pool, PoolState, Turn};
use crate::task::TaskState;
use crate::worker::{Worker, WorkerState};
use crate::{Action, ClaimLedger, Sequence, Shutdown, WorkerId};

impl Pool {
	/// Gives tasks to workers and starts workers. Called once after each batch of events, so that what happened together
	/// is answered together.
	pub fn dispatch(&mut self, now: Duration, ledger: &mut impl ClaimLedger, actions: &mut Vec<Action>) {
		let turn = &mut Turn { now, ledger, actions };
		self.pace.fold();
		if self.hands_out_tasks() {
			self.relieve_workers(turn);
			self.make_way(turn);
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
			self.start_replacements(turn);
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
		(self.hands_out_tasks() && self.missing_workers() + self.missing_replacements() > 0)
			.then(|| self.starts.not_before())
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
		let has_place = |worker: &&Worker| worker.is_live() && worker.has_place();
		let live = self.workers.iter().filter(has_place).count();
		let room = self.free_places();
		let missing = self.wanted_workers(self.demand()).saturating_sub(live).min(room);
		if self.starts.has_failed() {
			missing.min(usize::from(!self.is_trying()))
		} else {
			missing
		}
	}

	/// Whether a worker starts from which it will be known whether workers can start at all.
	fn is_trying(&self) -> bool {
		self.workers.iter().any(|worker| match worker.state {
			WorkerState::Starting { .. } => !worker.is_replacement && self.starts.is_try(worker.id),
			WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_)
			| WorkerState::Exiting { .. } => false,
		})
	}

	fn start_workers(&mut self, turn: &mut Turn<'_, impl ClaimLedger>) {
		if turn.now < self.starts.not_before() {
			return;
		}
		for _ in 0..self.missing_workers() {
			self.start_worker(false, turn);
		}
	}

	/// A task is about to come. Where no worker could take it, one is started as if it had come: the start of a process and
	/// the preparation of the task overlap then. If none comes, the worker leaves when it was idle for long.
	pub(crate) fn work_expected<L>(&mut self, turn: &mut Turn<'_, L>) {
		match self.state {
			PoolState::Open => {}
			// No task is taken.
			PoolState::Broken { .. } | PoolState::Closing { .. } | PoolState::Closed { .. } => return,
		}
		let has_worker = self.workers.iter().any(Worker::is_live);
		// One that is leaving counts until it is reaped.
		if !has_worker && self.free_places() > 0 && self.starts.not_before() <= turn.now {
			self.start_worker(false, turn);
		}
	}

	pub(crate) fn start_worker<L>(&mut self, is_replacement: bool, turn: &mut Turn<'_, L>) {
		let is_free = |index: &u32| self.workers.iter().all(|worker| worker.index != *index);
		let Some(index) = (0..u32::MAX).find(is_free) else {
			return;
		};
		let id = self.next_worker;
		self.next_worker = WorkerId(id.0 + 1);
		let mut worker = Worker::ordered(id, index, turn.now + self.config.start_timeout);
		worker.is_replacement = is_replacement;
		self.workers.push(worker);
		turn.actions.push(Action::SpawnWorker { worker: id, index });
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
				WorkerState::Standby => {} // needed as soon as the other is between two tasks
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
				WorkerState::Starting { .. }
				| WorkerState::Standby
				| WorkerState::Busy(_)
				| WorkerState::Exiting { .. } => {}
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
		let has_standby = self.has_standby();
		for position in 0..self.workers.len() {
			let worker = &self.workers[position];
			match &worker.state {
				// What is sent behind a slow task would soon be taken back.
				WorkerState::Busy(front) if front.is_slow(turn.now) => {}
				WorkerState::Busy(_) if has_standby && worker.due.is_some() => {} // is about to be replaced
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
				WorkerState::Starting { .. }
				| WorkerState::Standby
				| WorkerState::Idle { .. }
				| WorkerState::Exiting { .. } => {}
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
			&& let Some(payload) = self.functions.payload(function)
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
		let sequence = worker.hold(task.held_as(id), turn.now);
		task.state = TaskState::Sent {
			worker: worker.id,
			sequence,
		};
		turn.ledger.offer(worker.id, sequence);
		let frame = Frame {
			kind: if task.is_observed {
				FrameKind::ObservedTask
			} else {
				FrameKind::Task
			},
			sequence,
			function,
			payload: task.payload.clone(),
		};
		turn.actions.push(Action::SendFrame(worker.id, frame));
		true
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::frame::FrameKind::{Exit, Function, Returned, Task};
	use crate::trial::{Trial, returned, send, start};
	use crate::{Event, TaskId};

	const MILLISECOND: Duration = Duration::from_millis(1);

	fn of(workers: u32) -> Trial {
		Trial::new(|config| config.max_workers = workers)
	}

	#[test]
	fn a_pool_starts_no_worker_without_a_task() {
		assert_eq!(of(4).passes(MILLISECOND), []);
	}

	#[test]
	fn work_that_is_expected_starts_one_worker_which_takes_it() {
		let mut trial = of(3);
		assert_eq!(trial.happens(Event::WorkExpected), [start(0, 0)]);
		assert_eq!(trial.happens(Event::WorkExpected), []);
		assert_eq!(trial.submit(), []);
		assert_eq!(trial.ready(0), [send(0, Function, 0), send(0, Task, 1)]);
		assert_eq!(trial.happens(Event::WorkExpected), []);
	}

	#[test]
	fn a_worker_whose_work_does_not_come_leaves_when_it_was_idle_for_long() {
		let mut trial = Trial::new(|config| config.idle_timeout = Some(MILLISECOND));
		trial.happens(Event::WorkExpected);
		assert_eq!(trial.ready(0), []);
		assert_eq!(trial.passes(MILLISECOND), [send(0, Exit, 0)]);
		assert_eq!(trial.exits(0, crate::Exit::Code(0)), []);
		assert_eq!(trial.happens(Event::WorkExpected), [start(1, 0)]);
	}

	#[test]
	fn work_that_is_expected_starts_nothing_where_there_is_no_room_or_no_use() {
		let mut trial = Trial::idle(1);
		assert_eq!(trial.happens(Event::WorkExpected), []);
		trial.happens(Event::ProtocolViolated(WorkerId(0), crate::Violation::PipeClosed));
		assert_eq!(trial.states(), ["exiting"]);
		assert_eq!(trial.happens(Event::WorkExpected), []);
		let mut trial = of(1);
		trial.shut_down(crate::Shutdown::Drain);
		assert_eq!(trial.happens(Event::WorkExpected), []);
	}

	#[test]
	fn a_start_for_expected_work_that_fails_is_not_tried_again_before_a_task_comes() {
		let mut trial = of(1);
		trial.happens(Event::WorkExpected);
		trial.spawned(0);
		assert_eq!(trial.exits(0, crate::trial::sigkill()), []);
		assert_eq!(trial.deadline_in(), None);
		assert_eq!(trial.happens(Event::WorkExpected), [start(1, 0)]);
		trial.exits(1, crate::trial::sigkill());
		assert_eq!(trial.happens(Event::WorkExpected), []);
		assert_eq!(trial.submit(), []);
		assert_eq!(trial.deadline_in(), Some(50 * MILLISECOND));
	}

	#[test]
	fn a_worker_is_started_for_each_task_up_to_the_limit() {
		let mut trial = of(3);
		assert_eq!(trial.submit(), [start(0, 0)]);
		assert_eq!(trial.submit_together(4), [start(1, 1), start(2, 2)]);
	}

	#[test]
	fn a_worker_that_is_leaving_counts_until_it_is_reaped_and_its_index_is_used_again() {
		let mut trial = Trial::idle(2);
		trial.happens(Event::ProtocolViolated(WorkerId(0), crate::Violation::PipeClosed));
		assert_eq!(trial.submit_together(2), [send(1, Task, 2)]);
		assert_eq!(trial.exits(0, crate::trial::sigkill()), [start(2, 0)]);
	}

	#[test]
	fn a_function_is_shipped_once_to_each_worker_that_needs_it() {
		let mut trial = of(2);
		trial.submit_together(2);
		assert_eq!(trial.ready(0), [send(0, Function, 0), send(0, Task, 1)]);
		assert_eq!(trial.ready(1), [send(1, Function, 0), send(1, Task, 1)]);
		trial.returns(0, 1);
		assert_eq!(trial.submit(), [send(0, Task, 2)]);
	}

	#[test]
	fn the_worker_that_was_used_last_is_used_next() {
		let mut trial = Trial::idle(3);
		assert_eq!(trial.submit(), [send(2, Task, 2)]);
		assert_eq!(trial.submit(), [send(1, Task, 2)]);
	}

	#[test]
	fn idle_workers_are_fed_before_anything_is_sent_ahead() {
		let mut trial = Trial::idle(3);
		trial.submit_together(3);
		assert_eq!(trial.loads(), [1, 1, 1]);
		trial.submit_together(2);
		assert_eq!(trial.loads().iter().sum::<usize>(), 5);
	}

	#[test]
	fn a_ready_worker_leaves_their_share_to_those_that_are_starting() {
		let mut trial = of(4);
		trial.submit_together(4);
		trial.ready(0);
		assert_eq!(trial.loads(), [1, 0, 0, 0]);
		trial.submit_together(4);
		assert_eq!(trial.loads(), [2, 0, 0, 0]);
	}

	#[test]
	fn short_tasks_are_sent_ahead_together_and_refilled_when_half_are_done() {
		let mut trial = Trial::idle(1);
		for _ in 0..8 {
			trial.pool.pace.record(MILLISECOND / 10);
			trial.pool.pace.fold();
		}
		trial.submit_together(100);
		assert_eq!(trial.loads(), [11]);
		let mut refills = Vec::new();
		for sequence in 2..22 {
			trial.now += MILLISECOND / 10;
			let sent = trial.returns(0, sequence).len() - 1;
			if sent > 0 {
				refills.push(sent);
			}
		}
		assert_eq!(refills, [5, 5, 5, 5]);
	}

	#[test]
	fn nothing_is_sent_behind_a_task_that_runs_for_long_already() {
		let mut trial = Trial::idle(1);
		trial.submit();
		trial.claims(0, 2);
		trial.now += MILLISECOND;
		trial.submit();
		assert_eq!(trial.loads(), [1]);
		assert_eq!(trial.says(0, Returned, 2), [returned(1), send(0, Task, 3)]);
	}

	#[test]
	fn an_idle_worker_whose_claim_slots_are_spent_is_replaced() {
		let mut trial = Trial::idle(1);
		for task in 1..=u64::from(crate::SLOTS) - 2 {
			assert_eq!(trial.submit().len(), 1, "task {task}");
			trial.cancel(task);
		}
		let last = trial.submit();
		assert_eq!(last.first(), Some(&send(0, Task, crate::SLOTS)), "{last:?}");
		trial.cancel(u64::from(crate::SLOTS) - 1);
		assert_eq!(trial.submit(), [send(0, Exit, 0)]);
		assert_eq!(trial.exits(0, crate::Exit::Code(0)), [start(1, 0)]);
	}

	#[test]
	fn a_task_of_a_function_that_nobody_registered_is_left_to_the_worker_to_refuse() {
		let mut trial = Trial::idle(1);
		let submission = crate::Submission {
			task: TaskId(1),
			function: crate::FunctionId(9),
			payload: bytes::Bytes::new(),
			timeout: None,
			is_observed: false,
			priority: 0,
		};
		let orders = trial.happens(Event::TaskSubmitted(submission));
		let [Action::SendFrame(_, frame)] = &orders[..] else {
			panic!("{orders:?}")
		};
		assert_eq!((frame.kind, frame.function), (Task, crate::FunctionId(9)));
	}
}
