//! One worker process: its state and what it holds.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashSet;

use crate::frame::{Frame, FrameKind};
use crate::front::Front;
use crate::ladder::{ExitReason, LadderStep};
use crate::memory::Look;
use crate::pool::WorkerView;
use crate::recent::Recent;
use crate::recycle::Due;
use crate::task::Held;
use crate::{Action, ClaimLedger, FunctionId, SLOTS, Sequence, TaskId, Violation, WorkerId};

/// Claims are signed 32-bit numbers.
const LAST_SEQUENCE: u32 = 0x7fff_ffff;

/// A worker that is not dead. The dead ones are not in the table.
#[derive(Debug)]
pub(crate) struct Worker {
	pub(crate) id: WorkerId,
	pub(crate) index: u32,
	pub(crate) state: WorkerState,
	/// What was sent and is neither settled nor recalled, oldest first. Empty unless `Busy` or `Exiting`. Outside of the
	/// state so that its memory is kept while the worker is idle.
	pub(crate) in_flight: VecDeque<InFlight>,
	/// How many tasks it has answered.
	pub(crate) finished: u64,
	/// See [`Self::front_since`], once it is killed.
	front_since_before_kill: Option<Duration>,
	/// Started to replace another, whose place it has not taken yet.
	pub(crate) is_replacement: bool,
	/// Why it is to be replaced, if it is. It works on until another can take its place.
	pub(crate) due: Option<Due>,
	pub(crate) look: Look,
	next_sequence: u32,
	/// The last sequence that came back: everything up to it was read.
	answered: u32,
	/// Those that it was sent and not told to forget.
	functions: FxHashSet<FunctionId>,
	recent: Recent,
	/// Whether it gets no more tasks, and leaves when it has none.
	retires: bool,
}

/// `Starting` (-> `Standby`) -> `Idle` <-> `Busy` -> `Exiting`; each of them may die.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WorkerState {
	/// Ordered; not ready until then it is killed.
	Starting { deadline: Duration, is_spawned: bool },
	/// Ready, and waits until the worker that it replaces is between two tasks.
	Standby,
	/// Ready, nothing in flight.
	Idle { since: Duration },
	/// Something in flight.
	Busy(Front),
	/// Asked or forced to leave.
	Exiting { reason: ExitReason, step: LadderStep },
}

/// A task on a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InFlight {
	pub(crate) sequence: Sequence,
	pub(crate) task: TaskId,
	pub(crate) timeout: Option<Duration>,
	pub(crate) priority: i64,
}

impl Worker {
	/// A worker at the moment when its process is ordered.
	pub(crate) fn ordered(id: WorkerId, index: u32, deadline: Duration) -> Worker {
		Worker {
			id,
			index,
			state: WorkerState::Starting {
				deadline,
				is_spawned: false,
			},
			in_flight: VecDeque::new(),
			finished: 0,
			front_since_before_kill: None,
			is_replacement: false,
			due: None,
			look: Look::default(),
			next_sequence: 1,
			answered: 0,
			functions: FxHashSet::default(),
			recent: Recent::default(),
			retires: false,
		}
	}

