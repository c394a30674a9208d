//! A world for the pool: fake workers, a fake clock, and a driver that holds the pool to what it promises.
//!
//! Every promise that concerns one order is checked where the order is carried out, so each test that uses the world
//! checks all of them.

mod ledger;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use pool::{
	Action, Event, Exit, FunctionId, Memory, MemoryLimits, OnWorkerDeath, Outcome, Pool, PoolConfig,
	PoolState, RecycleReason, Recycled, Shutdown, SpawnFailure, Submission, TaskId, Termination,
	TerminationReason, Violation, WorkerId, WorkerView,
};

pub use ledger::FakeLedger;
pub use worker::{Deed, FakeWorker, Process};

pub fn config() -> PoolConfig {
	PoolConfig {
		max_workers: 3,
		max_tasks_per_worker: None,
		memory_limits: MemoryLimits::default(),
		idle_timeout: Some(Duration::from_secs(10)),
		start_timeout: Duration::from_secs(60),
		shutdown_grace: Duration::from_secs(5),
		on_worker_death: OnWorkerDeath::Isolate,
		max_failed_starts: 3,
		max_unstarted_deaths: 2,
		init: Bytes::from_static(b"init"),
	}
}

pub struct World {
	pub pool: Pool,
	pub now: Duration,
	pub workers: Vec<FakeWorker>,
	/// Every task ever submitted; `None` until it is settled.
	pub tasks: BTreeMap<TaskId, Option<Outcome>>,
	pub is_closed: bool,
	/// Workers that have said something of their own accord.
	pub liars: BTreeSet<WorkerId>,
	config: PoolConfig,
	ledger: FakeLedger,
	/// How many functions were ever registered.
	functions: u32,
	/// The functions that tests call 0, 1, 2 and so on: another one after each release.
	current: BTreeMap<u32, FunctionId>,
	released: BTreeSet<FunctionId>,
	calls: BTreeMap<TaskId, FunctionId>,
	started: BTreeSet<TaskId>,
	/// Those that finished; a result in the outbox of a dead worker is still delivered.
	finished: BTreeSet<TaskId>,
	/// Started tasks that were settled because of this worker's end.
	blamed: BTreeMap<WorkerId, TaskId>,
	/// Those that were to be aborted.
	aborted: BTreeSet<TaskId>,
	/// How many orders were carried out.
	orders: usize,
	/// Workers that died or were killed.
	ended: BTreeSet<WorkerId>,
	/// Of tasks whose start was told.
	told: BTreeSet<TaskId>,
	/// How many tasks were given up that had not started.
	given_up: usize,
	/// Workers that were replaced.
	pub recycled: BTreeSet<WorkerId>,
}

impl World {
	pub fn new(config: PoolConfig) -> World {
		World {
			pool: Pool::new(config.clone()),
			now: Duration::from_secs(1),
			workers: Vec::new(),
			tasks: BTreeMap::new(),
			is_closed: false,
			liars: BTreeSet::new(),
			config,
			ledger: FakeLedger::default(),
			functions: 0,
			current: BTreeMap::new(),
			released: BTreeSet::new(),
			calls: BTreeMap::new(),
			started: BTreeSet::new(),
			finished: BTreeSet::new(),
			blamed: BTreeMap::new(),
			aborted: BTreeSet::new(),
			orders: 0,
			ended: BTreeSet::new(),
			told: BTreeSet::new(),
			given_up: 0,
			recycled: BTreeSet::new(),
		}
	}

	/// Lets something happen, and carries out what the pool orders.
	pub fn happen(&mut self, event: Event) {
		let mut actions = Vec::new();
		self.pool.handle(event, self.now, &mut self.ledger, &mut actions);
		self.perform(actions);
	}

	pub fn dispatch(&mut self) {
		for id in self.pool.due_looks(self.now) {
			let worker = self.workers.iter().find(|worker| worker.id == id);
			let resident = worker.expect("it was ordered").memory;
			self.happen(Event::MemoryMeasured(id, Memory { resident }));
		}
		let mut actions = Vec::new();
		self.pool.dispatch(self.now, &mut self.ledger, &mut actions);
		self.perform(actions);
		self.check();
	}

