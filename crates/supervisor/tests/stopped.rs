//! A parent that is stopped for a while. Alone in its process, because all of that stops.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::process::Command;
use std::time::Duration;

use pool::PoolConfig;
use support::{Harness, WATCHES, config};

/// Stops this process for so many seconds.
fn stop_for(seconds: u32) {
	let alarm = format!("sleep {seconds}; kill -CONT {}", std::process::id());
	let mut alarm = Command::new("/bin/sh").args(["-c", &alarm]).spawn().unwrap();
	// SAFETY: the shell continues it.
	unsafe { libc::raise(libc::SIGSTOP) };
	alarm.wait().unwrap();
}

#[test]
fn workers_of_a_parent_that_was_stopped_are_not_late() {
	for watch in WATCHES {
		let config = PoolConfig {
			start_timeout: Duration::from_millis(1500),
			shutdown_grace: Duration::from_millis(500),
			..config()
		};
		let mut harness = Harness::start(config, watch);
		harness.ask("echo warm");
		// One finishes meanwhile and its result is larger than the pipe, the other one starts to run meanwhile.
		let large = harness.submit_with("bytes 50000000", Some(Duration::from_secs(2)));
		harness.running(large);
		let starting = harness.submit("echo x");
		let behind = harness.submit_all(50, "echo y");
		stop_for(4);
		assert_eq!(harness.value(large).len(), 50_000_000);
		assert_eq!(harness.value(starting), "x");
		for task in behind {
			assert_eq!(harness.value(task), "y");
		}
		assert!(harness.exits().is_empty(), "{:?}", harness.exits());
	}
}
