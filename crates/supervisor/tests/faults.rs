//! Every system call that the supervisor needs fails once, at each of its turns, and in every way that matters.
//!
//! Faults are planned for the whole process, so the tests here take turns.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pool::{BreakCause, PoolConfig, Shutdown, TaskId};
use supervisor::faults::{self, Fault, Site};
use supervisor::{DeathWatch, Launch, Notice, Settlement};
use support::{
	Harness, WATCHES, assert_within, children_of, config, is_known, launch, one_worker, poll_until,
};

static TURN: Mutex<()> = Mutex::new(());

/// Nothing is planned before and after.
struct Injection(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Injection {
	fn begin() -> Self {
		let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
		faults::inject(None);
		Self(turn)
	}
}

impl Drop for Injection {
	fn drop(&mut self) {
		faults::inject(None);
		faults::limit_bytes(usize::MAX);
	}
}

const SPAWN_SITES: [Site; 7] = [
	Site::Pipe,
	Site::SocketPair,
	Site::SharedMemory,
	Site::Map,
	Site::Flags,
	Site::Spawn,
	Site::Listen,
];

fn once(site: Site, after: usize, errno: i32) -> Fault {
	Fault {
		site,
		after,
		times: 1,
		errno,
	}
}

fn open_descriptors() -> usize {
	std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Two workers, one of which dies, and eight tasks. Then everything is closed.
fn work(watch: DeathWatch) -> Vec<Settlement> {
	let mut harness = Harness::start(config(), watch);
	let mut tasks = harness.submit_all(4, "echo x");
	tasks.push(harness.submit("exit 3"));
	tasks.extend(harness.submit_all(3, "echo x"));
	let settlements = tasks.into_iter().map(|task| harness.settlement(task)).collect();
	harness.supervisor.shutdown(Shutdown::Drain);
	harness.wait_until_closed();
	settlements
}

/// Does the work and checks that nothing of it is left over.
fn work_and_leave_nothing(watch: DeathWatch) -> Vec<Settlement> {
	let before = open_descriptors();
	let settlements = work(watch);
	poll_until("the end of every child", || {
		children_of(std::process::id()).is_empty().then_some(())
	});
	// A thread that has waited for a death holds the poller for a moment more.
	poll_until("the closing of every descriptor", || {
		(open_descriptors() <= before).then_some(())
	});
	settlements
}

/// How often a site is passed when nothing fails.
fn passages(site: Site, watch: DeathWatch) -> usize {
	faults::inject(Some(once(site, usize::MAX, 0)));
	work(watch);
	faults::calls()
}

fn is_as_without_faults(settlements: &[Settlement]) -> bool {
	settlements
		.iter()
		.enumerate()
		.all(|(place, settlement)| match settlement {
			Settlement::Returned(value) => place != 4 && &value[..] == b"x",
			Settlement::WorkerTerminated(death) => place == 4 && death.exit == pool::Exit::Code(3),
			_ => false,
		})
}

#[test]
fn a_want_of_anything_that_a_worker_needs_is_got_over_wherever_it_strikes() {
	let _injection = Injection::begin();
	for watch in WATCHES {
		for site in SPAWN_SITES {
			let passages = passages(site, watch);
			assert!(passages >= 2, "{site:?}");
			for after in 0..passages {
				for errno in [libc::EMFILE, libc::ENOMEM, libc::EAGAIN] {
					faults::inject(Some(once(site, after, errno)));
					let settlements = work_and_leave_nothing(watch);
					assert!(
						is_as_without_faults(&settlements),
						"{site:?} {after} {errno}: {settlements:?}"
					);
				}
			}
		}
	}
}

#[test]
fn what_the_system_forbids_breaks_the_pool_with_the_reason_and_settles_every_task() {
	let _injection = Injection::begin();
	for watch in WATCHES {
		for site in SPAWN_SITES {
			faults::inject(Some(once(site, 0, libc::EPERM)));
			let settlements = work_and_leave_nothing(watch);
			let is_told = |settlement: &Settlement| {
				matches!(settlement, Settlement::PoolBroken(facts)
					if matches!(&facts.cause, BreakCause::CannotSpawn(failure) if failure.errno == libc::EPERM))
			};
			assert!(settlements.iter().all(is_told), "{site:?}: {settlements:?}");
		}
	}
}

#[test]
fn without_a_descriptor_for_a_death_a_thread_waits_for_it() {
	let _injection = Injection::begin();
	for errno in [libc::ENOSYS, libc::EPERM, libc::EMFILE, libc::EINVAL] {
		faults::inject(Some(Fault {
			site: Site::Pidfd,
			after: 0,
			times: usize::MAX,
			errno,
		}));
		assert!(is_as_without_faults(&work_and_leave_nothing(
			DeathWatch::Descriptor
		)));
		assert!(faults::calls() >= 2);
	}
}

#[test]
fn without_a_thread_for_a_death_the_worker_is_tried_again() {
	let _injection = Injection::begin();
	for after in 0..passages(Site::Thread, DeathWatch::Thread) {
		faults::inject(Some(once(Site::Thread, after, libc::EAGAIN)));
		assert!(is_as_without_faults(&work_and_leave_nothing(DeathWatch::Thread)));
	}
}

#[test]
fn a_system_that_stays_without_room_breaks_the_pool_in_time_and_is_not_pestered() {
	let _injection = Injection::begin();
	faults::inject(Some(Fault {
		site: Site::Spawn,
		after: 0,
		times: usize::MAX,
		errno: libc::EAGAIN,
	}));
	let mut harness = Harness::start(config(), WATCHES[0]);
	let begin = (Instant::now(), processor_time());
	let tasks = harness.submit_all(1000, "echo never");
	poll_for(Duration::from_secs(16), || {
		harness.listen();
		harness
			.heard
			.iter()
			.any(|notice| matches!(notice, Notice::Broken(_)))
	});
	let (elapsed, used) = (begin.0.elapsed(), processor_time().saturating_sub(begin.1));
	assert!(used < elapsed / 4, "{used:?} in {elapsed:?}");
	// Two at first, then one at a time, later each time.
	assert_within(faults::calls(), 15);
	for task in tasks {
		assert!(matches!(harness.settlement(task), Settlement::PoolBroken(_)));
	}
}

fn poll_for(limit: Duration, mut is_so: impl FnMut() -> bool) {
	let begin = Instant::now();
	while !is_so() {
		assert_within(begin.elapsed(), limit);
		std::thread::sleep(Duration::from_millis(20));
	}
}

fn processor_time() -> Duration {
	let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
	Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap())
}

/// The failure that is told when something breaks in the supervisor itself, and how long that took.
fn failure_of(fault: Fault) -> (String, Duration) {
	let mut harness = Harness::start(config(), WATCHES[0]);
	let spinning = harness.submit("spin");
	harness.running(spinning);
	harness.ask("echo warm");
	let pids: Vec<u32> = harness
		.supervisor
		.workers()
		.iter()
		.filter_map(|worker| worker.pid)
		.collect();
	faults::inject(Some(fault));
	let begin = Instant::now();
	// Its result wakes the thread.
	let task = harness.submit("echo x");
	let words = harness.wait_for("the failure", |this| {
		this.heard.iter().find_map(|notice| match notice {
			Notice::Failed(words) => Some(words.clone()),
			_ => None,
		})
	});
	let elapsed = begin.elapsed();
	faults::inject(None);
	let late = harness.submit("echo late");
	assert!(matches!(harness.settlement(late), Settlement::PoolBroken(_)));
	assert!(!harness.supervisor.is_running(task) && !harness.supervisor.cancel_one(TaskId(1)));
	for pid in pids {
		poll_until("the workers' ends", || (!is_known(pid)).then_some(()));
	}
	(words, elapsed)
}

#[test]
fn a_panic_of_the_supervisors_thread_is_told_with_its_words_within_a_tenth_of_a_second() {
	let _injection = Injection::begin();
	let mut times = Vec::new();
	for _ in 0..9 {
		let (words, elapsed) = failure_of(once(Site::Turn, 0, 0));
		assert_eq!(words, "panicked: injected");
		times.push(elapsed);
	}
	times.sort_unstable();
	assert_within(times[4], Duration::from_millis(100));
}

#[test]
fn a_poller_that_fails_is_told_and_ends_the_workers() {
	let _injection = Injection::begin();
	let (words, _) = failure_of(once(Site::Wait, 0, libc::EBADF));
	assert!(
		words.starts_with("cannot wait for events: Bad file descriptor"),
		"{words}"
	);
}

#[test]
fn pipes_that_give_and_take_one_byte_at_a_time_change_nothing() {
	let _injection = Injection::begin();
	let answers = |most: usize| {
		faults::limit_bytes(most);
		let launch = Launch {
			environment: vec![("MOST_BYTES".into(), most.to_string().into())],
			..launch(WATCHES[0])
		};
		let mut harness = Harness::launch(one_worker(), launch.clone());
		let tasks = [
			harness.submit("echo x"),
			harness.submit("throw y"),
			harness.submit(vec![b'z'; 5000]),
			harness.submit("bytes 70000"),
			harness.submit("stderr 10000"),
			harness.submit("half-a-frame"),
			harness.submit("garbage"),
			harness.submit("echo x"),
		];
		let mut answers = Vec::new();
		for task in tasks {
			answers.push(match harness.settlement(task) {
				Settlement::Returned(value) => format!("returned {}", String::from_utf8_lossy(&value)),
				Settlement::Threw(error) => format!("threw {}", String::from_utf8_lossy(&error)),
				Settlement::WorkerTerminated(death) => {
					// How much of the garbage was read when it was found out differs.
					format!("died: {} {:?}", death.exit, death.reason)
				}
				other => panic!("{other:?}"),
			});
		}
		answers.push(String::from_utf8(harness.output()).unwrap());
		let config = PoolConfig {
			init: "throw no database".into(),
			max_failed_starts: 1,
			..one_worker()
		};
		let mut harness = Harness::launch(config, launch);
		let task = harness.submit("echo never");
		let Settlement::PoolBroken(facts) = harness.settlement(task) else {
			panic!("it did start");
		};
		answers.push(format!("{:?}", facts.cause));
		answers
	};
	let whole = answers(usize::MAX);
	for most in [1, 7] {
		for (one, other) in answers(most).iter().zip(&whole) {
			// Not by assert_eq: they are long.
			assert!(one == other, "{most}: {} and {}", one.len(), other.len());
		}
	}
}
