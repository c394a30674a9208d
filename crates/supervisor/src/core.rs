//! What the supervisor knows, and one turn of its work.
//!
//! A turn takes in what has happened, lets the pool decide, and does what it orders. Whoever holds the lock may run one:
//! the supervisor's thread, or a caller who submits. Nothing in a turn waits. Making processes does, so a turn only
//! writes down that it is wanted, and the thread does it between two turns.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use polling::Poller;
use pool::frame::FrameKind;
use pool::{
	Action, Event, Pool, PoolConfig, PoolState, Recycled, SpawnFailure, Submission, TaskId, WorkerId,
};
use rustc_hash::FxHashMap;

use crate::claims::{ClaimMemory, Ledger};
use crate::deaths::Deaths;
use crate::faults::{self, Site};
use crate::looks::Looks;
use crate::mark::{Mark, Marks};
use crate::orphans::Orphans;
use crate::output::Output;
use crate::process::{Obituaries, Process};
use crate::results::Results;
use crate::spawn::{Spawned, failure};
use crate::sweeper::Sweeper;
use crate::text::TextState;
use crate::worker::{Ends, Source, Texts, Worker};
use crate::{DeathWatch, Notice, Stream, TextUse, WorkerSnapshot, sigpipe};

/// See the [module](self).
pub struct Core {
	pub(crate) pool: Pool,
	pub(crate) ledger: Ledger,
	pub(crate) workers: FxHashMap<WorkerId, Worker>,
	pub(crate) poller: Arc<Poller>,
	pub(crate) deaths: Deaths,
	/// Ordered by the pool in this turn, not done.
	pub(crate) actions: Vec<Action>,
	/// Not published.
	pub(crate) notices: Vec<Notice>,
	/// When workers that closed a pipe must be dead.
	pub(crate) graces: Vec<(Duration, WorkerId)>,
	pub(crate) texts: TextState,
	pub(crate) orphans: Orphans,
	/// `None`: what has left the groups is left alone.
	marks: Option<Marks>,
	sweeper: Sweeper,
	/// Of dead workers. Closing them takes a while, so it is done when their deaths are told.
	remains: Vec<Remains>,
	obituaries: Obituaries,
	death_watch: Option<DeathWatch>,
	max_payload: u32,
	origin: Instant,
	pub(crate) orders: VecDeque<SpawnOrder>,
	unflushed: Vec<WorkerId>,
	is_break_told: bool,
	pub(crate) phase: Phase,
	/// Whether the thread sleeps, or is about to.
	is_asleep: bool,
	/// Until when, or did last.
	planned: Option<Duration>,
	pub(crate) looks: Looks,
	/// When it meant to look again.
	expected: Option<Duration>,
	/// Before this nothing is late: see [`Self::was_away`].
	pub(crate) excused_until: Duration,
	must_ring: bool,
}

/// What a dead worker leaves to be closed.
pub struct Remains {
	pub(crate) worker: Worker,
	pub(crate) claims: Option<ClaimMemory>,
}

/// A worker that the pool wants.
pub struct SpawnOrder {
	pub(crate) worker: WorkerId,
	pub(crate) index: u32,
	pub(crate) mark: Option<Mark>,
}

/// What the thread is to do.
pub enum Plan {
	/// Make a process.
	Spawn(SpawnOrder),
	/// Wait for events, at most so long. `None`: until there are some.
	Sleep(Option<Duration>),
	/// Nothing more.
	End,
}

/// How far its life has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
	Running,
	/// The pool has ordered `Close`.
	Closed,
	/// It failed, or its owner let go of it. The workers are killed and wait to be reaped.
	Over,
}

/// A century and more: what "never" is written as, where times are added to it.
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

impl Core {
	/// A core without workers.
	pub fn new(
		mut config: PoolConfig,
		death_watch: Option<DeathWatch>,
		marks: Option<Marks>,
		max_payload: u32,
		text_use: TextUse,
		poller: Arc<Poller>,
	) -> Self {
		config.start_timeout = config.start_timeout.min(NEVER);
		config.shutdown_grace = config.shutdown_grace.min(NEVER);
		config.idle_timeout = config.idle_timeout.map(|timeout| timeout.min(NEVER));
		Self {
			pool: Pool::new(config),
			ledger: Ledger::default(),
			workers: FxHashMap::default(),
			orphans: Orphans::new(),
			marks,
			sweeper: Sweeper::new(),
			obituaries: Obituaries::new(Arc::clone(&poller)),
			poller,
			deaths: Deaths::default(),
			actions: Vec::new(),
			notices: Vec::new(),
			graces: Vec::new(),
			texts: TextState::new(text_use),
			remains: Vec::new(),
			death_watch,
			max_payload,
			origin: Instant::now(),
			orders: VecDeque::new(),
			unflushed: Vec::new(),
			is_break_told: false,
			phase: Phase::Running,
			is_asleep: false,
			planned: None,
			looks: Looks::default(),
			expected: None,
			excused_until: Duration::ZERO,
			must_ring: false,
		}
	}

