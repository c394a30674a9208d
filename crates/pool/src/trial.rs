//! A pool in the hands of a unit test: the test says what happens, and looks at the orders.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use crate::frame::{Frame, FrameKind};
use crate::pace::Pace;
use crate::{
	Action, ClaimLedger, Event, Exit, FunctionId, OnWorkerDeath, Outcome, Pool, PoolConfig, Sequence,
	Shutdown, StopSignal, Submission, TaskId, WorkerId,
};

/// Claims without shared memory.
#[derive(Default)]
pub(crate) struct Claims {
	/// `true` when claimed.
	offered: BTreeMap<(WorkerId, Sequence), bool>,
	/// What is being loaded.
	pub(crate) loading: Option<(WorkerId, Sequence)>,
	/// Whom a debugger holds.
	pub(crate) inspected: Option<WorkerId>,
}

impl Claims {
	/// The worker starts what it was sent with this sequence.
	pub(crate) fn claim(&mut self, worker: WorkerId, sequence: Sequence) {
		*self
			.offered
			.get_mut(&(worker, sequence))
			.expect("it was offered and not recalled") = true;
	}
}

impl ClaimLedger for Claims {
	fn offer(&mut self, worker: WorkerId, sequence: Sequence) {
		self.offered.insert((worker, sequence), false);
	}

	fn recall(&mut self, worker: WorkerId, sequence: Sequence) -> bool {
		let is_claimed = self.offered[&(worker, sequence)];
		if !is_claimed {
			self.offered.remove(&(worker, sequence));
		}
		!is_claimed
	}

	fn is_claimed(&self, worker: WorkerId, sequence: Sequence) -> bool {
		self.offered.get(&(worker, sequence)) == Some(&true)
	}

	fn is_loading(&self, worker: WorkerId, sequence: Sequence) -> bool {
		self.loading == Some((worker, sequence))
	}

	fn is_inspected(&self, worker: WorkerId) -> bool {
		self.inspected == Some(worker)
	}
}

pub(crate) struct Trial {
	pub(crate) pool: Pool,
	pub(crate) claims: Claims,
	pub(crate) now: Duration,
	submitted: u64,
}

impl Trial {
	/// A pool of up to two workers, unless the test wants it otherwise.
	pub(crate) fn new(change: impl FnOnce(&mut PoolConfig)) -> Trial {
		let mut config = PoolConfig {
			max_workers: 2,
			max_tasks_per_worker: None,
			memory_limits: crate::MemoryLimits::default(),
			idle_timeout: None,
			start_timeout: Duration::from_secs(60),
			shutdown_grace: Duration::from_secs(5),
			on_worker_death: OnWorkerDeath::Isolate,
			max_failed_starts: 3,
			max_unstarted_deaths: 2,
			init: Bytes::from_static(b"init"),
		};
		change(&mut config);
		let mut trial = Trial {
			pool: Pool::new(config),
			claims: Claims::default(),
			now: Duration::from_secs(100),
			submitted: 0,
		};
		let payload = Bytes::from_static(b"function");
		trial.happens(Event::FunctionRegistered {
			function: FunctionId(1),
			payload,
		});
		trial
	}

	/// A pool of one worker.
	pub(crate) fn of_one() -> Trial {
		Trial::new(|config| config.max_workers = 1)
	}

	/// Workers that are ready and idle, the last one used last, in a pool that has measured nothing yet.
	pub(crate) fn idle(workers: u32) -> Trial {
		let mut trial = Trial::new(|config| config.max_workers = workers);
		trial.submit_together(workers.into());
		for worker in 0..workers {
			trial.ready(worker);
		}
		for worker in 0..workers {
			trial.now += Duration::from_millis(5);
			trial.returns(worker, 1);
		}
		assert_eq!(trial.pool.outstanding(), 0);
		trial.pool.pace = Pace::default();
		trial
	}

	/// One event and a dispatch, and the orders of both.
	pub(crate) fn happens(&mut self, event: Event) -> Vec<Action> {
		let mut actions = Vec::new();
		self.pool.handle(event, self.now, &mut self.claims, &mut actions);
		self.pool.dispatch(self.now, &mut self.claims, &mut actions);
		actions
	}

	/// Time passes, and the pool is told.
	pub(crate) fn passes(&mut self, time: Duration) -> Vec<Action> {
		self.now += time;
		self.happens(Event::DeadlinePassed)
	}

	/// Submits the next task: number 0, 1, 2 and so on.
	pub(crate) fn submit(&mut self) -> Vec<Action> {
		self.submit_with(None)
	}

	pub(crate) fn submit_with(&mut self, timeout: Option<Duration>) -> Vec<Action> {
		self.submit_as(|submission| submission.timeout = timeout)
	}

	/// Submits a task whose start is to be told.
	pub(crate) fn submit_observed(&mut self) -> Vec<Action> {
		self.submit_as(|submission| submission.is_observed = true)
	}

	pub(crate) fn submit_of_priority(&mut self, priority: i64) -> Vec<Action> {
		self.submit_as(|submission| submission.priority = priority)
	}

	fn submit_as(&mut self, change: impl FnOnce(&mut Submission)) -> Vec<Action> {
		let submission = self.next_submission(change);
		self.happens(Event::TaskSubmitted(submission))
	}