	pub fn submit(&mut self, function: u32, timeout: Option<Duration>, priority: i64) -> TaskId {
		let function = self.registered(function);
		let task = TaskId(self.tasks.len() as u64);
		if let Some(refusal) = self.pool.refusal().filter(|_| self.is_closed) {
			self.tasks.insert(task, Some(refusal));
			return task;
		}
		self.tasks.insert(task, None);
		self.calls.insert(task, function);
		let payload = Bytes::copy_from_slice(&task.0.to_le_bytes());
		self.happen(Event::TaskSubmitted(Submission {
			task,
			function,
			payload,
			timeout,
			is_observed: task.0.is_multiple_of(4),
			priority,
		}));
		task
	}

	fn registered(&mut self, name: u32) -> FunctionId {
		if let Some(function) = self.current.get(&name) {
			return *function;
		}
		let function = FunctionId(self.functions);
		self.functions += 1;
		self.current.insert(name, function);
		let payload = Bytes::from_static(b"function");
		self.happen(Event::FunctionRegistered { function, payload });
		function
	}

	pub fn release(&mut self, name: u32) {
		if let Some(function) = self.current.remove(&name) {
			self.released.insert(function);
			self.happen(Event::FunctionReleased(function));
		}
	}

	pub fn expect_work(&mut self) {
		let stays = |worker: &pool::WorkerView| worker.state != "exiting";
		let before = self.pool.workers().filter(stays).count();
		self.happen(Event::WorkExpected);
		let after = self.pool.workers().filter(stays).count();
		assert!(after <= before.max(1), "more than one was started");
	}

	/// To be asked when everything is settled and read.
	pub fn check_that_released_functions_are_gone(&self) {
		for function in &self.released {
			assert!(!self.pool.has_function(*function), "{function:?} is kept");
		}
		for view in self.pool.workers() {
			let worker = self
				.workers
				.iter()
				.find(|worker| worker.id == view.worker)
				.expect("it was ordered");
			assert!(
				worker.functions.is_disjoint(&self.released),
				"{:?} keeps {:?}",
				worker.id,
				worker.functions
			);
			assert_eq!(worker.functions.len(), view.functions, "{:?}", worker.id);
		}
	}

	/// Cancels, and checks that the answer is the truth: yes exactly for a task that is neither settled nor started.
	pub fn cancel(&mut self, task: TaskId) {
		let was_settled = self.tasks[&task].clone();
		let may_be_cancelled = was_settled.is_none() && !self.started.contains(&task);
		self.happen(Event::CancelRequested(task));
		let is_settled = &self.tasks[&task];
		if may_be_cancelled {
			assert_eq!(*is_settled, Some(Outcome::Cancelled));
		} else {
			assert_eq!(*is_settled, was_settled);
		}
	}

	/// Aborts, and checks that a task which has not started is cancelled, and that one that runs loses its worker.
	pub fn abort(&mut self, task: TaskId) {
		let was_settled = self.tasks[&task].clone();
		let has_started = self.started.contains(&task);
		let is_running = was_settled.is_none() && self.pool.is_running(task, &self.ledger);
		self.aborted.insert(task);
		self.happen(Event::AbortRequested(task));
		let is_settled = &self.tasks[&task];
		if was_settled.is_none() && !has_started {
			assert_eq!(*is_settled, Some(Outcome::Cancelled));
			return;
		}
		assert_eq!(*is_settled, was_settled);
		if is_running && !self.finished.contains(&task) {
			let runs_on = |view: &pool::WorkerView| view.task == Some(task) && view.state != "exiting";
			assert!(
				!self.pool.workers().any(|view| runs_on(&view)),
				"{task:?} runs on"
			);
		}
	}

