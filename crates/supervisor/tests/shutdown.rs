//! How it ends: by order, by escalation, by being dropped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pool::{Exit, PoolConfig, Shutdown};
use supervisor::{Notice, Settlement, Supervisor};
use support::{Harness, WATCHES, assert_within, config, is_known, kill, launch, one_worker, poll_until};

#[test]
fn a_drained_pool_finishes_everything_and_leaves_no_process() {
	for watch in WATCHES {
		let mut harness = Harness::start(config(), watch);
		let pid: u32 = harness.ask("pid").parse().unwrap();
		let tasks = harness.submit_all(500, "echo done");
		harness.supervisor.shutdown(Shutdown::Drain);
		let late = harness.submit("echo late");
		harness.wait_until_closed();
		for task in tasks {
			assert_eq!(harness.value(task), "done");
		}
		assert!(matches!(harness.settlement(late), Settlement::PoolClosed));
		assert!(harness.exits().iter().all(|death| death.exit == Exit::Code(0)));
		assert!(!is_known(pid));
		assert!(harness.supervisor.workers().is_empty());
		assert_eq!(harness.supervisor.outstanding(), 0);
	}
}

#[test]
fn a_pool_that_never_had_a_task_closes_at_once() {
	let mut harness = Harness::start(config(), WATCHES[0]);
	harness.supervisor.shutdown(Shutdown::Drain);
	harness.wait_until_closed();
	assert_eq!(harness.heard.len(), 1);
	let late = harness.submit("echo late");
	assert!(matches!(harness.settlement(late), Settlement::PoolClosed));
}

#[test]
fn cancelling_what_is_pending_lets_the_running_task_finish() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let running = harness.submit("slow 200");
		harness.running(running);
		let pending = harness.submit_all(10, "echo never");
		harness.supervisor.shutdown(Shutdown::CancelPending);
		for task in pending {
			assert!(matches!(harness.settlement(task), Settlement::PoolClosed));
		}
		assert_eq!(harness.value(running), "slow");
		harness.wait_until_closed();
	}
}

#[test]
fn a_shutdown_can_be_escalated_to_kill() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let running = harness.submit("spin");
		let pid = harness.running(running);
		for how in [
			Shutdown::Drain,
			Shutdown::Drain,
			Shutdown::CancelPending,
			Shutdown::Kill,
			Shutdown::Kill,
		] {
			harness.supervisor.shutdown(how);
		}
		assert!(matches!(harness.settlement(running), Settlement::PoolClosed));
		harness.wait_until_closed();
		assert!(!is_known(pid));
	}
}

#[test]
fn a_worker_that_is_killed_while_the_pool_drains_costs_its_task_and_the_drain_goes_on() {
	for watch in WATCHES {
		let mut harness = Harness::start(config(), watch);
		let doomed = harness.submit("sleep-forever");
		let pid = harness.running(doomed);
		let tasks = harness.submit_all(100, "echo done");
		harness.supervisor.shutdown(Shutdown::Drain);
		kill(pid, libc::SIGKILL);
		assert_eq!(harness.death(doomed).pid, Some(pid));
		harness.wait_until_closed();
		for task in tasks {
			assert_eq!(harness.value(task), "done");
		}
	}
}

#[test]
fn a_stopped_worker_that_is_to_leave_is_killed_after_its_grace() {
	for watch in WATCHES {
		let config = PoolConfig {
			shutdown_grace: Duration::from_millis(100),
			..one_worker()
		};
		let mut harness = Harness::start(config, watch);
		let pid: u32 = harness.ask("pid").parse().unwrap();
		kill(pid, libc::SIGSTOP);
		harness.supervisor.shutdown(Shutdown::Drain);
		harness.wait_until_closed();
		// SIGTERM waits until it is continued, SIGKILL does not.
		let exit = harness.exits()[0].exit.clone();
		assert!(
			matches!(
				exit,
				Exit::Signal {
					signal: libc::SIGKILL,
					..
				}
			),
			"{exit:?}"
		);
	}
}

