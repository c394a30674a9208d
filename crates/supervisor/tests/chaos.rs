//! Killing workers again and again under load.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pool::PoolConfig;
use supervisor::Settlement;
use support::{Harness, WATCHES, config};

#[test]
fn every_task_settles_once_however_many_workers_are_killed() {
	for watch in WATCHES {
		let config = PoolConfig {
			max_workers: 3,
			max_unstarted_deaths: 1000,
			..config()
		};
		let mut harness = Harness::start(config, watch);
		let (mut returned, mut lost, mut kills) = (0, 0, 0);
		for _ in 0..40 {
			let tasks = harness.submit_all(1000, "echo x");
			let is_done = AtomicBool::new(false);
			let victims = harness.supervisor.workers();
			kills += thread::scope(|scope| {
				let killer = scope.spawn(|| {
					let mut kills = 0;
					while !is_done.load(Ordering::SeqCst) {
						for pid in victims.iter().filter_map(|worker| worker.pid) {
							let pid = i32::try_from(pid).unwrap();
							// SAFETY: a child of this test, or nobody where it is reaped already.
							kills += u32::from(unsafe { libc::kill(pid, libc::SIGKILL) } == 0);
						}
						thread::sleep(Duration::from_millis(5));
					}
					kills
				});
				for task in tasks {
					match harness.settlement(task) {
						Settlement::Returned(_) => returned += 1,
						Settlement::WorkerTerminated(_) => lost += 1,
						other => panic!("{other:?}"),
					}
				}
				is_done.store(true, Ordering::SeqCst);
				killer.join().unwrap()
			});
		}
		assert_eq!(returned + lost, 40_000);
		assert!(kills >= 40, "{kills}");
		assert!(lost <= kills, "{lost} tasks were lost to {kills} deaths");
	}
}
