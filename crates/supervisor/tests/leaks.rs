//! That nothing is left over in the parent. Alone in its process, because it counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use pool::Shutdown;
use support::{Harness, WATCHES, config, kill, poll_until, zombies};

fn open_descriptors() -> usize {
	std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn threads() -> usize {
	std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn use_and_close(watch: supervisor::DeathWatch, round: u32) {
	let mut harness = Harness::start(config(), watch);
	let killed = harness.submit("sleep-forever");
	kill(harness.running(killed), libc::SIGKILL);
	harness.death(killed);
	let broken = harness.submit("garbage");
	harness.death(broken);
	assert_eq!(harness.ask("echo x"), "x");
	if round.is_multiple_of(2) {
		harness.supervisor.shutdown(Shutdown::Drain);
		harness.wait_until_closed();
	}
}

#[test]
fn a_closed_or_dropped_supervisor_leaves_no_descriptor_no_thread_and_no_zombie() {
	use_and_close(WATCHES[0], 0);
	use_and_close(WATCHES[1], 1);
	wait_for_threads();
	let before = open_descriptors();
	for round in 0..10 {
		for watch in WATCHES {
			use_and_close(watch, round);
		}
	}
	assert_eq!(zombies(), 0);
	wait_for_threads();
	assert_eq!(open_descriptors(), before);
}

/// Until there are only the test's own and that of the test runner. Threads that wait for deaths end a moment after the
/// deaths, and hold the poller until then.
fn wait_for_threads() {
	poll_until("the threads' ends", || (threads() <= 2).then_some(()));
}
