//! Workers that do not keep to the protocol.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::{Duration, Instant};

use pool::{Exit, TerminationReason};
use supervisor::Settlement;
use support::{Harness, LIMIT, WATCHES, assert_within, one_worker};

const KILLED: Exit = Exit::Signal {
	signal: libc::SIGKILL,
	core_dumped: false,
};

fn is_killed_for(text: &'static str, violation: &str) {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let task = harness.submit(text);
		let death = harness.death(task);
		assert_eq!(
			(death.exit, death.reason),
			(KILLED, TerminationReason::Protocol),
			"{text}"
		);
		let told = death.violation.map(|violation| violation.to_string());
		assert_eq!(told.as_deref(), Some(violation), "{text}");
		assert!(
			harness
				.exits()
				.iter()
				.all(|death| death.reason == TerminationReason::Protocol)
		);
		assert_eq!(harness.ask("echo next"), "next");
	}
}

#[test]
fn garbage_ends_its_worker() {
	is_killed_for("garbage", "it sent bytes that are no frame (magic 0x2073)");
}

#[test]
fn a_frame_of_another_version_ends_its_worker_and_is_told() {
	is_killed_for(
		"other-version",
		"it sent a frame of version 9 where version 1 was expected",
	);
}

#[test]
fn a_frame_of_four_gigabytes_ends_its_worker_before_anything_is_allocated() {
	is_killed_for(
		"huge-length",
		"it sent a frame of 4294967295 bytes where at most 268435456 are allowed",
	);
}

#[test]
fn a_frame_of_an_unknown_kind_ends_its_worker() {
	is_killed_for("unknown-kind", "it sent a frame of the unknown kind 99");
}

#[test]
fn a_stray_byte_ends_its_worker_at_once_whether_or_not_a_result_follows() {
	for word in ["stray-byte", "stray-bytes", "stray-byte-and-sleep"] {
		for watch in WATCHES {
			let mut harness = Harness::start(one_worker(), watch);
			let task = harness.submit(word);
			match harness.settlement(task) {
				// Written whole, on its own way, before anybody had read the byte.
				Settlement::Returned(value) => assert_eq!(value, &b"in time"[..]),
				Settlement::WorkerTerminated(death) => assert_eq!(death.reason, TerminationReason::Protocol),
				other => panic!("{word}: {other:?}"),
			}
			let death = harness.wait_for("the exit", |this| {
				this.exits().first().map(|&death| death.clone())
			});
			assert_eq!(
				(death.exit, death.reason),
				(KILLED, TerminationReason::Protocol),
				"{word}"
			);
			// What has come of the bell behind it says which.
			let told = death.violation.unwrap().to_string();
			assert!(is_stray(&told), "{word}: {told}");
			assert_eq!(harness.ask("echo next"), "next");
		}
	}
}

/// Whether words tell what they should.
type Judge = fn(&str) -> bool;

fn is_of_other_version(told: &str) -> bool {
	told == "it sent a frame of version 9 where version 1 was expected"
}

fn is_stray(told: &str) -> bool {
	told == "it sent bytes that belong to no frame" || told.starts_with("it sent bytes that are no frame")
}

#[test]
fn a_worker_of_another_version_cannot_start_and_says_why() {
	let cases: [(&str, Judge); 2] = [("other-version", is_of_other_version), ("stray-byte", is_stray)];
	for (init, is_expected) in cases {
		for watch in WATCHES {
			let config = pool::PoolConfig {
				init: init.into(),
				..one_worker()
			};
			let mut harness = Harness::start(config, watch);
			let task = harness.submit("echo never");
			let supervisor::Settlement::PoolBroken(facts) = harness.settlement(task) else {
				panic!("it has started");
			};
			let death = facts.death.unwrap();
			assert_eq!(death.reason, TerminationReason::Protocol);
			let told = death.violation.unwrap().to_string();
			assert!(is_expected(&told), "{told}");
		}
	}
}

#[test]
fn a_frame_that_only_the_parent_may_send_ends_its_worker() {
	is_killed_for("of-the-parent", "it sent a frame of kind Task out of turn");
}

#[test]
fn a_result_that_nobody_asked_for_ends_its_worker() {
	is_killed_for(
		"unsolicited",
		"it sent a result for sequence 501, which it was not running",
	);
}

#[test]
fn a_closed_result_pipe_ends_its_worker() {
	is_killed_for(
		"close-results",
		"it closed one of the descriptors of its pipes and lived on",
	);
}

#[test]
fn a_task_that_closes_every_descriptor_ends_its_worker() {
	is_killed_for(
		"close-everything",
		"it closed one of the descriptors of its pipes and lived on",
	);
}

#[test]
fn a_second_result_for_a_task_ends_the_worker_and_changes_nothing_for_the_task() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		assert_eq!(harness.ask("twice"), "once");
		let reason = harness.wait_for("the exit", |this| this.exits().first().map(|death| death.reason));
		assert_eq!(reason, TerminationReason::Protocol);
		assert_eq!(harness.ask("echo next"), "next");
	}
}

#[test]
fn a_worker_that_closes_its_task_pipe_is_replaced_and_raises_no_signal() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		// As it is in a program that has reset what its runtime had set.
		// SAFETY: the default action would end this test, which is the point.
		unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
		assert_eq!(harness.ask("close-tasks"), "closed");
		let begin = Instant::now();
		while harness.exits().is_empty() {
			assert_within(begin.elapsed(), LIMIT);
			// Written to the closed pipe by this thread; the worker is then found out.
			let task = harness.submit("echo after");
			assert_eq!(harness.value(task), "after");
		}
	}
}

#[test]
fn a_worker_that_reads_nothing_is_killed_when_it_makes_no_progress() {
	for watch in WATCHES {
		let config = pool::PoolConfig {
			init: "deaf".into(),
			start_timeout: Duration::from_millis(100),
			..one_worker()
		};
		let mut harness = Harness::start(config, watch);
		let task = harness.submit(vec![b'x'; 8 * 1024 * 1024]);
		assert_eq!(harness.death(task).reason, TerminationReason::Timeout);
	}
}

#[test]
fn a_worker_that_is_not_one_says_so_on_its_standard_error() {
	let mut harness = Harness::launch(
		one_worker(),
		supervisor::Launch {
			program: "/bin/cat".into(),
			..support::launch(WATCHES[0])
		},
	);
	let task = harness.submit("echo never");
	// It reads the end of an empty input and exits.
	match harness.settlement(task) {
		supervisor::Settlement::PoolBroken(facts) => assert_eq!(facts.death.unwrap().exit, Exit::Code(0)),
		other => panic!("{other:?}"),
	}
}
