//! What is left of the workers when their parent is killed with -9: nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use support::{MISBEHAVE, assert_within, children_of, is_alive, kill, poll_until, state_of};

/// A parent with two workers, which were given the task each.
struct Host {
	process: Child,
	workers: Vec<u32>,
	said: Vec<String>,
	/// Held: a host that cannot say what it has to say fails.
	_output: Lines<BufReader<ChildStdout>>,
}

impl Host {
	/// Waits until it has printed so many lines that begin with the word.
	fn start(task: &str, word: &str, count: usize) -> Self {
		let mut process = Command::new(MISBEHAVE)
			.args(["host", "2", task])
			.stdout(Stdio::piped())
			.spawn()
			.unwrap();
		let mut said = Vec::new();
		let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
		while said
			.iter()
			.filter(|line: &&String| line.starts_with(word))
			.count() < count
		{
			said.push(lines.next().unwrap().unwrap());
		}
		let workers = children_of(process.id());
		assert_eq!(workers.len(), 2);
		Self {
			process,
			workers,
			said,
			_output: lines,
		}
	}

	fn dies_with_its_workers(mut self, limit: Duration) {
		let begin = Instant::now();
		self.process.kill().unwrap();
		self.process.wait().unwrap();
		for &worker in &self.workers {
			poll_until("the worker's end", || (!is_alive(worker)).then_some(()));
		}
		assert_within(begin.elapsed(), limit);
	}

	fn wait_for_state(&self, state: char) {
		for &worker in &self.workers {
			poll_until("the state", || (state_of(worker) == Some(state)).then_some(()));
		}
	}
}

const LIMIT: Duration = Duration::from_millis(500);

#[test]
fn idle_workers_end_with_a_parent_that_is_killed() {
	Host::start("echo x", "returned", 2).dies_with_its_workers(LIMIT);
}

#[test]
fn spinning_workers_end_with_a_parent_that_is_killed() {
	let host = Host::start("spin", "worker", 2);
	host.wait_for_state('R');
	host.dies_with_its_workers(LIMIT);
}

#[test]
fn workers_that_ignore_signals_end_with_a_parent_that_is_killed() {
	Host::start("ignore-terminate", "returned", 2).dies_with_its_workers(LIMIT);
}

#[test]
fn stopped_workers_end_with_a_parent_that_is_killed() {
	let host = Host::start("spin", "worker", 2);
	host.workers
		.iter()
		.for_each(|&worker| kill(worker, libc::SIGSTOP));
	host.wait_for_state('T');
	host.dies_with_its_workers(LIMIT);
}

#[test]
fn workers_that_have_changed_their_user_end_with_a_parent_that_is_killed() {
	if !rustix::process::geteuid().is_root() {
		return; // Nobody else can change it.
	}
	let host = Host::start("spin-as-nobody", "worker", 2);
	host.wait_for_state('R');
	host.dies_with_its_workers(LIMIT);
}

#[test]
fn processes_that_tasks_have_started_end_with_a_parent_that_is_killed() {
	for state in ['S', 'T'] {
		let host = Host::start("fork", "returned", 2);
		let grandchildren: Vec<u32> = host
			.said
			.iter()
			.filter_map(|line| line.strip_prefix("returned "))
			.map(|pid| pid.parse().unwrap())
			.collect();
		assert!(grandchildren.iter().all(|&pid| is_alive(pid)));
		if state == 'T' {
			host.workers
				.iter()
				.for_each(|&worker| kill(worker, libc::SIGSTOP));
		}
		host.wait_for_state(state);
		let begin = Instant::now();
		host.dies_with_its_workers(LIMIT);
		for pid in grandchildren {
			poll_until("the grandchild's end", || (!is_alive(pid)).then_some(()));
		}
		assert_within(begin.elapsed(), Duration::from_secs(1));
	}
}

#[test]
fn the_first_process_of_a_container_reaps_what_its_workers_have_left_behind() {
	let unshare = |arguments: &[&str]| {
		let mut command = Command::new("unshare");
		command.args(["--pid", "--fork"]).args(arguments);
		command
			.stderr(Stdio::null())
			.status()
			.is_ok_and(|status| status.success())
	};
	if !unshare(&["true"]) {
		return; // Not allowed to everybody.
	}
	assert!(unshare(&[MISBEHAVE, "host", "init"]));
}
