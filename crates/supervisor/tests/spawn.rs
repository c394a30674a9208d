//! What a worker is given at its start, and what happens where it cannot be started.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use pool::{BreakCause, PoolConfig, SpawnFailure};
use supervisor::{DeathWatch, Launch, Settlement, Supervisor};
use support::{Harness, Over, WATCHES, config, launch, one_worker};

#[test]
fn a_worker_leads_its_own_process_group() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let answer = harness.ask("process");
		let ids: Vec<u32> = answer.split(' ').map(|id| id.parse().unwrap()).collect();
		assert_eq!(ids[0], ids[1]);
		assert_eq!(ids[2], std::process::id());
	}
}

#[test]
fn a_worker_has_no_signal_blocked_or_ignored_whatever_its_parent_does() {
	// SAFETY: ignoring a signal runs nothing.
	unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
	let mut harness = Harness::start(one_worker(), DeathWatch::Descriptor);
	let status = harness.ask("status");
	let field = |name: &str| {
		let line = status.lines().find(|line| line.starts_with(name)).unwrap();
		u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
	};
	assert_eq!(field("SigBlk:"), 0);
	// Rust's runtime in the test program ignores SIGPIPE by itself, and the C library keeps 32 and 33 from everybody.
	let of_others = 1 << (libc::SIGPIPE - 1) | 0b11 << 31;
	assert_eq!(field("SigIgn:") & !of_others, 0);
}

#[test]
fn the_environment_is_the_launch_and_nothing_else() {
	let mut harness = Harness::start(one_worker(), DeathWatch::Descriptor);
	assert_eq!(harness.ask("environment"), r#"[("FROM_LAUNCH", "yes")]"#);
}

#[test]
fn workers_get_the_smallest_free_index() {
	let mut harness = Harness::start(config(), DeathWatch::Descriptor);
	let tasks = harness.submit_all(2, "sleep-forever");
	for &task in &tasks {
		harness.running(task);
	}
	let mut indexes: Vec<u32> = harness
		.supervisor
		.workers()
		.iter()
		.map(|worker| worker.index)
		.collect();
	indexes.sort_unstable();
	assert_eq!(indexes, [0, 1]);
}

/// What else a program does with descriptors while workers are made.
#[test]
fn a_process_that_another_thread_starts_meanwhile_has_none_of_our_descriptors_and_workers_none_of_its() {
	use std::process::{Command, Stdio};
	use std::sync::atomic::{AtomicBool, Ordering};

	// What this process itself was started with.
	let list = || {
		let listing = Command::new("/bin/ls")
			.args(["-l", "/proc/self/fd"])
			.stdin(Stdio::null())
			.output()
			.unwrap();
		String::from_utf8(listing.stdout).unwrap()
	};
	let count = |listing: &str| listing.lines().filter(|line| line.contains(" -> ")).count();
	let inherited = count(&list());
	let is_done = AtomicBool::new(false);
	std::thread::scope(|scope| {
		let others = scope.spawn(|| {
			let mut listings = Vec::new();
			while !is_done.load(Ordering::SeqCst) {
				listings.push(list());
			}
			listings
		});
		let over = Over(&is_done);
		for round in 0..60 {
			let mut harness = Harness::start(one_worker(), WATCHES[round % 2]);
			let open = harness.ask("descriptors");
			let numbers = open.lines().map(|line| line.split(' ').next().unwrap());
			assert!(
				numbers.clone().all(|number| number.parse::<u32>().unwrap() < 10),
				"{open}"
			);
		}
		drop(over);
		let listings = others.join().unwrap();
		assert!(listings.len() > 10);
		for listing in listings {
			assert_eq!(count(&listing), inherited, "{listing}");
			assert!(!listing.contains("memfd:loky"), "{listing}");
		}
	});
}

fn broken_by(program: &str) -> SpawnFailure {
	let launch = Launch {
		program: program.into(),
		..launch(DeathWatch::Descriptor)
	};
	let mut harness = Harness::launch(one_worker(), launch);
	let task = harness.submit("echo never");
	match harness.settlement(task) {
		Settlement::PoolBroken(facts) => match facts.cause {
			BreakCause::CannotSpawn(failure) => failure,
			other => panic!("{other:?}"),
		},
		other => panic!("{other:?}"),
	}
}

#[test]
fn a_missing_program_breaks_the_pool_at_once() {
	let failure = broken_by("/nowhere/node");
	assert_eq!((failure.operation, failure.errno), ("posix_spawn", libc::ENOENT));
}

#[test]
fn a_program_that_may_not_be_executed_breaks_the_pool_at_once() {
	let failure = broken_by("/etc/passwd");
	assert_eq!((failure.operation, failure.errno), ("posix_spawn", libc::EACCES));
}

#[test]
fn a_nul_in_the_launch_is_refused() {
	let launch = Launch {
		arguments: vec!["a\0b".into()],
		..launch(DeathWatch::Descriptor)
	};
	let started = Supervisor::start(config(), launch, || ());
	assert!(matches!(started, Err(supervisor::StartError::NulInLaunch)));
}

#[test]
fn an_initializer_that_throws_breaks_the_pool_with_its_error() {
	for watch in WATCHES {
		let config = PoolConfig {
			init: "throw no database".into(),
			max_failed_starts: 1,
			..one_worker()
		};
		let mut harness = Harness::start(config, watch);
		let task = harness.submit("echo never");
		match harness.settlement(task) {
			Settlement::PoolBroken(facts) => {
				assert_eq!(facts.cause, BreakCause::InitializerThrew("no database".into()));
			}
			other => panic!("{other:?}"),
		}
		harness.wait_until_closed();
	}
}