	/// Moves the clock, and tells the pool about its deadline when that has come.
	pub fn advance(&mut self, by: Duration) {
		self.now += by;
		if self
			.pool
			.next_deadline()
			.is_some_and(|deadline| deadline <= self.now)
		{
			self.happen(Event::DeadlinePassed);
			self.dispatch();
			let next = self.pool.next_deadline();
			assert!(
				next.is_none_or(|next| next > self.now),
				"the driver would spin: {:?}",
				self.pool
			);
		}
	}

	/// Reports the process of a worker that was ordered.
	pub fn report_spawn(&mut self, position: usize, failure: Option<SpawnFailure>) {
		let worker = &mut self.workers[position];
		if worker.process != Process::Ordered {
			return;
		}
		let id = worker.id;
		if let Some(failure) = failure {
			worker.process = Process::Reaped;
			self.happen(Event::SpawnFailed(id, failure));
		} else {
			worker.process = Process::Alive;
			self.happen(Event::WorkerSpawned(id));
		}
	}

	/// Lets a worker do the next thing.
	pub fn step(&mut self, position: usize) -> bool {
		let worker = &mut self.workers[position];
		let before = (
			worker.inbox.len(),
			worker.outbox.len(),
			worker.running(),
			worker.process.clone(),
		);
		match worker.step(&mut self.ledger) {
			Deed::Nothing => {}
			Deed::Started(task) => {
				assert!(self.started.insert(task), "{task:?} was started twice");
				assert_eq!(
					self.tasks[&task], None,
					"{task:?} was started after it was settled"
				);
				assert!(self.pool.is_running(task, &self.ledger));
				let runs =
					|worker: &&FakeWorker| worker.process == Process::Alive && worker.running().is_some();
				let running = self.workers.iter().filter(runs).count();
				assert!(running <= self.config.max_workers as usize, "too many tasks run");
			}
			Deed::Finished(task) => assert!(self.finished.insert(task)),
		}
		let worker = &self.workers[position];
		before
			!= (
				worker.inbox.len(),
				worker.outbox.len(),
				worker.running(),
				worker.process.clone(),
			)
	}

	/// Reads one frame from a worker, or learns of its end when there is none left.
	pub fn deliver(&mut self, position: usize) -> bool {
		let worker = &mut self.workers[position];
		let id = worker.id;
		match &worker.process {
			Process::Alive | Process::Dead(_) if !worker.outbox.is_empty() => {
				let frame = worker.outbox.pop_front().expect("it is not empty");
				self.happen(Event::FrameReceived(id, frame));
				true
			}
			Process::Ordered | Process::Alive | Process::Reaped => false,
			Process::Dead(exit) => {
				let exit = exit.clone();
				worker.process = Process::Reaped;
				self.ended.insert(id);
				self.happen(Event::WorkerExited(id, exit, None));
				true
			}
		}
	}

	/// The worker closes its result pipe: noticed when everything in it is read.
	pub fn violate(&mut self, position: usize) {
		while !self.workers[position].outbox.is_empty() && self.deliver(position) {}
		let worker = &self.workers[position];
		if worker.process == Process::Alive {
			self.happen(Event::ProtocolViolated(worker.id, Violation::PipeClosed));
		}
	}

	/// Ends all trouble and lets everybody work until nothing happens any more, deadlines included.
	pub fn work_until_quiet(&mut self) {
		for _ in 0..100_000 {
			let mut is_quiet = true;
			let orders = self.orders;
			for position in 0..self.workers.len() {
				let worker = &mut self.workers[position];
				// A task that never ends may run for ever: only the others must be noticed.
				worker.is_stuck = worker.is_stuck && worker.running().is_none();
				if worker.process == Process::Ordered {
					worker.init_throws = false;
					self.report_spawn(position, None);
					is_quiet = false;
				}
				while self.step(position) {
					is_quiet = false;
				}
				while self.deliver(position) {
					is_quiet = false;
				}
			}
			self.dispatch();
			if is_quiet && self.orders == orders {
				let Some(deadline) = self.pool.next_deadline() else {
					return;
				};
				self.advance(deadline.saturating_sub(self.now));
			}
		}
		panic!("it is never quiet: {:?}", self.pool);
	}

