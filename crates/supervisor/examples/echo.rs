//! The hot path without JavaScript: how many empty tasks a second, and how long one takes there and back.
//!
//! ```text
//! cargo run --release -p supervisor --example echo -- [workers] [tasks] [batch]
//! ```
#![expect(
	clippy::unwrap_used,
	reason = "a measurement that cannot be made has nothing else to say"
)]

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pool::{FunctionId, OnWorkerDeath, PoolConfig, Submission, TaskId};
use supervisor::{Launch, Notice, Settlement, Supervisor};

/// Set by the supervisor, waited for by us.
#[derive(Default)]
struct Bell {
	has_rung: Mutex<bool>,
	rings: Condvar,
}

impl Bell {
	fn wait(&self) {
		let mut has_rung = self.has_rung.lock().unwrap();
		while !*has_rung {
			has_rung = self.rings.wait(has_rung).unwrap();
		}
		*has_rung = false;
	}

	fn ring(&self) {
		*self.has_rung.lock().unwrap() = true;
		self.rings.notify_one();
	}
}

fn main() {
	let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap());
	let workers = u32::try_from(arguments.next().unwrap_or(2)).unwrap();
	let tasks = arguments.next().unwrap_or(200_000);
	let batch = arguments.next().unwrap_or(1000);
	let bell = Arc::new(Bell::default());
	let of_wake = Arc::clone(&bell);
	let supervisor = Supervisor::start(config(workers), launch(), move || of_wake.ring()).unwrap();
	let mut run = Run {
		supervisor,
		bell,
		next: 1,
		settled: 0,
		notices: Vec::new(),
	};

	// Until every worker is there.
	run.submit(10_000);
	run.wait_until(10_000);

	let begin = Instant::now();
	let (from, to) = (run.settled, run.settled + tasks);
	while run.settled < to {
		// A few batches ahead, as a program that awaits its results in groups would be.
		while run.next - 1 < to && run.next - 1 - run.settled < 4 * batch {
			run.submit(batch.min(to + 1 - run.next));
		}
		run.wait_until((run.settled + 1).min(to));
	}
	let rate = u128::from(to - from) * 1_000_000_000 / begin.elapsed().as_nanos();
	println!("{tasks} tasks, {workers} workers, batches of {batch}: {rate} a second");

	let mut times: Vec<Duration> = (0..20_000)
		.map(|_| {
			let begin = Instant::now();
			run.submit(1);
			run.wait_until(run.next - 1);
			begin.elapsed()
		})
		.collect();
	times.sort_unstable();
	let at = |share: usize| times[times.len() * share / 1000];
	println!(
		"one at a time: p50 {:?}, p90 {:?}, p99 {:?}",
		at(500),
		at(900),
		at(990)
	);
}

struct Run {
	supervisor: Supervisor,
	bell: Arc<Bell>,
	next: u64,
	settled: u64,
	notices: Vec<Notice>,
}

impl Run {
	fn submit(&mut self, count: u64) {
		let first = self.next;
		self.next += count;
		self.supervisor.submit((first..self.next).map(|id| Submission {
			task: TaskId(id),
			function: FunctionId(0),
			payload: Bytes::new(),
			timeout: None,
			is_observed: false,
			priority: 0,
		}));
	}

	fn wait_until(&mut self, settled: u64) {
		while self.settled < settled {
			self.bell.wait();
			self.supervisor.take_notices(&mut self.notices);
			for notice in self.notices.drain(..) {
				match notice {
					Notice::Settled(_, Settlement::Returned(value)) if value.is_empty() => self.settled += 1,
					Notice::WorkerStarted { .. } => {}
					unexpected => panic!("{unexpected:?}"),
				}
			}
		}
	}
}

fn config(max_workers: u32) -> PoolConfig {
	PoolConfig {
		max_workers,
		max_tasks_per_worker: None,
		memory_limits: pool::MemoryLimits::default(),
		idle_timeout: Some(Duration::from_secs(60)),
		start_timeout: Duration::from_secs(10),
		shutdown_grace: Duration::from_secs(1),
		on_worker_death: OnWorkerDeath::Isolate,
		max_failed_starts: 3,
		max_unstarted_deaths: 2,
		init: Bytes::new(),
	}
}

fn launch() -> Launch {
	// Beside `examples/`, where cargo puts the binaries of the same profile.
	let mut program: PathBuf = std::env::current_exe().unwrap();
	program.pop();
	program.pop();
	program.push("misbehave");
	Launch {
		program,
		arguments: Vec::new(),
		environment: Vec::new(),
		death_watch: None,
		kills_descendants: true,
		max_payload: 1024 * 1024,
		text_use: supervisor::TextUse::PassedOn,
	}
}
