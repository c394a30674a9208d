//! Many tasks, many deaths, and an oracle outside the pool: what ran is written down by the workers themselves.
//! The long parts are for `npm run soak`; each prints one line of figures.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::HashSet;
use std::hint::black_box;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pool::{PoolConfig, Shutdown, TaskId};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use supervisor::{DeathWatch, Notice, Settlement, Supervisor};
use support::runs::{self, Run, Runs};
use support::{LIMIT, children_of, config, launch, poll_until, submission};

/// One run.
struct Soak {
	name: &'static str,
	watch: DeathWatch,
	workers: u32,
	tasks: u64,
	/// What to do, by the number of the task.
	task: fn(u64) -> String,
	/// Between two kills of one worker each. `None`: the tasks do it.
	kill_every: Option<Duration>,
	/// Each so-many-th task is cancelled at once.
	cancel_every: u64,
	/// By how much memory may grow, in KiB. Where thousands of notices may wait at once, the largest heap of them counts.
	growth: u64,
}

/// What became of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
	Unsettled,
	Returned,
	Died { worker: u32, pid: u32 },
	Cancelled,
}

/// What the parent has of the system.
#[derive(Debug, PartialEq, Eq)]
struct Holdings {
	descriptors: usize,
	shared_mappings: usize,
	children: Vec<u32>,
}

impl Holdings {
	fn now() -> Self {
		let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
		Self {
			descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
			shared_mappings: maps.lines().filter(|line| line.contains("memfd:")).count(),
			children: children_of(std::process::id()),
		}
	}
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
	let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
	pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4
}

impl Soak {
	/// So many tasks wait or run at most.
	const AHEAD: u64 = 5000;

	fn run(&self) {
		// One after the other: they count what the process has.
		static TURN: Mutex<()> = Mutex::new(());
		let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
		let begin = Instant::now();
		let runs = Runs::create(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(self.name));
		let before = Holdings::now();
		let mut launch = launch(self.watch);
		launch
			.environment
			.push((runs::VARIABLE.into(), runs.path().into()));
		let config = PoolConfig {
			max_workers: self.workers,
			max_unstarted_deaths: u32::MAX,
			max_failed_starts: u32::MAX,
			..config()
		};
		let (awake, woken) = channel();
		let wake = move || {
			let _ = awake.send(());
		};
		let supervisor = Supervisor::start(config, launch, wake).unwrap();
		let is_done = AtomicBool::new(false);
		let kills = AtomicU64::new(0);
		let oracle = thread::scope(|scope| {
			if let Some(pause) = self.kill_every {
				let (supervisor, is_done, kills) = (&supervisor, &is_done, &kills);
				scope.spawn(move || {
					let mut number = 0;
					while !is_done.load(Ordering::SeqCst) {
						thread::sleep(pause);
						kills.fetch_add(u64::from(kill_one(supervisor, &mut number)), Ordering::SeqCst);
					}
				});
			}
			let oracle = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
				Oracle::watch(self, &supervisor, &woken)
			}));
			is_done.store(true, Ordering::SeqCst);
			oracle.unwrap()
		});
		drop(supervisor);
		// Threads that wait for deaths end a moment after the deaths, and hold the poller until then.
		poll_until("the threads' ends", || (Holdings::now() == before).then_some(()));

		let figures = oracle.judge(&runs.read(usize::try_from(self.tasks).unwrap()));
		let kills = kills.into_inner();
		println!(
			"{}: {} tasks on {} workers in {:.0} s, {kills} kills; {figures}; memory {} KiB after a tenth, {} KiB at the end; 0 lost, 0 run twice, 0 left behind",
			self.name,
			self.tasks,
			self.workers,
			begin.elapsed().as_secs_f64(),
			oracle.early_memory,
			oracle.late_memory,
		);
		if self.kill_every.is_some() {
			assert!(
				oracle.died() <= kills,
				"{} tasks died of {kills} kills",
				oracle.died()
			);
		}
		assert!(
			oracle.late_memory <= oracle.early_memory + self.growth,
			"memory grew from {} to {} KiB",
			oracle.early_memory,
			oracle.late_memory
		);
	}
}

