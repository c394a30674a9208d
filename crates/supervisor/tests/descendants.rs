//! What becomes of processes that tasks have started when their worker ends, in whatever way: none is left, and nobody else
//! is touched.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pool::{PoolConfig, Shutdown};
use support::{
	Harness, MISBEHAVE, WATCHES, assert_within, children_of, config, is_alive, kill, launch, one_worker,
	poll_until, processes_with,
};

/// In the worker's group; of a session of its own; a daemon without environment and descriptors. All ignore SIGTERM.
const KINDS: &str = "grouped,detached,daemon";
/// How many processes that makes.
const COUNT: usize = 3;
/// How long they may outlive their worker.
const LIMIT: Duration = Duration::from_secs(1);

/// A word that no other process has in its command line.
fn token() -> String {
	static NUMBER: AtomicU32 = AtomicU32::new(0);
	format!(
		"token-{}-{}",
		std::process::id(),
		NUMBER.fetch_add(1, Ordering::Relaxed)
	)
}

fn await_count(token: &str, count: usize) {
	// The daemon's first process ends.
	poll_until("the processes", || {
		(processes_with(token).len() == count).then_some(())
	});
}

fn assert_gone_soon(token: &str) {
	let begin = Instant::now();
	poll_until("the ends of the processes", || {
		processes_with(token).is_empty().then_some(())
	});
	assert_within(begin.elapsed(), LIMIT);
}

/// A process that no task has started, in a group of its own.
struct Bystander(Child);

impl Bystander {
	fn start() -> Self {
		Self(
			Command::new("/bin/sleep")
				.arg("60")
				.process_group(0)
				.spawn()
				.unwrap(),
		)
	}

	fn assert_unharmed(mut self) {
		assert!(is_alive(self.0.id()));
		self.0.kill().unwrap();
		self.0.wait().unwrap();
	}
}

/// Starts processes of all kinds in a worker that then ends in some way.
fn assert_none_survives(config: &PoolConfig, end: impl Fn(&mut Harness, u32)) {
	for watch in WATCHES {
		let (mine, others, bystander) = (token(), token(), Bystander::start());
		let mut other = Harness::start(one_worker(), watch);
		assert_eq!(other.ask(format!("start {KINDS} {others}")), "started");
		let mut harness = Harness::start(config.clone(), watch);
		assert_eq!(harness.ask(format!("start {KINDS} {mine}")), "started");
		let pid = harness.running_worker();
		await_count(&mine, COUNT);
		await_count(&others, COUNT);
		end(&mut harness, pid);
		assert_gone_soon(&mine);
		assert_eq!(processes_with(&others).len(), COUNT, "of another worker");
		bystander.assert_unharmed();
		drop(other);
		assert_eq!(processes_with(&others), [], "after the drop");
	}
}

#[test]
fn none_survives_a_worker_that_is_killed() {
	assert_none_survives(&one_worker(), |_, pid| kill(pid, libc::SIGKILL));
}

#[test]
fn none_survives_a_worker_that_crashes() {
	assert_none_survives(&one_worker(), |harness, _| {
		let task = harness.submit("raise 11");
		harness.death(task);
	});
}

#[test]
fn none_survives_a_worker_that_exits() {
	assert_none_survives(&one_worker(), |harness, _| {
		let task = harness.submit("exit 0");
		harness.death(task);
	});
}

#[test]
fn none_survives_a_worker_that_kills_its_group() {
	assert_none_survives(&one_worker(), |harness, _| {
		let task = harness.submit("kill-own-group");
		harness.death(task);
	});
}

#[test]
fn none_survives_a_worker_that_is_killed_for_a_timeout() {
	assert_none_survives(&one_worker(), |harness, _| {
		let task = harness.submit_with("spin", Some(Duration::from_millis(20)));
		harness.death(task);
	});
}

#[test]
fn none_survives_a_worker_that_is_killed_for_an_abort() {
	assert_none_survives(&one_worker(), |harness, _| {
		let task = harness.submit("spin");
		harness.running(task);
		harness.supervisor.abort([task]);
		harness.death(task);
	});
}

#[test]
fn none_survives_a_worker_that_is_idle_for_too_long() {
	let config = PoolConfig {
		idle_timeout: Some(Duration::from_millis(100)),
		..one_worker()
	};
	assert_none_survives(&config, |harness, pid| {
		harness.wait_for("the worker to leave", |this| {
			this.exits()
				.iter()
				.any(|death| death.pid == Some(pid))
				.then_some(())
		});
	});
}

#[test]
fn a_pool_is_closed_when_none_is_left() {
	for how in [Shutdown::Drain, Shutdown::Kill] {
		for watch in WATCHES {
			let token = token();
			let mut harness = Harness::start(config(), watch);
			assert_eq!(harness.ask(format!("start {KINDS} {token}")), "started");
			await_count(&token, COUNT);
			harness.supervisor.shutdown(how);
			harness.wait_until_closed();
			assert_eq!(processes_with(&token), []);
		}
	}
}

#[test]
fn a_process_that_goes_on_starting_others_is_ended_with_all_of_them() {
	for watch in WATCHES {
		let token = token();
		let mut harness = Harness::start(one_worker(), watch);
		harness.ask(format!("start breeding {token}"));
		poll_until("some", || (processes_with(&token).len() > 20).then_some(()));
		kill(harness.running_worker(), libc::SIGKILL);
		assert_gone_soon(&token);
		assert_eq!(processes_with(&token), []);
	}
}

#[test]
fn processes_that_have_left_the_group_can_be_left_alone() {
	for watch in WATCHES {
		let token = token();
		let mut launch = launch(watch);
		launch.kills_descendants = false;
		let mut harness = Harness::launch(one_worker(), launch);
		assert_eq!(harness.ask(format!("start {KINDS} {token}")), "started");
		await_count(&token, COUNT);
		harness.supervisor.shutdown(Shutdown::Kill);
		harness.wait_until_closed();
		poll_until("the end of the one in the group", || {
			(processes_with(&token).len() == COUNT - 1).then_some(())
		});
		for pid in processes_with(&token) {
			kill(pid, libc::SIGKILL);
		}
	}
}

#[test]
fn none_survives_a_parent_that_is_killed() {
	for (verb, state) in [
		("start", None),
		("start-and-spin", None),
		("start-and-spin", Some(libc::SIGSTOP)),
	] {
		let token = token();
		let mut host = Command::new(MISBEHAVE)
			.args(["host", "2", &format!("{verb} {KINDS},breeding {token}")])
			.stdout(Stdio::null())
			.spawn()
			.unwrap();
		poll_until("the processes", || {
			(processes_with(&token).len() > 2 * COUNT + 10).then_some(())
		});
		let workers = children_of(host.id());
		if let Some(signal) = state {
			for &worker in &workers {
				kill(worker, signal);
			}
		}
		let bystander = Bystander::start();
		host.kill().unwrap();
		host.wait().unwrap();
		assert_gone_soon(&token);
		poll_until("the workers' ends", || {
			(!workers.iter().any(|&worker| is_alive(worker))).then_some(())
		});
		bystander.assert_unharmed();
	}
}
