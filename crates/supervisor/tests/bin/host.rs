//! A parent to be killed: starts workers, gives each a task, prints their pids, waits.

use std::io::Write;
use std::sync::mpsc::channel;
use std::time::Duration;

use bytes::Bytes;
use pool::{FunctionId, OnWorkerDeath, PoolConfig, Submission, TaskId};
use supervisor::{Launch, Notice, Supervisor};

/// `misbehave host COUNT TASK`
pub fn run() {
	let arguments: Vec<String> = std::env::args().collect();
	let count: u32 = arguments[2].parse().unwrap();
	let task = &arguments[3];
	let config = PoolConfig {
		max_workers: count,
		idle_timeout: None,
		start_timeout: Duration::from_secs(60),
		shutdown_grace: Duration::from_secs(60),
		on_worker_death: OnWorkerDeath::Isolate,
		max_failed_starts: 3,
		max_unstarted_deaths: 2,
		init: Bytes::new(),
	};
	let launch = Launch {
		program: std::env::current_exe().unwrap(),
		arguments: Vec::new(),
		environment: Vec::new(),
		death_watch: None,
		max_payload: 1024 * 1024,
	};
	let (awake, woken) = channel();
	let supervisor = Supervisor::start(config, launch, move || {
		let _ = awake.send(());
	}).unwrap();
	supervisor.submit((1..=u64::from(count)).map(|id| Submission {
		task: TaskId(id),
		function: FunctionId(0),
		payload: Bytes::from(task.clone()),
		timeout: None,
	}));
	let mut notices = Vec::new();
	let mut output = std::io::stdout().lock();
	for () in woken {
		supervisor.take_notices(&mut notices);
		for notice in notices.drain(..) {
			match notice {
				Notice::WorkerStarted { pid, .. } => writeln!(output, "worker {pid}").unwrap(),
				Notice::Settled(_, supervisor::Settlement::Returned(value)) => {
					writeln!(output, "returned {}", String::from_utf8_lossy(&value)).unwrap();
				}
				_ => {}
			}
		}
		output.flush().unwrap();
	}
}
