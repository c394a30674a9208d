//! One worker process: its state, what it holds, and the ladder by which it is made to leave.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::frame::{Frame, FrameKind};
use crate::{Action, ClaimLedger, FunctionId, SLOTS, Sequence, StopSignal, TaskId, WorkerId};

/// A task that runs longer than this is slow: what was sent behind it is given to idle workers, and nothing more is
/// sent behind it. As long as the work ahead of a busy worker (see `pace`), so microsecond tasks never travel back.
const SLOW: Duration = Duration::from_millis(1);
/// A task that runs longer than this gives back what was sent behind it even when no worker is idle, so that it waits
/// for the first free worker and not for this one.
const HOSTAGE: Duration = Duration::from_millis(20);
/// A task that was not claimed when its timeout passed has that long at least once more.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);
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
	next_sequence: u32,
	/// The last sequence that came back: everything up to it was read.
	answered: u32,
	/// One bit per function that was shipped. Functions are numbered densely.
	functions: Vec<u64>,
}

/// `Starting` -> `Idle` <-> `Busy` -> `Exiting`; each of them may die.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WorkerState {
	/// Ordered; not ready until then it is killed.
	Starting { deadline: Duration, is_spawned: bool },
	/// Ready, nothing in flight.
	Idle { since: Duration },
	/// Something in flight.
	Busy(Front),
	/// Asked or forced to leave.
	Exiting { reason: ExitReason, step: LadderStep },
}

/// The oldest task in flight: it runs, or is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Front {
	/// When it came to the front.
	pub(crate) since: Duration,
	/// When the tasks behind it were last considered for recall, or `since`.
	pub(crate) considered: Duration,
	/// When its timeout passes, if it had started at once.
	pub(crate) deadline: Option<Duration>,
	/// Whether it was seen to be claimed. Before that, the worker is watched for progress.
	pub(crate) is_claimed: bool,
}

/// A task on a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InFlight {
	pub(crate) sequence: Sequence,
	pub(crate) task: TaskId,
	pub(crate) timeout: Option<Duration>,
}

/// Why a worker is leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitReason {
	/// Not needed: idle for too long, out of sequences, or the pool has finished.
	Dismissed,
	/// It said that its initializer threw.
	StartFailed,
	/// It was not ready in time.
	StartTimedOut,
	/// It ran a task beyond the task's timeout.
	TaskTimedOut,
	/// It did not claim what was sent to it.
	Stalled,
	/// It sent what the protocol does not allow.
	BrokeProtocol { was_ready: bool },
	/// The pool broke, or was told to kill its workers.
	PoolKilled,
}

/// How far the ladder was climbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LadderStep {
	/// To be killed as soon as there is a process.
	AwaitingSpawn,
	/// Asked with a frame.
	Asked { until: Duration },
	/// SIGTERM.
	Terminated { until: Duration },
	/// SIGKILL: the kernel does the rest.
	Killed,
}

impl Front {
	/// The front at the moment when it comes to the front.
	pub(crate) fn arrived(now: Duration, timeout: Option<Duration>) -> Front {
		Front {
			since: now,
			considered: now,
			deadline: timeout.map(|timeout| now + timeout),
			is_claimed: false,
		}
	}

	/// Starts the timeout again, for a task that has not started.
	pub(crate) fn rearm(&mut self, now: Duration, timeout: Option<Duration>) {
		self.deadline = timeout.map(|timeout| now + timeout.max(SHORTEST_TIMEOUT));
	}

	/// When tasks behind it may be given to idle workers.
	pub(crate) fn steal_at(&self) -> Duration {
		self.considered + SLOW
	}

	/// When tasks behind it go back to the queue in any case.
	pub(crate) fn release_at(&self) -> Duration {
		self.steal_at().max(self.since + HOSTAGE)
	}

