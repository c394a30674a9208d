//! Functions that are shipped and released, and workers that are started ahead of their work. Alone in its process, because
//! one test looks at its memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use pool::{FunctionId, Shutdown, Submission, TaskId};
use supervisor::{Launch, PayloadTooLong};
use support::{Harness, WATCHES, assert_within, config, kill, launch, one_worker, poll_until};

const MEGABYTE: usize = 1024 * 1024;

fn call(harness: &Harness, task: u64, function: u32) -> TaskId {
	let submission = Submission {
		task: TaskId(task),
		function: FunctionId(function),
		payload: "functions".into(),
		timeout: None,
		is_observed: false,
		priority: 0,
	};
	harness.supervisor.submit([submission]);
	TaskId(task)
}

fn register(harness: &Harness, function: u32, length: usize) {
	let payload = Bytes::from(vec![b'f'; length]);
	harness
		.supervisor
		.register_function(FunctionId(function), payload)
		.unwrap();
}

fn release(harness: &Harness, function: u32) {
	harness.supervisor.release_function(FunctionId(function));
}

/// How many functions its worker has, how long the one is that it calls, and how much memory the worker has in KiB.
fn answer(harness: &mut Harness, task: TaskId) -> (usize, usize, usize) {
	let value = harness.value(task);
	let mut numbers = value.split(' ').map(|number| number.parse().unwrap());
	let mut next = || numbers.next().unwrap();
	(next(), next(), next())
}

fn resident() -> usize {
	let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
	pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
}

#[test]
fn a_worker_has_the_function_of_its_task_and_none_that_was_released() {
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	for function in 1..=100 {
		register(&harness, function, function as usize);
		let task = call(&harness, function.into(), function);
		let (count, called, _) = answer(&mut harness, task);
		assert_eq!((count, called), (1, function as usize));
		release(&harness, function);
	}
	let task = call(&harness, 101, 0);
	assert_eq!(answer(&mut harness, task).0, 0);
}

#[test]
fn functions_that_are_released_while_their_tasks_wait_are_there_for_all_of_them() {
	let mut harness = Harness::start(config(), WATCHES[0]);
	let mut tasks = Vec::new();
	for function in 1..=50 {
		register(&harness, function, function as usize);
		for _ in 0..4 {
			let task = call(&harness, tasks.len() as u64 + 1, function);
			tasks.push((task, function as usize));
		}
		release(&harness, function);
	}
	for (task, length) in tasks {
		assert_eq!(answer(&mut harness, task).1, length);
	}
}

#[test]
fn the_successor_of_a_worker_that_was_killed_has_the_functions_that_it_needs() {
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	register(&harness, 1, 10);
	harness.supervisor.submit([Submission {
		task: TaskId(1),
		function: FunctionId(1),
		payload: "sleep-forever".into(),
		timeout: None,
		is_observed: false,
		priority: 0,
	}]);
	let pid = harness.running(TaskId(1));
	let task = call(&harness, 2, 1);
	release(&harness, 1);
	kill(pid, libc::SIGKILL);
	harness.death(TaskId(1));
	let (count, called, _) = answer(&mut harness, task);
	assert_eq!((count, called), (1, 10));
	let task = call(&harness, 3, 0);
	assert_eq!(answer(&mut harness, task).0, 0);
}

#[test]
fn a_function_of_five_megabytes_arrives_whole() {
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	register(&harness, 1, 5 * MEGABYTE);
	let task = call(&harness, 1, 1);
	let (count, called, _) = answer(&mut harness, task);
	assert_eq!((count, called), (1, 5 * MEGABYTE));
}

#[test]
fn a_function_above_the_limit_is_refused_and_costs_nothing_else() {
	let launch = Launch {
		max_payload: 1000,
		..launch(WATCHES[0])
	};
	let mut harness = Harness::launch(one_worker(), launch);
	register(&harness, 1, 1000);
	let refusal = harness
		.supervisor
		.register_function(FunctionId(2), vec![0; 1001].into());
	let expected = PayloadTooLong {
		length: 1001,
		limit: 1000,
	};
	assert_eq!(refusal, Err(expected));
	let task = call(&harness, 1, 1);
	assert_eq!(answer(&mut harness, task).1, 1000);
}

#[test]
fn twenty_thousand_functions_that_are_released_leave_the_memory_as_it_was() {
	const LENGTH: usize = 16 * 1024;
	// All of them would be 312 MiB on each side.
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	let mut before = None;
	for function in 1..=20_000_u32 {
		register(&harness, function, LENGTH);
		let task = call(&harness, function.into(), function);
		let (count, called, of_worker) = answer(&mut harness, task);
		release(&harness, function);
		harness.clear();
		assert_eq!((count, called), (1, LENGTH));
		if function == 1000 {
			before = Some((resident(), of_worker));
		}
		if function == 20_000 {
			let (of_parent_before, of_worker_before) = before.unwrap();
			let of_parent = resident();
			println!(
				"parent {of_parent_before} -> {of_parent} KiB, worker {of_worker_before} -> {of_worker} KiB"
			);
			assert_within(of_parent, of_parent_before + 32 * 1024);
			assert_within(of_worker, of_worker_before + 32 * 1024);
		}
	}
}

#[test]
fn a_worker_for_expected_work_is_ready_before_the_work_and_takes_it() {
	let mut harness = Harness::start(config(), WATCHES[0]);
	harness.supervisor.expect_work();
	harness.supervisor.expect_work();
	let pid = harness.running_worker();
	assert_eq!(harness.supervisor.workers().len(), 1);
	assert_eq!(harness.ask("pid"), pid.to_string());
}

#[test]
fn a_worker_whose_work_does_not_come_leaves_after_its_idle_timeout() {
	let config = pool::PoolConfig {
		idle_timeout: Some(Duration::from_millis(10)),
		..config()
	};
	let mut harness = Harness::start(config, WATCHES[0]);
	harness.supervisor.expect_work();
	harness.running_worker();
	poll_until("its end", || {
		harness.supervisor.workers().is_empty().then_some(())
	});
	harness.supervisor.shutdown(Shutdown::Drain);
	harness.wait_until_closed();
	harness.supervisor.expect_work();
	assert_eq!(harness.supervisor.workers(), []);
}