	/// Takes in facts that callers bring, and answers them.
	pub fn turn(&mut self, events: impl IntoIterator<Item = Event>) {
		let now = self.now();
		for event in events {
			self.pool.handle(event, now, &mut self.ledger, &mut self.actions);
		}
		self.answer(now);
	}

	/// Takes tasks, or settles them where the pool takes none.
	pub fn submit(&mut self, submissions: impl Iterator<Item = Submission>) {
		// A closed pool takes no events at all.
		if self.phase == Phase::Closed
			&& let Some(refusal) = self.pool.refusal()
		{
			for submission in submissions {
				let settlement = self.deaths.settlement(refusal.clone());
				self.notices.push(Notice::Settled(submission.task, settlement));
			}
			return;
		}
		self.turn(submissions.map(|mut submission| {
			submission.timeout = submission.timeout.map(|timeout| timeout.min(NEVER));
			Event::TaskSubmitted(submission)
		}));
	}

	/// Cancels tasks where that is possible.
	pub fn cancel(&mut self, tasks: &[TaskId]) -> Vec<bool> {
		let now = self.now();
		let mut answers = Vec::with_capacity(tasks.len());
		for &task in tasks {
			let before = self.actions.len();
			self.pool.handle(
				Event::CancelRequested(task),
				now,
				&mut self.ledger,
				&mut self.actions,
			);
			let is_it =
				|action: &Action| matches!(action, Action::SettleTask(settled, _) if *settled == task);
			answers.push(self.actions[before..].iter().any(is_it));
		}
		self.answer(now);
		answers
	}

	/// Lets the pool decide on everything that was taken in, and does what it orders.
	pub fn answer(&mut self, now: Duration) {
		self.look_at_memory(now);
		self.pool.dispatch(now, &mut self.ledger, &mut self.actions);
		self.perform_ordered();
		self.flush(now);
		self.deaths.end_turn();
		self.ring_if_needed();
	}

	/// Does what was ordered up to now, ahead of the answer: what a worker has said comes before the news of its death.
	pub fn perform_ordered(&mut self) {
		self.tell_break();
		let mut actions = std::mem::take(&mut self.actions);
		for action in actions.drain(..) {
			self.perform(action);
		}
		self.actions = actions; // empty, with its room
	}

	fn tell_break(&mut self) {
		if self.is_break_told {
			return;
		}
		if let Some(cause) = self.pool.break_cause() {
			self.is_break_told = true;
			self.notices.push(Notice::Broken(self.deaths.broken(cause)));
		}
	}

	fn perform(&mut self, action: Action) {
		match action {
			Action::SpawnWorker { worker, index } => {
				let mark = self.marks.as_ref().map(|marks| marks.of(worker));
				self.orders.push_back(SpawnOrder { worker, index, mark });
			}
			Action::SendFrame(id, frame) => {
				if matches!(frame.kind, FrameKind::Task | FrameKind::ObservedTask) {
					self.note_sent(id, frame.sequence);
				}
				// The pool may order a frame and learn of the death only after that.
				let Some(worker) = self.workers.get_mut(&id) else {
					return;
				};
				worker.treatment.was_dismissed |= frame.kind == FrameKind::Exit;
				worker.outbound.push(frame);
				if !worker.is_unflushed && !worker.waits_for_room() {
					worker.is_unflushed = true;
					self.unflushed.push(id);
				}
			}
			Action::SignalWorker(id, signal) => {
				let Some(worker) = self.workers.get_mut(&id) else {
					return;
				};
				worker.treatment.was_signalled = true;
				worker.process.order(signal);
			}
			Action::TellStart {
				task,
				worker,
				attempt,
			} => {
				// It is there: what a dead worker has said is told before it is removed.
				if let Some(worker) = self.workers.get(&worker) {
					self.notices.push(Notice::TaskStarted {
						task,
						index: worker.index,
						pid: worker.pid().as_raw_pid().unsigned_abs(),
						attempt,
					});
				}
			}
			Action::TellStrayError { task, worker, error } => {
				if let Some(worker) = self.workers.get(&worker) {
					self.notices.push(Notice::StrayError {
						task,
						index: worker.index,
						pid: worker.pid().as_raw_pid().unsigned_abs(),
						error,
					});
				}
			}
			Action::SettleTask(task, outcome) => {
				self.notices
					.push(Notice::Settled(task, self.deaths.settlement(outcome)));
			}
			Action::TellRecycled(recycled) => self.tell_recycled(recycled),
			// The thread tells it, when the workers' descendants are gone, too.
			Action::Close => self.phase = Phase::Closed,
		}
	}