/// Kills a worker, whatever it does. By descriptor: its number may be a stranger's by then.
fn kill_one(supervisor: &Supervisor, number: &mut usize) -> bool {
	let pids = || {
		supervisor
			.workers()
			.into_iter()
			.filter_map(|worker| worker.pid)
			.collect::<Vec<_>>()
	};
	let open = |pid: u32| -> Option<OwnedFd> {
		pidfd_open(Pid::from_raw(pid.cast_signed())?, PidfdFlags::empty()).ok()
	};
	let living = pids();
	*number += 1;
	let Some(&victim) = living.get(*number * 7 % living.len().max(1)) else {
		return false;
	};
	// Still a worker, so it was one when it was opened.
	open(victim).is_some_and(|descriptor| {
		pids().contains(&victim) && pidfd_send_signal(&descriptor, Signal::KILL).is_ok()
	})
}

/// Knows of every task what became of it.
struct Oracle {
	fates: Vec<Fate>,
	deaths: u64,
	settled: u64,
	early_memory: u64,
	late_memory: u64,
}

impl Oracle {
	/// Submits the tasks and listens until the pool is closed.
	fn watch(soak: &Soak, supervisor: &Supervisor, woken: &Receiver<()>) -> Self {
		let mut this = Self {
			// Written, so that it is resident from the beginning.
			fates: (0..soak.tasks).map(|_| black_box(Fate::Unsettled)).collect(),
			deaths: 0,
			settled: 0,
			early_memory: 0,
			late_memory: 0,
		};
		let (mut submitted, mut is_closing, mut is_closed) = (0, false, false);
		let mut notices = Vec::new();
		while !is_closed {
			if submitted < soak.tasks && submitted - this.settled <= Soak::AHEAD / 2 {
				let until = soak.tasks.min(this.settled + Soak::AHEAD);
				supervisor.submit((submitted..until).map(|task| submission(task, (soak.task)(task))));
				for task in
					(submitted..until).filter(|task| task % soak.cancel_every == soak.cancel_every - 1)
				{
					supervisor.cancel_one(TaskId(task));
				}
				submitted = until;
			}
			if this.settled == soak.tasks && !is_closing {
				this.late_memory = resident();
				supervisor.shutdown(Shutdown::Drain);
				is_closing = true;
			}
			if this.early_memory == 0 && this.settled >= soak.tasks / 10 {
				this.early_memory = resident();
			}
			assert!(
				woken.recv_timeout(LIMIT).is_ok(),
				"nothing happens any more: {:?}",
				supervisor.workers()
			);
			supervisor.take_notices(&mut notices);
			for notice in notices.drain(..) {
				match notice {
					Notice::Settled(task, settlement) => this.settle(task, settlement),
					Notice::WorkerExited(_) => this.deaths += 1,
					Notice::WorkerStarted { .. } => {}
					Notice::Closed => is_closed = true,
					other => panic!("{other:?}"),
				}
			}
		}
		this
	}

	fn settle(&mut self, task: TaskId, settlement: Settlement) {
		let fate = match settlement {
			Settlement::Returned(value) => {
				assert_eq!(value, task.0.to_string().as_bytes(), "the result of another task");
				Fate::Returned
			}
			Settlement::WorkerTerminated(death) => Fate::Died {
				worker: death.worker.0,
				pid: death.pid.unwrap(),
			},
			Settlement::Cancelled => Fate::Cancelled,
			other => panic!("{task:?}: {other:?}"),
		};
		let known = &mut self.fates[usize::try_from(task.0).unwrap()];
		assert_eq!(
			*known,
			Fate::Unsettled,
			"{task:?} was settled twice: {known:?}, then {fate:?}"
		);
		*known = fate;
		self.settled += 1;
	}

	fn died(&self) -> u64 {
		self.fates
			.iter()
			.filter(|fate| matches!(fate, Fate::Died { .. }))
			.count() as u64
	}

	/// Compares what was told with what ran.
	fn judge(&self, runs: &[Run]) -> String {
		let mut charged = HashSet::new();
		let (mut returned, mut died, mut cut_short, mut cancelled) = (0, 0, 0, 0);
		for (task, (fate, run)) in self.fates.iter().zip(runs).enumerate() {
			let is_true = match *fate {
				Fate::Unsettled => false,
				Fate::Returned => run.begun == 1 && run.ended == 1,
				// A worker may die after it has claimed a task and before it has written that down, too.
				Fate::Died { pid, .. } => run.begun == 0 || (run.begun == 1 && run.pid == pid),
				Fate::Cancelled => run.begun == 0,
			};
			assert!(is_true, "task {task}: told {fate:?}, but it was {run:?}");
			match *fate {
				Fate::Unsettled => {}
				Fate::Returned => returned += 1,
				Fate::Died { worker, .. } => {
					assert!(
						charged.insert(worker),
						"the death of worker {worker} cost two tasks"
					);
					died += 1;
					cut_short += u64::from(run.begun == 1 && run.ended == 0);
				}
				Fate::Cancelled => cancelled += 1,
			}
		}
		assert!(died <= self.deaths);
		format!(
			"{returned} returned, {died} died ({cut_short} of them in the middle), {cancelled} cancelled, {} deaths",
			self.deaths
		)
	}
}

