//! Killing workers again and again under load.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pool::PoolConfig;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use supervisor::{Settlement, Supervisor};
use support::{Harness, WATCHES, config};

/// The workers of this moment. By descriptor: their numbers may belong to strangers when they are killed again.
fn victims(supervisor: &Supervisor) -> Vec<OwnedFd> {
	let pids = || supervisor.workers().into_iter().filter_map(|worker| worker.pid);
	let opened = pids().filter_map(|pid| {
		let descriptor = pidfd_open(Pid::from_raw(pid.cast_signed())?, PidfdFlags::empty()).ok()?;
		// Still a worker, so it was one when it was opened.
		pids().any(|living| living == pid).then_some(descriptor)
	});
	opened.collect()
}

#[test]
fn every_task_settles_once_however_many_workers_are_killed() {
	for watch in WATCHES {
		let config = PoolConfig {
			max_workers: 3,
			max_unstarted_deaths: 1000,
			max_failed_starts: 1000,
			..config()
		};
		let mut harness = Harness::start(config, watch);
		let (mut returned, mut lost, mut kills) = (0, 0, 0);
		for _ in 0..40 {
			let tasks = harness.submit_all(1000, "echo x");
			let victims = victims(&harness.supervisor);
			let is_done = AtomicBool::new(false);
			let (settlements, killed) = thread::scope(|scope| {
				let killer = scope.spawn(|| {
					let mut kills = 0;
					while !is_done.load(Ordering::SeqCst) {
						let killed = |victim: &&OwnedFd| pidfd_send_signal(victim, Signal::KILL).is_ok();
						kills += victims.iter().filter(killed).count();
						thread::sleep(Duration::from_millis(1));
					}
					kills
				});
				let settlements = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
					let settlements = tasks.into_iter().map(|task| harness.settlement(task));
					settlements.collect::<Vec<_>>()
				}));
				is_done.store(true, Ordering::SeqCst);
				(settlements, killer.join().unwrap())
			});
			kills += killed;
			for settlement in settlements.unwrap() {
				match settlement {
					Settlement::Returned(_) => returned += 1,
					Settlement::WorkerTerminated(_) => lost += 1,
					other => panic!("{other:?}"),
				}
			}
		}
		assert_eq!(returned + lost, 40_000);
		assert!(kills >= 40, "{kills}");
		assert!(lost <= kills, "{lost} tasks were lost to {kills} deaths");
	}
}