	/// Checks what must be true whenever nothing is left to be ordered.
	fn check(&self) {
		let unsettled = self.tasks.values().filter(|outcome| outcome.is_none()).count();
		assert_eq!(self.pool.outstanding(), unsettled);
		for (task, outcome) in &self.tasks {
			let is_running = outcome.is_none() && self.started.contains(task);
			assert_eq!(self.pool.is_running(*task, &self.ledger), is_running, "{task:?}");
		}
		for (task, function) in &self.calls {
			if self.tasks[task].is_none() {
				assert!(self.pool.has_function(*function), "{task:?} needs {function:?}");
			}
		}
		let living = self
			.workers
			.iter()
			.filter(|worker| worker.process != Process::Reaped);
		assert!(
			living
				.map(|worker| worker.id)
				.eq(self.pool.workers().map(|worker| worker.worker))
		);
	}

	fn perform(&mut self, actions: Vec<Action>) {
		self.orders += actions.len();
		for action in actions {
			assert!(!self.is_closed, "{action:?} was ordered after the close");
			match action {
				Action::SpawnWorker { worker, index } => self.spawn(worker, index),
				Action::SendFrame(worker, frame) => self.process(worker).inbox.push_back(frame),
				Action::SignalWorker(worker, signal) => {
					self.process(worker).signal(signal);
					self.ended.insert(worker);
				}
				Action::TellStart { task, worker, .. } => self.tell_start(task, worker),
				Action::TellStrayError { task, worker, .. } => {
					let has_started = |task| self.started.contains(&task);
					assert!(
						self.liars.contains(&worker) || task.is_none_or(has_started),
						"{task:?} left nothing"
					);
				}
				Action::SettleTask(task, outcome) => self.settle(task, outcome),
				Action::TellRecycled(recycled) => self.recycle(recycled),
				Action::Close => self.close(),
			}
		}
	}

	fn tell_start(&mut self, task: TaskId, worker: WorkerId) {
		assert!(self.told.insert(task), "the start of {task:?} was told twice");
		assert_eq!(
			self.tasks[&task], None,
			"{task:?} was settled before its start was told"
		);
		let is_true = self.started.contains(&task) || self.liars.contains(&worker);
		assert!(
			is_true && task.0.is_multiple_of(4),
			"{task:?} did not start, or nobody asks"
		);
	}

	/// A worker that may be written to and signalled.
	fn process(&mut self, id: WorkerId) -> &mut FakeWorker {
		let worker = self
			.workers
			.iter_mut()
			.find(|worker| worker.id == id)
			.expect("it was ordered");
		assert!(
			matches!(worker.process, Process::Alive | Process::Dead(_)),
			"{id:?} is {:?}",
			worker.process
		);
		worker
	}

	fn spawn(&mut self, id: WorkerId, index: u32) {
		let living = self
			.workers
			.iter()
			.filter(|worker| worker.process != Process::Reaped);
		let mut indices: BTreeSet<u32> = living.map(|worker| worker.index).collect();
		let most = self.config.max_workers as usize;
		let never_replaced = self.config.max_tasks_per_worker.is_none()
			&& self.config.memory_limits == MemoryLimits::default();
		let replaced = if never_replaced { 0 } else { most.div_ceil(4) };
		assert!(indices.len() < most + replaced, "too many workers");
		let smallest = (0..u32::MAX).find(|index| !indices.contains(index));
		assert_eq!(smallest, Some(index));
		assert!(indices.insert(index));
		assert!(
			self.workers.iter().all(|worker| worker.id < id),
			"{id:?} was used before"
		);
		self.workers.push(FakeWorker::ordered(id, index));
	}