/// Up to 2 ms long, 1 ms on average, in a disorder that is the same each time.
fn short(task: u64) -> String {
	format!("recorded {task} {}", task.wrapping_mul(2_654_435_761) % 2000)
}

fn deadly(task: u64) -> String {
	format!("recorded-exit {task}")
}

#[test]
fn a_hundred_thousand_tasks_settle_once_while_a_worker_is_killed_every_20_ms() {
	Soak {
		name: "stubs",
		watch: DeathWatch::Descriptor,
		workers: 8,
		tasks: 100_000,
		task: short,
		kill_every: Some(Duration::from_millis(20)),
		cancel_every: 100,
		growth: 16 * 1024,
	}
	.run();
}

#[test]
#[ignore = "minutes; for npm run soak"]
fn million() {
	Soak {
		name: "million",
		watch: DeathWatch::Descriptor,
		workers: 8,
		tasks: 1_000_000,
		task: short,
		kill_every: Some(Duration::from_millis(50)),
		cancel_every: 100,
		growth: 16 * 1024,
	}
	.run();
}

/// Memory is compared with that after a thousand deaths.
#[test]
#[ignore = "a minute; for npm run soak"]
fn deaths() {
	for watch in support::WATCHES {
		Soak {
			name: "deaths",
			watch,
			workers: 4,
			tasks: 10_000,
			task: deadly,
			kill_every: None,
			cancel_every: u64::MAX,
			growth: 2 * 1024,
		}
		.run();
	}
}

/// In a namespace with few numbers where that is allowed, so that each is given again and again.
#[test]
#[ignore = "minutes; for npm run soak"]
fn pids() {
	const NUMBERS: u32 = 500;
	const INSIDE: &str = "SOAK_INSIDE";
	if std::env::var_os(INSIDE).is_none() {
		let script = format!(
			"echo {NUMBERS} > /proc/sys/kernel/pid_max && {INSIDE}=1 \"$0\" --ignored --exact --nocapture pids"
		);
		let mut confined = Command::new("unshare");
		confined.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"]);
		let can = confined.arg("echo 500 > /proc/sys/kernel/pid_max").output();
		// Before Linux 6.14 the limit is that of the whole machine, and root in a container may not change it.
		let is_own =
			std::fs::read_to_string("/proc/sys/kernel/pid_max").is_ok_and(|limit| limit.trim() != "500");
		if can.is_ok_and(|output| output.status.success()) && is_own {
			let mut confined = Command::new("unshare");
			confined.args([
				"--pid",
				"--fork",
				"--kill-child",
				"--mount-proc",
				"sh",
				"-c",
				&script,
			]);
			assert!(
				confined
					.arg(std::env::current_exe().unwrap())
					.status()
					.unwrap()
					.success()
			);
			return;
		}
	}
	let limit: u64 = std::fs::read_to_string("/proc/sys/kernel/pid_max")
		.unwrap()
		.trim()
		.parse()
		.unwrap();
	let mut bystanders = Command::new(support::MISBEHAVE)
		.arg("bystanders")
		.stdin(Stdio::piped())
		.stdout(Stdio::piped())
		.spawn()
		.unwrap();
	Soak {
		name: "pids",
		watch: DeathWatch::Descriptor,
		workers: 4,
		tasks: 100_000,
		task: deadly,
		kill_every: None,
		cancel_every: u64::MAX,
		growth: 2 * 1024,
	}
	.run();
	drop(bystanders.stdin.take());
	let output = bystanders.wait_with_output().unwrap();
	assert!(output.status.success());
	let survived = String::from_utf8(output.stdout).unwrap();
	println!(
		"pids: the numbers end at {limit}; {} bystanders between the workers, all unharmed",
		survived.trim()
	);
}