	/// Whether it is not on its way out.
	pub(crate) fn is_live(&self) -> bool {
		match self.state {
			WorkerState::Starting { .. }
			| WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_) => true,
			WorkerState::Exiting { .. } => false,
		}
	}

	/// Whether there is a process.
	pub(crate) fn is_spawned(&self) -> bool {
		match self.state {
			WorkerState::Starting { is_spawned, .. } => is_spawned,
			WorkerState::Standby | WorkerState::Idle { .. } | WorkerState::Busy(_) => true,
			WorkerState::Exiting { step, .. } => match step {
				LadderStep::AwaitingSpawn => false,
				LadderStep::Asked { .. } | LadderStep::Terminated { .. } | LadderStep::Killed => true,
			},
		}
	}

	/// Since when its oldest task is the oldest, as long as it is busy, and when it was killed while it was.
	pub(crate) fn front_since(&self) -> Option<Duration> {
		match &self.state {
			WorkerState::Busy(front) => Some(front.since),
			WorkerState::Exiting { .. } => self.front_since_before_kill,
			WorkerState::Starting { .. } | WorkerState::Standby | WorkerState::Idle { .. } => None,
		}
	}

	/// It leaves now. What is known of its oldest task stays known.
	pub(crate) fn leave(&mut self, reason: ExitReason, step: LadderStep) {
		self.front_since_before_kill = self.front_since();
		self.state = WorkerState::Exiting { reason, step };
	}

	/// What it did, if it is killed for that.
	pub(crate) fn violation(&self) -> Option<Violation> {
		match &self.state {
			WorkerState::Exiting {
				reason: ExitReason::BrokeProtocol { violation, .. },
				..
			} => Some(*violation),
			WorkerState::Starting { .. }
			| WorkerState::Standby
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_)
			| WorkerState::Exiting { .. } => None,
		}
	}

	/// Whether a sequence is left, and a claim slot for it. What was recalled counts until a later task comes back: the
	/// stale frame may still be in the pipe, and a worker that reads nothing must not fill our memory with them.
	pub(crate) fn has_room(&self) -> bool {
		self.next_sequence - self.answered < SLOTS && !self.is_worn_out() && !self.retires
	}

	/// Gives it no more tasks.
	pub(crate) fn retire(&mut self) {
		self.retires = true;
	}

	/// Whether it leaves as soon as it has no task.
	pub(crate) fn is_retiring(&self) -> bool {
		self.retires
	}

	/// The task with this sequence, if it runs or has finished lately.
	pub(crate) fn task_of(&self, sequence: Sequence, ledger: &impl ClaimLedger) -> Option<TaskId> {
		match self.in_flight.front() {
			Some(front) if front.sequence == sequence => {
				ledger.is_claimed(self.id, sequence).then_some(front.task)
			}
			_ => self.recent.find(sequence),
		}
	}

	/// Whether its sequences are used up.
	pub(crate) fn is_worn_out(&self) -> bool {
		self.next_sequence >= LAST_SEQUENCE
	}

	/// Takes the next sequence for a task and puts the task in flight.
	pub(crate) fn hold(&mut self, held: Held, now: Duration) -> Sequence {
		let Held {
			task,
			timeout,
			priority,
		} = held;
		let sequence = Sequence(self.next_sequence);
		self.next_sequence += 1;
		self.in_flight.push_back(InFlight {
			sequence,
			task,
			timeout,
			priority,
		});
		match &self.state {
			WorkerState::Idle { .. } => self.state = WorkerState::Busy(Front::arrived(now, timeout)),
			WorkerState::Busy(_) => {} // the front is another task
			WorkerState::Starting { .. } | WorkerState::Standby | WorkerState::Exiting { .. } => {
				unreachable!("only a ready worker with a place is given tasks")
			}
		}
		sequence
	}

	/// Takes out the front if it is `sequence` and the worker has claimed it: whether a result for it is believed.
	pub(crate) fn finish(&mut self, sequence: Sequence, ledger: &impl ClaimLedger) -> Option<InFlight> {
		let front = self.in_flight.front()?;
		if front.sequence != sequence || !ledger.is_claimed(self.id, sequence) {
			return None;
		}
		self.answered = sequence.0;
		self.finished += 1;
		self.recent.record(sequence, front.task);
		self.in_flight.pop_front()
	}

	/// Takes out a task that was recalled.
	pub(crate) fn let_go(&mut self, sequence: Sequence, now: Duration) {
		let Ok(place) = self
			.in_flight
			.binary_search_by_key(&sequence, |held| held.sequence)
		else {
			return;
		};
		self.in_flight.remove(place);
		match (&mut self.state, self.in_flight.front()) {
			(WorkerState::Busy(_), None) => self.state = WorkerState::Idle { since: now },
			// The worker has not made progress by this, so only the timeout begins anew.
			(WorkerState::Busy(front), Some(next)) if place == 0 => front.rearm(now, next.timeout),
			(WorkerState::Busy(_), Some(_)) => {} // the front stays
			// Held nothing, found nothing.
			(WorkerState::Starting { .. } | WorkerState::Standby | WorkerState::Idle { .. }, _) => {}
			(WorkerState::Exiting { .. }, _) => {} // leaves in any case
		}
	}

	/// Recalls tasks behind the front of a lower priority than this, latest first.
	pub(crate) fn recall_below(
		&mut self,
		priority: i64,
		ledger: &mut impl ClaimLedger,
		tasks: &mut Vec<TaskId>,
	) {
		let is_below = |held: &InFlight| held.priority < priority;
		// They were sent in the order of their priorities.
		while self.in_flight.back().is_some_and(is_below) {
			let before = self.in_flight.len();
			self.recall_latest(1, ledger, tasks);
			if self.in_flight.len() == before {
				break;
			}
		}
	}

	/// Recalls up to `count` tasks behind the front, latest first: those that it would reach last.
	pub(crate) fn recall_latest(
		&mut self,
		count: usize,
		ledger: &mut impl ClaimLedger,
		tasks: &mut Vec<TaskId>,
	) {
		for _ in 0..count {
			if self.in_flight.len() <= 1 {
				break;
			}
			let Some(last) = self.in_flight.back() else { break };
			// A worker claims in order: what comes before a claimed one is claimed, too.
			if !ledger.recall(self.id, last.sequence) {
				break;
			}
			tasks.push(last.task);
			self.in_flight.pop_back();
		}
	}

	/// Whether a function was shipped to it.
	pub(crate) fn knows(&self, function: FunctionId) -> bool {
		self.functions.contains(&function)
	}

	/// Notes that a function is shipped to it.
	pub(crate) fn learn(&mut self, function: FunctionId) {
		self.functions.insert(function);
	}

	/// Tells it to forget a function, if it has it.
	pub(crate) fn forget(&mut self, function: FunctionId, actions: &mut Vec<Action>) {
		if !self.functions.remove(&function) {
			return;
		}
		match self.state {
			WorkerState::Idle { .. } | WorkerState::Busy(_) => {
				let frame = Frame {
					kind: FrameKind::Forget,
					sequence: Sequence(0),
					function,
					payload: Bytes::new(),
				};
				actions.push(Action::SendFrame(self.id, frame));
			}
			WorkerState::Starting { .. } | WorkerState::Standby => {} // was sent none
			WorkerState::Exiting { .. } => {} // reads no more of them, and forgets everything soon
		}
	}

	/// It, as somebody may look at it.
	pub(crate) fn view(&self) -> WorkerView {
		WorkerView {
			worker: self.id,
			index: self.index,
			state: match self.state {
				WorkerState::Starting { .. } => "starting",
				WorkerState::Standby | WorkerState::Idle { .. } => "idle",
				WorkerState::Busy(_) => "busy",
				WorkerState::Exiting { .. } => "exiting",
			},
			task: self.in_flight.front().map(|front| front.task),
			since: self.front_since(),
			violation: self.violation(),
			exceeded: self.exceeded(),
			finished: self.finished,
			in_flight: self.in_flight.len(),
			functions: self.functions.len(),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::trial::Claims;

	const NOW: Duration = Duration::from_secs(1);

	fn held(task: u64, timeout: Option<Duration>) -> Held {
		Held {
			task: TaskId(task),
			timeout,
			priority: 0,
		}
	}

	fn idle() -> Worker {
		let mut worker = Worker::ordered(WorkerId(0), 0, NOW);
		worker.state = WorkerState::Idle { since: NOW };
		worker
	}

	/// A worker that holds tasks 0, 1, 2 and so on as sequences 1, 2, 3 and so on.
	fn holding(count: u64, claims: &mut Claims) -> Worker {
		let mut worker = idle();
		for task in 0..count {
			let sequence = worker.hold(held(task, None), NOW);
			claims.offer(worker.id, sequence);
		}
		worker
	}

	#[test]
	fn sequences_count_from_one() {
		let mut worker = idle();
		assert_eq!(worker.hold(held(7, None), NOW), Sequence(1));
		assert_eq!(worker.hold(held(9, None), NOW), Sequence(2));
	}

	#[test]
	fn the_first_task_makes_a_worker_busy_and_its_age_is_that_of_the_front() {
		let mut worker = idle();
		worker.hold(held(7, Some(NOW)), NOW * 2);
		worker.hold(held(9, None), NOW * 3);
		assert_eq!(
			worker.state,
			WorkerState::Busy(Front::arrived(NOW * 2, Some(NOW)))
		);
	}

	#[test]
	fn a_worker_that_is_killed_still_tells_since_when_it_had_its_task_and_what_it_did() {
		let mut worker = holding(2, &mut Claims::default());
		assert_eq!((worker.view().since, worker.view().violation), (Some(NOW), None));
		let violation = Violation::PipeClosed;
		worker.kill(
			ExitReason::BrokeProtocol {
				was_ready: true,
				violation,
			},
			&mut Vec::new(),
		);
		assert_eq!(
			(worker.view().since, worker.view().violation),
			(Some(NOW), Some(violation))
		);
		let mut idle = idle();
		idle.kill(ExitReason::PoolKilled, &mut Vec::new());
		assert_eq!((idle.view().since, idle.view().violation), (None, None));
	}

	#[test]
	fn only_the_claimed_front_can_finish() {
		let mut claims = Claims::default();
		let mut worker = holding(2, &mut claims);
		assert_eq!(worker.finish(Sequence(1), &claims), None);
		claims.claim(WorkerId(0), Sequence(2));
		assert_eq!(worker.finish(Sequence(2), &claims), None);
		claims.claim(WorkerId(0), Sequence(1));
		let finished = worker.finish(Sequence(1), &claims).map(|finished| finished.task);
		assert_eq!(finished, Some(TaskId(0)));
		assert_eq!(worker.finish(Sequence(1), &claims), None);
	}

	#[test]
	fn the_latest_tasks_are_recalled_first_and_the_front_never() {
		let mut claims = Claims::default();
		let mut worker = holding(5, &mut claims);
		let mut recalled = Vec::new();
		worker.recall_latest(2, &mut claims, &mut recalled);
		assert_eq!(recalled, [TaskId(4), TaskId(3)]);
		worker.recall_latest(usize::MAX, &mut claims, &mut recalled);
		assert_eq!(recalled, [TaskId(4), TaskId(3), TaskId(2), TaskId(1)]);
		assert_eq!(worker.in_flight.len(), 1);
	}

	#[test]
	fn tasks_of_a_lower_priority_are_recalled_and_the_front_never() {
		let mut claims = Claims::default();
		let mut worker = idle();
		for (task, priority) in (0..).zip([3, 7, 7, 5, 5]) {
			let sequence = worker.hold(
				Held {
					priority,
					..held(task, None)
				},
				NOW,
			);
			claims.offer(worker.id, sequence);
		}
		let mut recalled = Vec::new();
		worker.recall_below(5, &mut claims, &mut recalled);
		assert_eq!(recalled, []);
		worker.recall_below(6, &mut claims, &mut recalled);
		assert_eq!(recalled, [TaskId(4), TaskId(3)]);
		claims.claim(worker.id, Sequence(2));
		worker.recall_below(9, &mut claims, &mut recalled);
		assert_eq!(recalled, [TaskId(4), TaskId(3), TaskId(2)]);
		assert_eq!(worker.in_flight.len(), 2);
	}

	#[test]
	fn a_recall_ends_at_a_task_that_is_claimed() {
		let mut claims = Claims::default();
		let mut worker = holding(4, &mut claims);
		claims.claim(WorkerId(0), Sequence(3));
		let mut recalled = Vec::new();
		worker.recall_latest(usize::MAX, &mut claims, &mut recalled);
		assert_eq!(recalled, [TaskId(3)]);
		assert_eq!(worker.in_flight.len(), 3);
	}

	#[test]
	fn a_worker_that_lets_go_of_everything_is_idle() {
		let mut worker = holding(2, &mut Claims::default());
		worker.let_go(Sequence(2), NOW * 2);
		assert_eq!(worker.state, WorkerState::Busy(Front::arrived(NOW, None)));
		worker.let_go(Sequence(1), NOW * 3);
		assert_eq!(worker.state, WorkerState::Idle { since: NOW * 3 });
	}

	#[test]
	fn the_timeout_of_the_next_task_begins_when_the_front_is_let_go() {
		let mut worker = idle();
		worker.hold(held(0, None), NOW);
		worker.hold(held(1, Some(NOW)), NOW);
		worker.let_go(Sequence(1), NOW * 5);
		let WorkerState::Busy(front) = worker.state else {
			panic!("{worker:?}")
		};
		assert_eq!((front.since, front.deadline), (NOW, Some(NOW * 6)));
	}

	#[test]
	fn the_timeout_of_the_front_goes_on_when_a_task_behind_it_is_let_go() {
		let mut worker = idle();
		worker.hold(held(0, Some(NOW)), NOW);
		worker.hold(held(1, None), NOW);
		worker.hold(held(2, None), NOW);
		worker.let_go(Sequence(2), NOW * 5);
		assert_eq!(worker.state, WorkerState::Busy(Front::arrived(NOW, Some(NOW))));
	}

	#[test]
	fn a_worker_has_room_until_its_claim_slots_are_spent() {
		let mut claims = Claims::default();
		let mut worker = holding(u64::from(SLOTS) - 1, &mut claims);
		assert!(!worker.has_room());
		// What is recalled has spent its slot, until a later result shows that its frame was read.
		worker.recall_latest(500, &mut claims, &mut Vec::new());
		assert!(!worker.has_room());
		claims.claim(WorkerId(0), Sequence(1));
		worker.finish(Sequence(1), &claims);
		assert!(worker.has_room());
		worker.hold(held(5000, None), NOW);
		assert!(!worker.has_room());
	}

	#[test]
	fn a_worker_without_sequences_has_no_room() {
		let mut worker = idle();
		worker.next_sequence = LAST_SEQUENCE - 1;
		worker.answered = LAST_SEQUENCE - 2;
		assert!(worker.has_room());
		worker.hold(held(0, None), NOW);
		assert!(!worker.has_room());
	}

	#[test]
	fn a_worker_knows_the_functions_that_it_learned_and_no_others() {
		let mut worker = idle();
		for function in [0, 63, 64, 1000] {
			assert!(!worker.knows(FunctionId(function)));
			worker.learn(FunctionId(function));
		}
		let known: Vec<u32> = (0..2000)
			.filter(|function| worker.knows(FunctionId(*function)))
			.collect();
		assert_eq!(known, [0, 63, 64, 1000]);
	}
}