	fn settle(&mut self, task: TaskId, outcome: Outcome) {
		let started = self.started.contains(&task);
		match &outcome {
			Outcome::Returned(_) | Outcome::Threw(_) | Outcome::Undecodable(_) => {
				// A worker may lie about the task that it is running: nobody else can know better.
				let liar =
					|worker: &FakeWorker| self.liars.contains(&worker.id) && worker.running() == Some(task);
				let is_believed = self.finished.contains(&task) || self.workers.iter().any(liar);
				assert!(is_believed, "{task:?} has no result");
				let is_told = !task.0.is_multiple_of(4) || self.told.contains(&task);
				assert!(
					is_told || self.workers.iter().any(liar),
					"the start of {task:?} was not told"
				);
			}
			// What a worker says after it broke the protocol is not believed, results included.
			Outcome::WorkerTerminated(Termination {
				reason: TerminationReason::Protocol,
				..
			}) if started => {}
			Outcome::WorkerTerminated(Termination { worker, .. })
			| Outcome::TimedOut(Termination { worker, .. })
			| Outcome::Aborted(Termination { worker, .. })
				if started =>
			{
				if let Outcome::Aborted(_) = outcome {
					assert!(self.aborted.contains(&task), "nobody wanted {task:?} to end");
				}
				let earlier = self.blamed.insert(*worker, task);
				assert_eq!(earlier, None, "{worker:?} took {task:?} and another task with it");
			}
			Outcome::WorkerTerminated(_) => {
				self.given_up += 1;
				let limit = self.config.max_unstarted_deaths as usize;
				assert!(
					self.given_up * limit <= self.ended.len(),
					"{task:?} was given up too early"
				);
			}
			Outcome::TimedOut(_) => panic!("{task:?} timed out before it started"),
			Outcome::Aborted(_) => panic!("{task:?} was aborted before it started"),
			Outcome::Cancelled => assert!(!started, "{task:?} was cancelled after it started"),
			Outcome::PoolClosed => {
				assert!(matches!(
					self.pool.state(),
					PoolState::Closing { .. } | PoolState::Closed { .. }
				));
			}
			Outcome::PoolBroken(_) => {}
		}
		let earlier = self.tasks.insert(task, Some(outcome));
		assert_eq!(
			earlier,
			Some(None),
			"{task:?} was settled twice, or never submitted"
		);
	}

	/// A worker is replaced between two tasks, for a reason, and by another that is ready.
	fn recycle(&mut self, recycled: Recycled) {
		let Recycled {
			worker,
			reason,
			finished,
			memory,
		} = recycled;
		match reason {
			RecycleReason::MaxTasks => assert!(self.config.max_tasks_per_worker <= Some(finished)),
			RecycleReason::MaxMemory => {
				let MemoryLimits { soft, hard } = self.config.memory_limits;
				assert!(memory >= soft.or(hard) && memory.is_some());
			}
		}
		assert!(self.recycled.insert(worker), "{worker:?} was replaced twice");
		let views: Vec<WorkerView> = self.pool.workers().collect();
		let is_leaving =
			|view: &WorkerView| view.worker == worker && view.state == "exiting" && view.in_flight == 0;
		assert!(views.iter().any(is_leaving), "{worker:?} is not leaving");
		let is_ready =
			|view: &WorkerView| view.worker > worker && (view.state == "idle" || view.state == "busy");
		assert!(
			views.iter().any(is_ready),
			"nobody has taken the place of {worker:?}"
		);
	}

	fn close(&mut self) {
		assert!(
			self.workers
				.iter()
				.all(|worker| worker.process == Process::Reaped),
			"a worker lives"
		);
		assert!(self.tasks.values().all(Option::is_some), "a task is not settled");
		self.is_closed = true;
	}

	pub fn shut_down(&mut self, how: Shutdown) {
		self.happen(Event::ShutdownRequested(how));
	}
}

pub fn spawn_failure(is_transient: bool) -> SpawnFailure {
	SpawnFailure {
		operation: "posix_spawn",
		errno: 11,
		is_transient,
	}
}

pub fn killed() -> Exit {
	Exit::Signal {
		signal: 9,
		core_dumped: false,
	}
}