	fn next_submission(&mut self, change: impl FnOnce(&mut Submission)) -> Submission {
		let mut submission = Submission {
			task: TaskId(self.submitted),
			function: FunctionId(1),
			payload: Bytes::from_static(b"task"),
			timeout: None,
			is_observed: false,
			priority: 0,
		};
		change(&mut submission);
		self.submitted += 1;
		submission
	}

	/// Submits several tasks, before any of them is dispatched.
	pub(crate) fn submit_together(&mut self, count: u64) -> Vec<Action> {
		let mut actions = Vec::new();
		for _ in 0..count {
			let submission = self.next_submission(|_| {});
			self.pool.handle(
				Event::TaskSubmitted(submission),
				self.now,
				&mut self.claims,
				&mut actions,
			);
		}
		self.pool.dispatch(self.now, &mut self.claims, &mut actions);
		actions
	}

	pub(crate) fn spawned(&mut self, worker: u32) -> Vec<Action> {
		self.happens(Event::WorkerSpawned(WorkerId(worker)))
	}

	/// The worker exists and becomes ready.
	pub(crate) fn ready(&mut self, worker: u32) -> Vec<Action> {
		self.spawned(worker);
		self.says(worker, FrameKind::Ready, 0)
	}

	pub(crate) fn says(&mut self, worker: u32, kind: FrameKind, sequence: u32) -> Vec<Action> {
		self.happens(Event::FrameReceived(WorkerId(worker), frame(kind, sequence)))
	}

	/// The worker starts what it was sent with this sequence.
	pub(crate) fn claims(&mut self, worker: u32, sequence: u32) {
		self.claims.claim(WorkerId(worker), Sequence(sequence));
	}

	/// The worker starts a task and returns.
	pub(crate) fn returns(&mut self, worker: u32, sequence: u32) -> Vec<Action> {
		self.claims(worker, sequence);
		self.says(worker, FrameKind::Returned, sequence)
	}

	pub(crate) fn exits(&mut self, worker: u32, exit: Exit) -> Vec<Action> {
		self.happens(Event::WorkerExited(WorkerId(worker), exit, None))
	}

	pub(crate) fn cancel(&mut self, task: u64) -> Vec<Action> {
		self.happens(Event::CancelRequested(TaskId(task)))
	}

	pub(crate) fn abort(&mut self, task: u64) -> Vec<Action> {
		self.happens(Event::AbortRequested(TaskId(task)))
	}

	/// Releases the function that all tasks call.
	pub(crate) fn release(&mut self) -> Vec<Action> {
		self.happens(Event::FunctionReleased(FunctionId(1)))
	}

	pub(crate) fn shut_down(&mut self, how: Shutdown) -> Vec<Action> {
		self.happens(Event::ShutdownRequested(how))
	}

	/// The state of each worker, in the order of their starts.
	pub(crate) fn states(&self) -> Vec<&'static str> {
		self.pool.workers().map(|worker| worker.state).collect()
	}

	/// How many tasks each worker holds.
	pub(crate) fn loads(&self) -> Vec<usize> {
		self.pool.workers().map(|worker| worker.in_flight).collect()
	}

	pub(crate) fn deadline_in(&self) -> Option<Duration> {
		self.pool
			.next_deadline()
			.map(|deadline| deadline.saturating_sub(self.now))
	}
}

pub(crate) fn frame(kind: FrameKind, sequence: u32) -> Frame {
	let payload = match kind {
		FrameKind::Init => Bytes::from_static(b"init"),
		FrameKind::Function => Bytes::from_static(b"function"),
		FrameKind::Task | FrameKind::ObservedTask => Bytes::from_static(b"task"),
		FrameKind::StartFailed => Bytes::from_static(b"no"),
		FrameKind::Returned | FrameKind::Threw | FrameKind::Undecodable | FrameKind::StrayError => {
			Bytes::from_static(b"result")
		}
		FrameKind::Exit | FrameKind::Forget | FrameKind::Ready | FrameKind::Started | FrameKind::Bell => {
			Bytes::new()
		}
	};
	let function = match kind {
		FrameKind::Function | FrameKind::Task | FrameKind::ObservedTask | FrameKind::Forget => FunctionId(1),
		FrameKind::Init
		| FrameKind::Exit
		| FrameKind::Ready
		| FrameKind::StartFailed
		| FrameKind::Returned
		| FrameKind::Threw
		| FrameKind::Undecodable
		| FrameKind::Started
		| FrameKind::StrayError
		| FrameKind::Bell => FunctionId(0),
	};
	Frame {
		kind,
		sequence: Sequence(sequence),
		function,
		payload,
	}
}

pub(crate) fn start(worker: u32, index: u32) -> Action {
	Action::SpawnWorker {
		worker: WorkerId(worker),
		index,
	}
}

pub(crate) fn send(worker: u32, kind: FrameKind, sequence: u32) -> Action {
	Action::SendFrame(WorkerId(worker), frame(kind, sequence))
}

pub(crate) fn terminate(worker: u32) -> Action {
	Action::SignalWorker(WorkerId(worker), StopSignal::Terminate)
}

pub(crate) fn kill(worker: u32) -> Action {
	Action::SignalWorker(WorkerId(worker), StopSignal::Kill)
}

pub(crate) fn settle(task: u64, outcome: Outcome) -> Action {
	Action::SettleTask(TaskId(task), outcome)
}

pub(crate) fn returned(task: u64) -> Action {
	settle(task, Outcome::Returned(Bytes::from_static(b"result")))
}

pub(crate) fn sigkill() -> Exit {
	Exit::Signal {
		signal: 9,
		core_dumped: false,
	}
}
