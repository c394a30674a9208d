//! Results on their two ways: through the ring, and through the pipe.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::{Duration, Instant};

use supervisor::{Notice, Settlement};
use support::{Harness, WATCHES, one_worker};

#[test]
fn results_of_every_length_come_in_the_order_of_their_tasks() {
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	let lengths = [
		0, 1, 20_000, 7, 70_000, 300, 16_000, 16_384, 16_400, 5, 1_000_000, 2,
	];
	let tasks: Vec<_> = (0..1200)
		.map(|index| {
			(
				harness.submit(format!("bytes {}", lengths[index % 12])),
				lengths[index % 12],
			)
		})
		.collect();
	for &(task, length) in &tasks {
		assert_eq!(harness.value(task).len(), length);
	}
	let settled: Vec<_> = harness
		.heard
		.iter()
		.filter_map(|notice| match notice {
			Notice::Settled(task, _) => Some(*task),
			_ => None,
		})
		.collect();
	assert_eq!(settled, tasks.iter().map(|(task, _)| *task).collect::<Vec<_>>());
}

#[test]
fn a_result_without_a_bell_is_there_when_its_worker_dies() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		for _ in 0..30 {
			let before = harness.submit_all(3, "echo x");
			let last = harness.submit("answer-quietly-and-die");
			let next = harness.submit("echo y");
			for task in before {
				assert_eq!(harness.value(task), "x");
			}
			assert_eq!(harness.value(last), "answered");
			assert_eq!(harness.value(next), "y");
		}
	}
}

#[test]
fn a_result_without_a_bell_is_told_although_the_worker_goes_on() {
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	harness.ask("echo warm");
	for _ in 0..20 {
		let started = Instant::now();
		harness.submit_all(20, "echo x");
		let quiet = harness.submit("answer-quietly-and-sleep 400");
		assert_eq!(harness.value(quiet), "answered");
		assert!(started.elapsed() < Duration::from_millis(300));
		assert_eq!(harness.ask("echo y"), "y");
	}
}

#[test]
fn many_short_results_are_neither_lost_nor_changed() {
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	let tasks: Vec<_> = (0..50_000)
		.map(|number| (harness.submit(format!("echo {number}")), number))
		.collect();
	for (task, number) in tasks {
		match harness.settlement(task) {
			Settlement::Returned(value) => assert_eq!(value, number.to_string().as_bytes()),
			other => panic!("{other:?}"),
		}
	}
}