#[test]
fn a_worker_that_does_not_leave_is_terminated_then_killed() {
	for (init, signal) in [("deaf", libc::SIGTERM), ("deaf-to-signals", libc::SIGKILL)] {
		for watch in WATCHES {
			let config = PoolConfig {
				init: init.into(),
				idle_timeout: Some(Duration::from_millis(10)),
				// Enough for a signal to arrive on a busy machine.
				shutdown_grace: Duration::from_millis(500),
				..one_worker()
			};
			let mut harness = Harness::start(config, watch);
			let task = harness.submit("echo never");
			harness.running_worker();
			assert!(harness.supervisor.cancel_one(task));
			let exit = harness.wait_for("the exit", |this| {
				this.exits().first().map(|death| death.exit.clone())
			});
			assert_eq!(
				exit,
				Exit::Signal {
					signal,
					core_dumped: false
				}
			);
		}
	}
}

#[test]
fn dropping_it_kills_and_reaps_everything_soon() {
	for watch in WATCHES {
		for text in ["spin", "ignore-terminate", "sleep-forever", "echo idle"] {
			let mut harness = Harness::start(config(), watch);
			let tasks = harness.submit_all(2, text);
			let pids = poll_until("two workers", || {
				let pids: Vec<u32> = harness
					.supervisor
					.workers()
					.iter()
					.filter_map(|worker| worker.pid)
					.collect();
				(pids.len() == 2).then_some(pids)
			});
			if text != "echo idle" && text != "ignore-terminate" {
				for &task in &tasks {
					harness.running(task);
				}
			}
			let begin = Instant::now();
			drop(harness);
			assert_within(begin.elapsed(), Duration::from_millis(1500));
			assert!(pids.into_iter().all(|pid| !is_known(pid)));
		}
	}
}

#[test]
fn dropping_it_while_workers_start_leaves_nothing() {
	for round in 0..50 {
		let mut harness = Harness::start(config(), WATCHES[round % 2]);
		harness.submit_all(10, "echo x");
		let pids: Vec<u32> = harness
			.supervisor
			.workers()
			.iter()
			.filter_map(|worker| worker.pid)
			.collect();
		drop(harness);
		assert!(pids.into_iter().all(|pid| !is_known(pid)));
	}
}

#[test]
fn its_own_thread_may_drop_it() {
	let slot: Arc<Mutex<Option<Supervisor>>> = Arc::default();
	let of_wake = Arc::clone(&slot);
	let calls = Arc::new(AtomicU32::new(0));
	let of_counter = Arc::clone(&calls);
	let supervisor = Supervisor::start(config(), launch(WATCHES[0]), move || {
		drop(of_wake.lock().unwrap().take());
		of_counter.fetch_add(1, Ordering::SeqCst);
	});
	let mut held = slot.lock().unwrap();
	*held = Some(supervisor.unwrap());
	held.as_ref().unwrap().submit([support::submission(1, "echo x")]);
	drop(held);
	poll_until("the drop", || {
		(calls.load(Ordering::SeqCst) > 0 && slot.lock().unwrap().is_none()).then_some(())
	});
}

#[test]
fn a_panic_of_the_owners_wake_is_told_as_a_failure() {
	let panics = Arc::new(AtomicU32::new(0));
	let of_wake = Arc::clone(&panics);
	let supervisor = Supervisor::start(one_worker(), launch(WATCHES[0]), move || {
		assert!(
			of_wake.fetch_add(1, Ordering::SeqCst) > 0,
			"the owner cannot be woken"
		);
	})
	.unwrap();
	supervisor.submit([support::submission(1, "spin")]);
	let mut notices = Vec::new();
	poll_until("the failure", || {
		supervisor.take_notices(&mut notices);
		notices.iter().find_map(|notice| match notice {
			Notice::Failed(words) => Some(words.clone()),
			_ => None,
		})
	});
	// Everything answers all the same.
	assert!(supervisor.workers().is_empty());
	assert!(!supervisor.cancel_one(pool::TaskId(1)));
	supervisor.shutdown(Shutdown::Drain);
	supervisor.submit([support::submission(2, "echo late")]);
	notices.clear();
	supervisor.take_notices(&mut notices);
	assert!(matches!(
		notices[..],
		[Notice::Settled(pool::TaskId(2), Settlement::PoolBroken(_))]
	));
}
