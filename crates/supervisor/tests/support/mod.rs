//! A supervisor of misbehaving workers, and waiting for what it says. Nothing here waits for a guessed time.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod runs;

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pool::{FunctionId, OnWorkerDeath, PoolConfig, Submission, TaskId};
use supervisor::{DeathWatch, Launch, Notice, Settlement, Supervisor, WorkerDeath};

/// Nothing takes that long on any machine, unless it hangs.
pub const LIMIT: Duration = Duration::from_secs(10);
/// Both ways to notice a death.
pub const WATCHES: [DeathWatch; 2] = [DeathWatch::Descriptor, DeathWatch::Thread];
/// The program.
pub const MISBEHAVE: &str = env!("CARGO_BIN_EXE_misbehave");

/// Two workers, every deadline far away.
pub fn config() -> PoolConfig {
	PoolConfig {
		max_workers: 2,
		max_tasks_per_worker: None,
		memory_limits: pool::MemoryLimits::default(),
		idle_timeout: None,
		start_timeout: Duration::from_secs(60),
		shutdown_grace: Duration::from_secs(60),
		on_worker_death: OnWorkerDeath::Isolate,
		max_failed_starts: 3,
		max_unstarted_deaths: 2,
		init: Bytes::new(),
	}
}

/// One worker at a time.
pub fn one_worker() -> PoolConfig {
	PoolConfig {
		max_workers: 1,
		..config()
	}
}

/// Workers of the test program.
pub fn launch(watch: DeathWatch) -> Launch {
	Launch {
		program: MISBEHAVE.into(),
		arguments: Vec::new(),
		environment: vec![("FROM_LAUNCH".into(), "yes".into())],
		death_watch: Some(watch),
		kills_descendants: true,
		max_payload: 256 * 1024 * 1024,
		text_use: supervisor::TextUse::PassedOn,
	}
}

pub fn submission(task: u64, text: impl Into<Bytes>) -> Submission {
	Submission {
		task: TaskId(task),
		function: FunctionId(0),
		payload: text.into(),
		timeout: None,
		is_observed: false,
		priority: 0,
	}
}

/// A supervisor with everything that it has said.
pub struct Harness {
	pub supervisor: Supervisor,
	woken: Receiver<()>,
	/// All notices so far, in order.
	pub heard: Vec<Notice>,
	settlements: HashMap<TaskId, Settlement>,
	next_task: u64,
}

impl Harness {
	pub fn start(config: PoolConfig, watch: DeathWatch) -> Self {
		Self::launch(config, launch(watch))
	}

	pub fn launch(config: PoolConfig, launch: Launch) -> Self {
		let (awake, woken) = channel();
		let wake = move || {
			let _ = awake.send(());
		};
		let supervisor = Supervisor::start(config, launch, wake).unwrap();
		Self {
			supervisor,
			woken,
			heard: Vec::new(),
			settlements: HashMap::new(),
			next_task: 1,
		}
	}

	pub fn submit(&mut self, text: impl Into<Bytes>) -> TaskId {
		self.submit_with(text, None)
	}

	pub fn submit_with(&mut self, text: impl Into<Bytes>, timeout: Option<Duration>) -> TaskId {
		let task = TaskId(self.next_task);
		self.next_task += 1;
		let submission = Submission {
			task,
			function: FunctionId(0),
			payload: text.into(),
			timeout,
			is_observed: false,
			priority: 0,
		};
		self.supervisor.submit([submission]);
		task
	}

	pub fn submit_all(&mut self, count: u64, text: &'static str) -> Vec<TaskId> {
		let tasks: Vec<TaskId> = (self.next_task..self.next_task + count).map(TaskId).collect();
		self.next_task += count;
		self.supervisor
			.submit(tasks.iter().map(|task| submission(task.0, text)));
		tasks
	}

	/// Takes what was said, and checks that no task is settled twice.
	pub fn listen(&mut self) {
		let mut notices = Vec::new();
		self.supervisor.take_notices(&mut notices);
		for notice in notices {
			if let Notice::Output { bytes, .. } = &notice {
				self.supervisor.text_taken(bytes.len());
			}
			if let Notice::Settled(task, settlement) = &notice {
				let earlier = self.settlements.insert(*task, settlement.clone());
				assert!(
					earlier.is_none(),
					"{task:?} was settled twice: {earlier:?}, then {settlement:?}"
				);
			}
			self.heard.push(notice);
		}
	}

	/// Frees what was said so far, which holds the memory that it arrived in.
	pub fn clear(&mut self) {
		self.heard.clear();
		self.settlements.clear();
	}

	/// Waits until what was said so far answers the question.
	pub fn wait_for<T>(&mut self, what: &str, mut answer: impl FnMut(&Self) -> Option<T>) -> T {
		let deadline = Instant::now() + LIMIT;
		loop {
			self.listen();
			if let Some(answer) = answer(self) {
				return answer;
			}
			let left = deadline.saturating_duration_since(Instant::now());
			match self.woken.recv_timeout(left) {
				Ok(()) => {}
				Err(RecvTimeoutError::Timeout) => panic!("waited for {what}; heard {:#?}", self.heard),
				Err(RecvTimeoutError::Disconnected) => panic!("the supervisor let go of its owner"),
			}
		}
	}