	fn look_at_memory(&mut self, now: Duration) {
		for id in self.pool.due_looks(now) {
			let memory = self.workers.get(&id).and_then(|worker| worker.process.memory());
			if let Some(memory) = memory {
				let event = Event::MemoryMeasured(id, memory);
				self.pool.handle(event, now, &mut self.ledger, &mut self.actions);
			}
		}
	}

	fn tell_recycled(&mut self, recycled: Recycled) {
		// It was idle when it was replaced, so it had a process.
		let Some(worker) = self.workers.get(&recycled.worker) else {
			return;
		};
		self.notices.push(Notice::WorkerRecycled {
			recycled,
			index: worker.index,
			pid: worker.pid().as_raw_pid().unsigned_abs(),
			memory: recycled
				.memory
				.or_else(|| worker.process.memory().map(|memory| memory.resident)),
		});
	}

	/// Writes what was queued in this turn: one write per worker, however many frames.
	fn flush(&mut self, now: Duration) {
		if self.unflushed.is_empty() {
			return;
		}
		let guard = sigpipe::Guard::block();
		let mut unflushed = std::mem::take(&mut self.unflushed);
		for id in unflushed.drain(..) {
			if !self.flush_worker(id, now) {
				guard.consume();
			}
		}
		self.unflushed = unflushed; // empty, with its room
	}

	/// Writes what is queued for a worker. `false`: it has closed its end.
	pub fn flush_worker(&mut self, id: WorkerId, now: Duration) -> bool {
		let Some(worker) = self.workers.get_mut(&id) else {
			return true;
		};
		worker.is_unflushed = false;
		let is_open = worker.flush(&self.poller);
		if !is_open {
			self.found_closed(id, now);
		}
		is_open
	}

	/// Notes that a worker closed a pipe. Dying processes do that a moment before their death can be seen.
	pub fn found_closed(&mut self, id: WorkerId, now: Duration) {
		/// The kernel needs microseconds from the one to the other, a loaded machine more.
		const GRACE: Duration = Duration::from_secs(1);
		let Some(worker) = self.workers.get_mut(&id) else {
			return;
		};
		if worker.closed_at.is_none() {
			worker.closed_at = Some(now);
			self.graces.push((now + GRACE, id));
		}
	}

	/// Takes in a process that the thread has made, or could not.
	pub fn adopt(&mut self, order: &SpawnOrder, spawned: Result<Spawned, SpawnFailure>) {
		let now = self.now();
		let id = order.worker;
		let event = match spawned.and_then(|spawned| self.settle_in(order, spawned, now)) {
			Ok(()) => Event::WorkerSpawned(id),
			Err(failure) => Event::SpawnFailed(id, failure),
		};
		if self.is_over() {
			self.abandon_worker(id);
			return;
		}
		self.pool.handle(event, now, &mut self.ledger, &mut self.actions);
		self.answer(now);
	}

	fn settle_in(&mut self, order: &SpawnOrder, spawned: Spawned, now: Duration) -> Result<(), SpawnFailure> {
		let id = order.worker;
		let Spawned {
			pid,
			tasks,
			results,
			output,
			errors,
			control,
			claims,
			ring,
			kills,
		} = spawned;
		let process = Process::watch(
			pid,
			(id, Source::Death.key(id)),
			self.death_watch,
			&self.obituaries,
		)?;
		let ends = Ends {
			tasks,
			results: Results::new(results, ring, self.max_payload),
			texts: Texts {
				output: output.map(|pipe| Output::new(pipe, Stream::Stdout, self.texts.text_use())),
				errors: Output::new(errors, Stream::Stderr, self.texts.text_use()),
			},
			control,
			kills,
		};
		let mut worker = Worker::new(id, order.index, process, ends, now);
		if let Err(error) = faults::check(Site::Listen).and_then(|()| worker.listen(&self.poller)) {
			worker.process.kill_and_reap();
			worker.close(&self.poller);
			self.sweep(id);
			return Err(failure("poll", &error));
		}
		self.ledger.insert(id, pid, claims);
		self.workers.insert(id, worker);
		Ok(())
	}

	/// A worker is reaped: what it has left behind outside its group is to be killed, too.
	pub(crate) fn sweep(&self, id: WorkerId) {
		if let Some(marks) = &self.marks {
			self.sweeper.add(marks.of(id));
		}
	}

	/// What kills the descendants of dead workers.
	pub fn sweeper(&self) -> &Sweeper {
		&self.sweeper
	}

	/// Tells the owner that everything is gone, if it has closed the pool.
	pub fn tell_closed(&mut self) {
		if self.phase == Phase::Closed {
			self.notices.push(Notice::Closed);
		}
	}