	pub(crate) fn is_slow(&self, now: Duration) -> bool {
		now >= self.since + SLOW
	}
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
			next_sequence: 1,
			answered: 0,
			functions: Vec::new(),
		}
	}

	/// Whether it is not on its way out.
	pub(crate) fn is_live(&self) -> bool {
		match self.state {
			WorkerState::Starting { .. } | WorkerState::Idle { .. } | WorkerState::Busy(_) => true,
			WorkerState::Exiting { .. } => false,
		}
	}

	/// Whether there is a process.
	pub(crate) fn is_spawned(&self) -> bool {
		match self.state {
			WorkerState::Starting { is_spawned, .. } => is_spawned,
			WorkerState::Idle { .. } | WorkerState::Busy(_) => true,
			WorkerState::Exiting { step, .. } => match step {
				LadderStep::AwaitingSpawn => false,
				LadderStep::Asked { .. } | LadderStep::Terminated { .. } | LadderStep::Killed => true,
			},
		}
	}

	/// Whether a sequence is left, and a claim slot for it. What was recalled counts until a later task comes back: the
	/// stale frame may still be in the pipe, and a worker that reads nothing must not fill our memory with them.
	pub(crate) fn has_room(&self) -> bool {
		self.next_sequence - self.answered < SLOTS && !self.is_worn_out()
	}

	/// Whether its sequences are used up.
	pub(crate) fn is_worn_out(&self) -> bool {
		self.next_sequence >= LAST_SEQUENCE
	}

	/// Takes the next sequence for a task and puts the task in flight.
	pub(crate) fn hold(&mut self, task: TaskId, timeout: Option<Duration>, now: Duration) -> Sequence {
		let sequence = Sequence(self.next_sequence);
		self.next_sequence += 1;
		self.in_flight.push_back(InFlight {
			sequence,
			task,
			timeout,
		});
		match &self.state {
			WorkerState::Idle { .. } => self.state = WorkerState::Busy(Front::arrived(now, timeout)),
			WorkerState::Busy(_) => {} // the front is another task
			WorkerState::Starting { .. } | WorkerState::Exiting { .. } => {
				unreachable!("only a ready worker is given tasks")
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
			(WorkerState::Starting { .. } | WorkerState::Idle { .. }, _) => {} // held nothing, found nothing
			(WorkerState::Exiting { .. }, _) => {} // leaves in any case
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
		let (word, bit) = place_of(function);
		self.functions.get(word).is_some_and(|known| known & bit != 0)
	}

	/// Notes that a function is shipped to it.
	pub(crate) fn learn(&mut self, function: FunctionId) {
		let (word, bit) = place_of(function);
		if word >= self.functions.len() {
			self.functions.resize(word + 1, 0);
		}
		self.functions[word] |= bit;
	}

	/// Asks it to leave. It must hold no task.
	pub(crate) fn dismiss(&mut self, until: Duration, actions: &mut Vec<Action>) {
		let step = match self.state {
			WorkerState::Starting {
				is_spawned: false, ..
			} => LadderStep::AwaitingSpawn,
			WorkerState::Starting { is_spawned: true, .. } | WorkerState::Idle { .. } => {
				actions.push(Action::SendFrame(
					self.id,
					control_frame(FrameKind::Exit, Bytes::new()),
				));
				LadderStep::Asked { until }
			}
			WorkerState::Busy(_) => return,        // asked when it has finished
			WorkerState::Exiting { .. } => return, // leaves in any case
		};
		self.state = WorkerState::Exiting {
			reason: ExitReason::Dismissed,
			step,
		};
	}

	/// Kills it. A worker that is leaving keeps the reason that it has.
	pub(crate) fn kill(&mut self, new_reason: ExitReason, actions: &mut Vec<Action>) {
		let (reason, step) = match self.state {
			WorkerState::Starting {
				is_spawned: false, ..
			} => (new_reason, LadderStep::AwaitingSpawn),
			WorkerState::Starting { is_spawned: true, .. }
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_) => (new_reason, LadderStep::Killed),
			WorkerState::Exiting { reason, step } => match step {
				LadderStep::Asked { .. } | LadderStep::Terminated { .. } => (reason, LadderStep::Killed),
				LadderStep::AwaitingSpawn | LadderStep::Killed => return, // ordered before
			},
		};
		if step == LadderStep::Killed {
			actions.push(Action::SignalWorker(self.id, StopSignal::Kill));
		}
		self.state = WorkerState::Exiting { reason, step };
	}

	/// Its process exists.
	pub(crate) fn spawned(&mut self, init: &Bytes, actions: &mut Vec<Action>) {
		match &mut self.state {
			WorkerState::Starting {
				is_spawned: is_spawned @ false,
				..
			} => {
				*is_spawned = true;
				actions.push(Action::SendFrame(
					self.id,
					control_frame(FrameKind::Init, init.clone()),
				));
			}
			WorkerState::Exiting {
				step: step @ LadderStep::AwaitingSpawn,
				..
			} => {
				*step = LadderStep::Killed;
				actions.push(Action::SignalWorker(self.id, StopSignal::Kill));
			}
			// Said twice: it has its orders.
			WorkerState::Starting { is_spawned: true, .. }
			| WorkerState::Idle { .. }
			| WorkerState::Busy(_)
			| WorkerState::Exiting {
				step: LadderStep::Asked { .. } | LadderStep::Terminated { .. } | LadderStep::Killed,
				..
			} => {}
		}
	}

	/// Takes the next step of the ladder when its time has come.
	pub(crate) fn climb(&mut self, now: Duration, grace: Duration, actions: &mut Vec<Action>) {
		let WorkerState::Exiting { step, .. } = &mut self.state else {
			return;
		};
		match *step {
			LadderStep::Asked { until } if until <= now => {
				*step = LadderStep::Terminated { until: now + grace };
				actions.push(Action::SignalWorker(self.id, StopSignal::Terminate));
			}
			LadderStep::Terminated { until } if until <= now => {
				*step = LadderStep::Killed;
				actions.push(Action::SignalWorker(self.id, StopSignal::Kill));
			}
			LadderStep::Asked { .. } | LadderStep::Terminated { .. } => {} // not yet
			LadderStep::AwaitingSpawn | LadderStep::Killed => {}           // nothing is left to do
		}
	}
}

/// A frame that is about no task and no function.
fn control_frame(kind: FrameKind, payload: Bytes) -> Frame {
	Frame {
		kind,
		sequence: Sequence(0),
		function: FunctionId(0),
		payload,
	}
}

/// The word and the bit of a function in the set of those that were shipped.
fn place_of(function: FunctionId) -> (usize, u64) {
	(function.0 as usize / 64, 1 << (function.0 % 64))
}
