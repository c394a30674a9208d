//! Cancelling, in a race with the worker.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::thread;

use pool::TaskId;
use supervisor::Settlement;
use support::{Harness, WATCHES, config, one_worker};

#[test]
fn a_task_behind_a_running_one_can_be_cancelled_and_the_running_one_cannot() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let running = harness.submit("slow 300");
		harness.running(running);
		let waiting = harness.submit_all(3, "echo waited");
		assert!(harness.supervisor.is_running(running));
		assert!(!harness.supervisor.is_running(waiting[0]));
		assert_eq!(
			harness
				.supervisor
				.cancel(&[running, waiting[1], TaskId(1_000_000)]),
			[false, true, false]
		);
		assert!(!harness.supervisor.cancel_one(waiting[1]));
		assert_eq!(harness.value(running), "slow");
		assert_eq!(harness.value(waiting[0]), "waited");
		assert!(matches!(harness.settlement(waiting[1]), Settlement::Cancelled));
		assert_eq!(harness.value(waiting[2]), "waited");
	}
}

#[test]
fn a_task_that_was_cancelled_in_a_race_settles_as_the_answer_says() {
	let mut harness = Harness::start(config(), WATCHES[0]);
	harness.ask("echo warm");
	let (mut cancelled, mut finished) = (0, 0);
	for _ in 0..300 {
		let tasks = harness.submit_all(100, "echo x");
		let answers: Vec<bool> = thread::scope(|scope| {
			let supervisor = &harness.supervisor;
			let halves = tasks
				.chunks(50)
				.map(|half| scope.spawn(move || supervisor.cancel(half)));
			halves
				.collect::<Vec<_>>()
				.into_iter()
				.flat_map(|half| half.join().unwrap())
				.collect()
		});
		for (task, was_cancelled) in tasks.into_iter().zip(answers) {
			match harness.settlement(task) {
				Settlement::Cancelled if was_cancelled => cancelled += 1,
				Settlement::Returned(_) if !was_cancelled => finished += 1,
				other => panic!("cancel said {was_cancelled}, but {other:?}"),
			}
		}
	}
	assert!(cancelled > 0);
	assert!(finished > 0);
	assert_eq!(harness.supervisor.outstanding(), 0);
}

#[test]
fn tasks_of_many_threads_settle_once_each() {
	let mut harness = Harness::start(config(), WATCHES[0]);
	thread::scope(|scope| {
		for thread in 0..4_u64 {
			let supervisor = &harness.supervisor;
			scope.spawn(move || {
				for round in 0..500 {
					let first = 1_000_000 * thread + 10 * round;
					supervisor.submit((first..first + 10).map(|id| support::submission(id, "echo x")));
				}
			});
		}
	});
	for thread in 0..4 {
		for task in 0..5000 {
			assert_eq!(harness.value(TaskId(1_000_000 * thread + task)), "x");
		}
	}
}
