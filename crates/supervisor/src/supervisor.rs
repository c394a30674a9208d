//! The parent's side as its owner sees it.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use polling::Poller;
use pool::frame::MAX_PAYLOAD;
use pool::{Event, FunctionId, PoolConfig, Shutdown, Submission, TaskId, WorkerId};

use crate::core::Core;
use crate::descriptor::off_standard;
use crate::driver::{self, Shared};
use crate::mark::Marks;
use crate::outbox::Outbox;
use crate::spawn::CommandLine;
use crate::{Launch, Notice, PayloadTooLong, StartError};

/// A pool of worker processes with the thread that looks after them.
///
/// Dropping it kills what still runs.
pub struct Supervisor {
	shared: Arc<Shared>,
	thread: Option<JoinHandle<()>>,
	max_payload: u32,
}

/// What a worker is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSnapshot {
	/// The worker.
	pub worker: WorkerId,
	/// Its dense number, below the maximum of workers.
	pub index: u32,
	/// Its process; `None` while it is being spawned.
	pub pid: Option<u32>,
	/// Where it is in its life, in the words of the pool: `starting`, `idle`, `busy`, `exiting`.
	pub state: &'static str,
	/// The time since its process was started.
	pub age: Option<Duration>,
	/// The task that it has started and not finished.
	pub running: Option<TaskId>,
	/// For how long that task was the next one of this worker, or ran.
	pub running_for: Option<Duration>,
	/// How many tasks it has finished.
	pub finished: u64,
}

impl Supervisor {
	/// Starts the thread. Workers are started when the pool wants them.
	///
	/// `wake` is called, on any thread and without a lock held, when there are notices again after there were none;
	/// then not again before they were taken. It must not wait for whoever drops the supervisor.
	///
	/// # Errors
	///
	/// [`StartError`] where the system refuses a poller or a thread, or the launch cannot be written down.
	pub fn start(
		pool: PoolConfig,
		launch: Launch,
		wake: impl Fn() + Send + Sync + 'static,
	) -> Result<Self, StartError> {
		let (death_watch, max_payload, text_use) = (launch.death_watch, launch.max_payload, launch.text_use);
		let marks = launch.kills_descendants.then(Marks::default);
		let command = CommandLine::new(launch)?;
		let poller = Arc::new(off_standard(Poller::new).map_err(StartError::Poller)?);
		let core = Core::new(
			pool,
			death_watch,
			marks,
			max_payload,
			text_use,
			Arc::clone(&poller),
		);
		let shared = Arc::new(Shared::new(core, poller, Outbox::new(wake)));
		let of_thread = Arc::clone(&shared);
		let thread = thread::Builder::new()
			.name("loky supervisor".into())
			.spawn(move || driver::run(&of_thread, &command))
			.map_err(StartError::Thread)?;
		Ok(Self {
			shared,
			thread: Some(thread),
			max_payload: max_payload.min(MAX_PAYLOAD),
		})
	}

	/// Makes a function known that later submissions name, by a number that was not used before.
	///
	/// # Errors
	///
	/// [`PayloadTooLong`] where no frame may carry it. Nothing has changed then.
	pub fn register_function(&self, function: FunctionId, payload: Bytes) -> Result<(), PayloadTooLong> {
		let length = payload.len();
		if u32::try_from(length).map_or(true, |length| length > self.max_payload) {
			return Err(PayloadTooLong {
				length,
				limit: self.max_payload,
			});
		}
		self.shared
			.drive(|core| core.turn([Event::FunctionRegistered { function, payload }]));
		Ok(())
	}

	/// Lets go of a function: when the tasks that call it are settled, its payload is freed here and every worker that has
	/// the function forgets it. No later submission may name it. Says nothing to a function that is unknown.
	pub fn release_function(&self, function: FunctionId) {
		self.shared
			.drive(|core| core.turn([Event::FunctionReleased(function)]));
	}

	/// Starts one worker if there is none, for a task that is about to be submitted: while it is prepared, the process
	/// starts. Without a task, the worker is idle until its timeout.
	pub fn expect_work(&self) {
		self.shared.drive(|core| core.turn([Event::WorkExpected]));
	}

	/// Submits tasks, in order. Frames for idle workers are written before this returns.
	///
	/// Each is settled by a notice, also where the pool takes no tasks any more.
	pub fn submit(&self, submissions: impl IntoIterator<Item = Submission>) {
		// Not under the lock: what an iterator does is up to the caller.
		let mut submissions: Vec<Submission> = submissions.into_iter().collect();
		self.shared.drive(|core| core.submit(submissions.drain(..)));
		// Those that are left met a supervisor that is over.
		self.shared
			.outbox
			.refuse(submissions.iter().map(|submission| submission.task));
	}

	/// Cancels tasks that have not started. `true`: it is settled as cancelled. `false`: it runs or was settled before.
	#[expect(clippy::must_use_candidate, reason = "the settlement tells it, too")]
	pub fn cancel(&self, tasks: &[TaskId]) -> Vec<bool> {
		self.shared
			.drive(|core| core.cancel(tasks))
			.unwrap_or_else(|| vec![false; tasks.len()])
	}

	/// [`Self::cancel`] for one task.
	#[expect(clippy::must_use_candidate, reason = "the settlement tells it, too")]
	pub fn cancel_one(&self, task: TaskId) -> bool {
		self.shared
			.drive(|core| core.cancel(&[task]))
			.is_some_and(|answers| answers == [true])
	}

