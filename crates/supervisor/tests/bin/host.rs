//! A parent to be killed: starts workers, gives each a task, prints their pids, waits.

use std::io::Write;
use std::sync::mpsc::channel;
use std::time::Duration;

use bytes::Bytes;
use pool::{FunctionId, OnWorkerDeath, PoolConfig, Submission, TaskId};
use supervisor::{Launch, Notice, Supervisor};

/// `misbehave host COUNT TASK`; or `misbehave host init`: exits with 0 when nothing is left to be reaped of a worker that has
/// left a process behind; or `misbehave host closed FILE`: without standard descriptors, writes what its worker has
/// to the file.
pub fn run() {
	let arguments: Vec<String> = std::env::args().collect();
	if arguments[2] == "closed" {
		for descriptor in 0..3 {
			// SAFETY: nothing of this process uses them after this.
			unsafe { libc::close(descriptor) };
		}
		serve(1, "descriptors", |line| {
			if let Some(value) = line.strip_prefix("returned ") {
				std::fs::write(&arguments[3], value).unwrap();
				std::process::exit(0);
			}
		});
	}
	if arguments[2] == "init" {
		serve(1, "fork-and-exit", |line| {
			if line == "died" {
				std::process::exit(i32::from(!is_childless()));
			}
		});
	}
	let mut output = std::io::stdout().lock();
	serve(arguments[2].parse().unwrap(), &arguments[3], |line| {
		writeln!(output, "{line}").unwrap();
		output.flush().unwrap();
	});
}

fn serve(count: u32, task: &str, mut say: impl FnMut(&str)) {
	let config = PoolConfig {
		max_workers: count,
		max_tasks_per_worker: None,
		memory_limits: pool::MemoryLimits::default(),
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
		kills_descendants: true,
		max_payload: 1024 * 1024,
		text_use: supervisor::TextUse::PassedOn,
	};
	let (awake, woken) = channel();
	let supervisor = Supervisor::start(config, launch, move || {
		let _ = awake.send(());
	})
	.unwrap();
	supervisor.submit((1..=u64::from(count)).map(|id| Submission {
		task: TaskId(id),
		function: FunctionId(0),
		payload: Bytes::from(task.to_owned()),
		timeout: None,
		is_observed: false,
		priority: 0,
	}));
	let mut notices = Vec::new();
	for () in woken {
		supervisor.take_notices(&mut notices);
		for notice in notices.drain(..) {
			match notice {
				Notice::WorkerStarted { pid, .. } => say(&format!("worker {pid}")),
				Notice::Settled(_, supervisor::Settlement::Returned(value)) => {
					say(&format!("returned {}", String::from_utf8_lossy(&value)));
				}
				Notice::Settled(_, supervisor::Settlement::WorkerTerminated(_)) => say("died"),
				_ => {}
			}
		}
	}
}

/// Whether there is soon no child at all, dead or alive.
fn is_childless() -> bool {
	(0..1000).any(|_| {
		std::thread::sleep(Duration::from_millis(5));
		let mut information = std::mem::MaybeUninit::uninit();
		let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
		// SAFETY: the pointer is to writable memory of the right type.
		let result = unsafe { libc::waitid(libc::P_ALL, 0, information.as_mut_ptr(), options) };
		result != 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ECHILD)
	})
}