	pub fn settlement(&mut self, task: TaskId) -> Settlement {
		self.wait_for("a settlement", |this| this.settlements.get(&task).cloned())
	}

	/// The task's value, as text.
	pub fn value(&mut self, task: TaskId) -> String {
		match self.settlement(task) {
			Settlement::Returned(value) => String::from_utf8(value.to_vec()).unwrap(),
			other => panic!("no value: {other:?}"),
		}
	}

	/// Submits and waits.
	pub fn ask(&mut self, text: impl Into<Bytes>) -> String {
		let task = self.submit(text);
		self.value(task)
	}

	/// The death that ended the task.
	pub fn death(&mut self, task: TaskId) -> WorkerDeath {
		match self.settlement(task) {
			Settlement::WorkerTerminated(death)
			| Settlement::TimedOut(death)
			| Settlement::Aborted(death) => *death,
			other => panic!("no death: {other:?}"),
		}
	}

	/// Waits until the task runs. Returns its worker's process.
	pub fn running(&mut self, task: TaskId) -> u32 {
		poll_until("the task to run", || {
			let workers = self.supervisor.workers();
			workers
				.iter()
				.find(|worker| worker.running == Some(task))
				.and_then(|worker| worker.pid)
		})
	}

	/// Waits until a worker is ready.
	pub fn running_worker(&mut self) -> u32 {
		self.wait_for("a worker", |this| {
			this.heard.iter().find_map(|notice| match notice {
				Notice::WorkerStarted { pid, .. } => Some(*pid),
				_ => None,
			})
		})
	}

	pub fn exits(&self) -> Vec<&WorkerDeath> {
		let exits = self.heard.iter().filter_map(|notice| match notice {
			Notice::WorkerExited(death) => Some(&**death),
			_ => None,
		});
		exits.collect()
	}

	pub fn output(&self) -> Vec<u8> {
		let bytes = |notice: &Notice| match notice {
			Notice::Output { bytes, .. } => bytes.to_vec(),
			_ => Vec::new(),
		};
		self.heard.iter().flat_map(bytes).collect()
	}

	pub fn wait_until_closed(&mut self) {
		self.wait_for("the end", |this| {
			matches!(this.heard.last(), Some(Notice::Closed)).then_some(())
		});
	}
}

/// Says that something is over when it is dropped, also by a failed assertion: a scope waits for its threads.
pub struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
	fn drop(&mut self) {
		self.0.store(true, Ordering::SeqCst);
	}
}

/// For what nobody announces. Polls with a limit.
pub fn poll_until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
	let deadline = Instant::now() + LIMIT;
	loop {
		if let Some(answer) = answer() {
			return answer;
		}
		assert!(Instant::now() < deadline, "waited for {what}");
		std::thread::sleep(Duration::from_millis(1));
	}
}

/// Whether a process lives. Zombies do not.
pub fn is_alive(pid: u32) -> bool {
	!matches!(state_of(pid), Some('Z' | 'X') | None)
}

/// Whether the kernel still has an entry for it, be it a zombie.
pub fn is_known(pid: u32) -> bool {
	state_of(pid).is_some()
}

pub fn state_of(pid: u32) -> Option<char> {
	stat_of(pid).map(|(state, _)| state)
}

/// State and parent.
fn stat_of(pid: u32) -> Option<(char, u32)> {
	let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
	// The name before them may contain anything.
	let mut fields = stat.rsplit(')').next()?.split_whitespace();
	Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

pub fn children_of(parent: u32) -> Vec<u32> {
	let pids = std::fs::read_dir("/proc")
		.unwrap()
		.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
	pids.filter(|&pid| stat_of(pid).is_some_and(|(_, its_parent)| its_parent == parent))
		.collect()
}

/// The living processes that have a word in their command line.
pub fn processes_with(word: &str) -> Vec<u32> {
	let pids = std::fs::read_dir("/proc")
		.unwrap()
		.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
	let has_it = |pid: &u32| {
		let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
		arguments
			.split(|&byte| byte == 0)
			.any(|argument| argument == word.as_bytes())
	};
	pids.filter(|pid| has_it(pid) && is_alive(*pid)).collect()
}

/// Children of this process that are zombies.
pub fn zombies() -> usize {
	children_of(std::process::id())
		.into_iter()
		.filter(|&pid| state_of(pid) == Some('Z'))
		.count()
}

pub fn kill(pid: u32, signal: i32) {
	let pid = i32::try_from(pid).unwrap();
	// SAFETY: a child of this test, or one of its children.
	assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

#[track_caller]
pub fn assert_within<T: PartialOrd + Debug + Copy>(value: T, limit: T) {
	assert!(value <= limit, "{value:?} is more than {limit:?}");
}