	/// Ends tasks: what has not started is settled as cancelled before this returns, what runs as aborted when its worker is
	/// dead. A task that has finished meanwhile is settled by its result.
	pub fn abort(&self, tasks: impl IntoIterator<Item = TaskId>) {
		let tasks: Vec<TaskId> = tasks.into_iter().collect();
		self.shared
			.drive(|core| core.turn(tasks.into_iter().map(Event::AbortRequested)));
	}

	/// Whether a worker has started the task and not finished it.
	#[must_use]
	pub fn is_running(&self, task: TaskId) -> bool {
		self.shared
			.drive(|core| core.pool.is_running(task, &core.ledger))
			.unwrap_or(false)
	}

	/// Closes the pool. May come again, to escalate. [`Notice::Closed`] tells that it is done.
	pub fn shutdown(&self, how: Shutdown) {
		self.shared
			.drive(|core| core.turn([Event::ShutdownRequested(how)]));
	}

	/// Closes the pool by killing the workers, and waits until they and what their tasks have started are gone: milliseconds, at
	/// most three seconds where the kernel cannot end a process. For a program that ends: it can tell nobody later.
	pub fn kill_and_wait(&self) {
		const LIMIT: Duration = Duration::from_secs(3);
		self.shutdown(Shutdown::Kill);
		self.shared.wait_until_done(LIMIT);
	}

	/// Moves the notices that have come to the end of `into`.
	pub fn take_notices(&self, into: &mut Vec<Notice>) {
		self.shared.outbox.take(into);
	}

	/// The text of one [`Notice::Output`] of so many bytes is written, or used: it waits no longer. Where this is not said, the
	/// workers stop when their pipes are full.
	pub fn text_taken(&self, length: usize) {
		if self.shared.outbox.text_taken(length) {
			self.shared.drained();
		}
	}

	/// Has all text of the workers in the notices that is there at this moment, also lines without an end.
	pub fn flush_output(&self) {
		let waiting = self.shared.outbox.waiting_text();
		self.shared.drive(|core| {
			core.expect_text(waiting);
			core.flush_text();
		});
	}

	/// The workers that live, in the order of their starts.
	#[must_use]
	pub fn workers(&self) -> Vec<WorkerSnapshot> {
		self.shared.drive(|core| core.snapshot()).unwrap_or_default()
	}

	/// How many tasks are submitted and not settled.
	#[must_use]
	pub fn outstanding(&self) -> usize {
		self.shared.drive(|core| core.pool.outstanding()).unwrap_or(0)
	}
}

/// Kills the workers with their descendants, and waits for their ends: milliseconds, at most three seconds where the kernel
/// cannot end a process. Does nothing to a pool that is closed.
impl Drop for Supervisor {
	fn drop(&mut self) {
		self.shared.abandon();
		let Some(thread) = self.thread.take() else { return };
		// `wake` runs on the thread, too, and may be where the last owner lets go.
		if thread.thread().id() != thread::current().id() {
			// Its panics are caught and told inside.
			let _ = thread.join();
		}
	}
}

#[cfg(test)]
mod tests {
	use std::sync::mpsc::channel;

	use pool::OnWorkerDeath;

	use super::*;

	fn start() -> (Supervisor, std::sync::mpsc::Receiver<()>) {
		let config = PoolConfig {
			max_workers: 1,
			max_tasks_per_worker: None,
			memory_limits: pool::MemoryLimits::default(),
			idle_timeout: None,
			start_timeout: Duration::from_secs(60),
			shutdown_grace: Duration::from_secs(60),
			on_worker_death: OnWorkerDeath::Isolate,
			max_failed_starts: 1,
			max_unstarted_deaths: 1,
			init: Bytes::new(),
		};
		let launch = Launch {
			program: "/bin/sleep".into(),
			arguments: vec!["1000".into()],
			environment: Vec::new(),
			death_watch: None,
			kills_descendants: true,
			max_payload: 1024,
			text_use: crate::TextUse::PassedOn,
		};
		let (awake, woken) = channel();
		let wake = move || {
			let _ = awake.send(());
		};
		(Supervisor::start(config, launch, wake).unwrap(), woken)
	}

	#[test]
	fn it_can_be_shared_between_threads() {
		fn is_shared<T: Send + Sync>() {}
		is_shared::<Supervisor>();
	}

	#[test]
	fn a_panic_in_a_turn_kills_the_workers_and_is_told() {
		let (supervisor, woken) = start();
		let (function, payload) = (FunctionId(0), Bytes::new());
		supervisor.submit([Submission {
			task: TaskId(1),
			function,
			payload,
			timeout: None,
			is_observed: false,
			priority: 0,
		}]);
		let pid = loop {
			if let Some(pid) = supervisor.workers().first().and_then(|worker| worker.pid) {
				break pid;
			}
			thread::yield_now();
		};
		assert_eq!(supervisor.shared.drive(|_| panic!("a defect")), None::<()>);
		woken.recv_timeout(Duration::from_secs(10)).unwrap();
		let mut notices = Vec::new();
		supervisor.take_notices(&mut notices);
		assert!(matches!(&notices[..], [Notice::Failed(words)] if words == "panicked: a defect"));
		assert_eq!(supervisor.outstanding(), 0);
		drop(supervisor);
		let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
		assert_eq!(
			rustix::process::test_kill_process(pid),
			Err(rustix::io::Errno::SRCH)
		);
	}
}