	/// What the thread is to do next. Taken as a promise that it does.
	pub fn plan(&mut self) -> Plan {
		if self.phase != Phase::Running {
			return Plan::End;
		}
		let now = self.now();
		// Before a process too: making many takes long, and nobody would hear of what the others publish.
		self.listen_for_bells(now);
		if let Some(order) = self.orders.pop_front() {
			self.expected = Some(now);
			return Plan::Spawn(order);
		}
		let planned = self.planned.filter(|planned| *planned > now);
		// A deadline that was called off is slept towards all the same: it wakes the thread for nothing once, where the
		// next task of a busy caller would otherwise have to wake it for its own deadline each time.
		self.planned = self.next_deadline().into_iter().chain(planned).min();
		self.expected = self.planned;
		self.is_asleep = true;
		Plan::Sleep(self.planned.map(|until| until.saturating_sub(now)))
	}

	/// Has every worker ring for what it publishes from here on, and sees to what was published before.
	fn listen_for_bells(&mut self, now: Duration) {
		// Results that are ignored would be looked at again and again.
		for worker in self.workers.values().filter(|worker| worker.is_heard()) {
			self.looks.fell_asleep(worker.results.fall_asleep(), now);
		}
	}

	/// Wakes the thread where it has to do something that it does not know of.
	fn ring_if_needed(&mut self) {
		if !self.is_asleep {
			return;
		}
		let is_earlier = match (self.next_deadline(), self.planned) {
			(Some(deadline), Some(planned)) => deadline < planned,
			(Some(_), None) => true,
			(None, _) => false,
		};
		if is_earlier || !self.orders.is_empty() || self.phase != Phase::Running {
			self.ring();
		}
	}

	/// Has the thread woken when the lock is released.
	pub(crate) fn ring(&mut self) {
		self.must_ring = true;
		self.is_asleep = false;
	}

	/// The thread is awake, so it needs no ring.
	pub fn awoke(&mut self) {
		self.is_asleep = false;
		self.was_away();
	}

	/// Where this process was stopped for a while, workers that wait for it look as if they were late: their results fill the
	/// pipes, and what they need to start was not sent. Then they have a moment to go on.
	fn was_away(&mut self) {
		/// Longer than a busy machine lets a thread wait.
		const ABSENCE: Duration = Duration::from_secs(1);
		const EXCUSE: Duration = Duration::from_secs(2);
		let now = self.now();
		if self
			.expected
			.take()
			.is_some_and(|expected| now.saturating_sub(expected) > ABSENCE)
		{
			self.excused_until = now + EXCUSE;
		}
	}

	/// Whether the thread has to be woken when the lock is released.
	pub fn take_ring(&mut self) -> bool {
		std::mem::take(&mut self.must_ring)
	}

	/// When time alone changes something.
	pub fn next_deadline(&self) -> Option<Duration> {
		let graces = self.graces.iter().map(|(until, _)| *until);
		self.pool
			.next_deadline()
			.into_iter()
			.chain(graces)
			.map(|deadline| deadline.max(self.excused_until))
			.chain(self.orphans.next_look())
			.chain(self.looks.next())
			.min()
	}

	/// The workers whose deaths were reported by threads.
	pub fn take_obituaries(&self) -> Vec<WorkerId> {
		self.obituaries.take()
	}

	/// A worker was reaped, and its death is judged.
	pub(crate) fn leave_behind(&mut self, remains: Remains) {
		self.remains.push(remains);
	}

	/// What is to be closed when the lock is released.
	pub fn take_remains(&mut self) -> Vec<Remains> {
		std::mem::take(&mut self.remains)
	}

	/// The time since the supervisor was started. The only clock of the project.
	pub fn now(&self) -> Duration {
		self.origin.elapsed()
	}

	/// Whether nothing can be asked of it any more.
	pub fn is_over(&self) -> bool {
		self.phase == Phase::Over
	}

	/// See [`Supervisor::workers`](crate::Supervisor::workers).
	pub fn snapshot(&self) -> Vec<WorkerSnapshot> {
		let now = self.now();
		let snapshot = |view: pool::WorkerView| {
			let worker = self.workers.get(&view.worker);
			let running = view.task.filter(|&task| self.pool.is_running(task, &self.ledger));
			WorkerSnapshot {
				worker: view.worker,
				index: view.index,
				pid: worker.map(|worker| worker.pid().as_raw_pid().unsigned_abs()),
				state: view.state,
				age: worker.map(|worker| now.saturating_sub(worker.spawned_at)),
				running,
				running_for: running.and(view.since).map(|since| now.saturating_sub(since)),
				finished: view.finished,
			}
		};
		self.pool.workers().map(snapshot).collect()
	}

	/// Whether the pool takes tasks.
	pub fn is_open(&self) -> bool {
		matches!(self.pool.state(), PoolState::Open)
	}
}
