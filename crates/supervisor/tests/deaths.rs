//! What a worker's death costs, and what is told of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::{Duration, Instant};

use pool::{Exit, TerminationReason};
use supervisor::{Notice, Settlement};
use support::{Harness, WATCHES, assert_within, config, is_alive, kill, one_worker, poll_until};

const KILLED: Exit = Exit::Signal {
	signal: libc::SIGKILL,
	core_dumped: false,
};

#[test]
fn a_killed_worker_costs_the_task_that_it_ran_and_no_other() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let poisoned = harness.submit("sleep-forever");
		let behind = harness.submit("echo behind");
		let pid = harness.running(poisoned);
		kill(pid, libc::SIGKILL);
		let death = harness.death(poisoned);
		assert_eq!(
			(death.exit, death.reason, death.pid),
			(KILLED, TerminationReason::Killed, Some(pid))
		);
		assert_eq!(harness.value(behind), "behind");
	}
}

#[test]
fn an_exit_code_is_told_with_the_last_words() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let task = harness.submit("last-words the disk is full");
		let death = harness.death(task);
		assert_eq!(
			(death.exit, death.reason),
			(Exit::Code(3), TerminationReason::Exit)
		);
		assert_eq!(&death.stderr_tail[..], b"the disk is full\n");
		let position = |wanted: fn(&Notice) -> bool| harness.heard.iter().position(wanted).unwrap();
		let output = position(|notice| matches!(notice, Notice::Output { .. }));
		let settled = position(|notice| matches!(notice, Notice::Settled(..)));
		assert!(output < settled);
	}
}

#[test]
fn a_task_that_exits_with_zero_is_a_death_too() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let task = harness.submit("exit 0");
		assert_eq!(harness.death(task).exit, Exit::Code(0));
	}
}

#[test]
fn a_crash_names_its_signal() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		for (text, number) in [("raise 11", libc::SIGSEGV), ("raise 6", libc::SIGABRT)] {
			let task = harness.submit(text);
			let death = harness.death(task);
			assert!(
				matches!(death.exit, Exit::Signal { signal, .. } if signal == number),
				"{death:?}"
			);
			assert_eq!(death.reason, TerminationReason::Crash);
		}
	}
}

#[test]
fn a_full_heap_is_told_from_another_abort_by_its_last_words() {
	const WORDS: &str = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		for (signal, words, reason) in [
			(libc::SIGABRT, WORDS, TerminationReason::Heap),
			(libc::SIGTRAP, WORDS, TerminationReason::Heap),
			(libc::SIGSEGV, WORDS, TerminationReason::Crash),
			(libc::SIGABRT, "assertion failed", TerminationReason::Crash),
		] {
			let task = harness.submit(format!("last-words-and-raise {signal} {words}"));
			assert_eq!(harness.death(task).reason, reason, "{signal} {words}");
		}
	}
}

#[test]
fn a_task_that_came_back_from_a_dead_worker_counts_its_attempts() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let (first, behind) = (harness.submit("raise 11"), harness.submit("raise 6"));
		// The second was sent ahead to the worker that the first has killed, which is no attempt.
		assert_eq!(harness.death(first).attempt, Some(1));
		assert_eq!(harness.death(behind).attempt, Some(1));
	}
}

#[test]
#[cfg(target_os = "linux")]
fn the_kernel_would_rather_kill_a_worker_than_its_parent() {
	let score = |process: &str| -> i32 {
		let text = std::fs::read_to_string(format!("/proc/{process}/oom_score_adj")).unwrap();
		text.trim().parse().unwrap()
	};
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	let task = harness.submit("sleep-forever");
	let pid = harness.running(task);
	let own = score("self");
	assert_eq!(score(&pid.to_string()), own + (1000 - own) * 9 / 10);
}

#[test]
fn a_value_that_was_written_before_the_death_is_delivered() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		for _ in 0..50 {
			let task = harness.submit("answer-and-die");
			assert_eq!(harness.value(task), "answered");
		}
		assert_eq!(harness.ask("echo next"), "next");
	}
}

#[test]
fn a_kill_after_the_last_byte_of_a_value_costs_nothing_and_one_before_it_the_task() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		for _ in 0..20 {
			let (whole, half) = (
				harness.submit("answer-and-kill"),
				harness.submit("half-a-frame-and-kill"),
			);
			assert_eq!(harness.value(whole), "answered");
			let death = harness.death(half);
			assert_eq!((death.exit, death.reason), (KILLED, TerminationReason::Killed));
		}
		assert_eq!(harness.ask("echo next"), "next");
	}
}

#[test]
fn a_kill_while_the_arguments_are_written_costs_another_try_and_at_the_second_time_the_task() {
	for watch in WATCHES {
		let config = pool::PoolConfig {
			init: "deaf".into(),
			..one_worker()
		};
		let mut harness = Harness::start(config, watch);
		// More than the pipe takes.
		let task = harness.submit(vec![b'x'; 8 * 1024 * 1024]);
		let busy = |harness: &Harness| {
			let workers = harness.supervisor.workers();
			workers
				.iter()
				.find(|worker| worker.state == "busy")
				.and_then(|worker| worker.pid)
		};
		let first = poll_until("the first worker", || busy(&harness));
		kill(first, libc::SIGKILL);
		let second = poll_until("the second worker", || busy(&harness).filter(|&pid| pid != first));
		harness.listen();
		assert!(
			!harness
				.heard
				.iter()
				.any(|notice| matches!(notice, Notice::Settled(..)))
		);
		kill(second, libc::SIGKILL);
		let death = harness.death(task);
		assert_eq!(
			(death.exit, death.pid, death.attempt),
			(KILLED, Some(second), Some(2))
		);
	}
}

#[test]
fn workers_that_are_killed_as_they_start_are_replaced_and_no_task_is_lost() {
	for watch in WATCHES {
		let path = std::env::temp_dir().join(format!("loky-starts-{}-{watch:?}", std::process::id()));
		let config = pool::PoolConfig {
			max_workers: 4,
			init: format!("wait-for {}", path.display()).into(),
			..config()
		};
		let mut harness = Harness::start(config, watch);
		let tasks = harness.submit_all(100, "echo x");
		let starting = poll_until("four workers", || {
			let workers = harness.supervisor.workers();
			let pids: Vec<u32> = workers.iter().filter_map(|worker| worker.pid).collect();
			(pids.len() == 4).then_some(pids)
		});
		for pid in starting {
			kill(pid, libc::SIGKILL);
		}
		harness.wait_for("four deaths", |this| (this.exits().len() == 4).then_some(()));
		std::fs::write(&path, "").unwrap();
		for task in tasks {
			assert_eq!(harness.value(task), "x");
		}
		std::fs::remove_file(&path).unwrap();
	}
}

#[test]
fn half_a_frame_is_a_death_and_not_a_value() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let task = harness.submit("half-a-frame");
		let death = harness.death(task);
		assert_eq!(
			(death.exit, death.reason),
			(Exit::Code(6), TerminationReason::Exit)
		);
		assert_eq!(harness.ask("echo next"), "next");
	}
}

#[test]
fn an_idle_worker_that_is_killed_is_replaced_in_silence() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let pid: u32 = harness.ask("pid").parse().unwrap();
		kill(pid, libc::SIGKILL);
		harness.wait_for("the exit", |this| {
			this.exits().first().map(|death| death.exit.clone())
		});
		assert_ne!(harness.ask("pid").parse::<u32>().unwrap(), pid);
	}
}

#[test]
fn a_grandchild_that_holds_the_pipes_delays_nothing_and_dies_with_the_group() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let begin = Instant::now();
		let task = harness.submit("fork-and-exit");
		let death = harness.death(task);
		assert_within(begin.elapsed(), Duration::from_secs(2));
		assert_eq!(death.exit, Exit::Code(5));
		let words = String::from_utf8(death.stderr_tail.to_vec()).unwrap();
		let grandchild = words.trim().strip_prefix("grandchild ").unwrap().parse().unwrap();
		poll_until("the grandchild's end", || (!is_alive(grandchild)).then_some(()));
	}
}

#[test]
fn all_workers_killed_at_once_cost_what_they_ran() {
	for watch in WATCHES {
		let mut harness = Harness::start(config(), watch);
		let running = harness.submit_all(2, "sleep-forever");
		let pids: Vec<u32> = running.iter().map(|&task| harness.running(task)).collect();
		let waiting = harness.submit_all(20, "echo later");
		for &pid in &pids {
			kill(pid, libc::SIGKILL);
		}
		for task in running {
			assert_eq!(harness.death(task).exit, KILLED);
		}
		for task in waiting {
			assert_eq!(harness.value(task), "later");
		}
	}
}

#[test]
fn a_worker_beyond_its_timeout_is_killed_with_its_group() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		harness.ask("echo warm");
		let grandchild: u32 = harness.ask("fork").parse().unwrap();
		let task = harness.submit_with("spin", Some(Duration::from_millis(50)));
		match harness.settlement(task) {
			Settlement::TimedOut(death) => {
				assert_eq!((death.exit, death.reason), (KILLED, TerminationReason::Timeout));
				assert!(death.lifetime >= Duration::from_millis(50));
			}
			other => panic!("{other:?}"),
		}
		poll_until("the grandchild's end", || (!is_alive(grandchild)).then_some(()));
	}
}

#[test]
fn a_worker_whose_task_is_aborted_is_killed_with_its_group_and_nobody_else() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let grandchild: u32 = harness.ask("fork").parse().unwrap();
		let task = harness.submit("spin");
		let waiting = harness.submit("echo later");
		let queued = harness.submit("echo never");
		harness.running(task);
		harness.supervisor.abort([task, queued]);
		assert!(matches!(harness.settlement(queued), Settlement::Cancelled));
		match harness.settlement(task) {
			Settlement::Aborted(death) => {
				assert_eq!((death.exit, death.reason), (KILLED, TerminationReason::Aborted));
			}
			other => panic!("{other:?}"),
		}
		assert_eq!(harness.value(waiting), "later");
		poll_until("the grandchild's end", || (!is_alive(grandchild)).then_some(()));
	}
}

#[test]
fn a_stopped_worker_is_killed_at_its_deadline() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let task = harness.submit_with("spin", Some(Duration::from_millis(200)));
		kill(harness.running(task), libc::SIGSTOP);
		assert_eq!(harness.death(task).exit, KILLED);
	}
}

#[test]
fn the_peak_memory_is_the_workers_own() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		harness.ask("touch 300");
		let task = harness.submit("exit 1");
		let peak = harness.death(task).peak_memory.unwrap();
		assert!((300_000_000..400_000_000).contains(&peak), "{peak}");
	}
}

#[test]
fn a_worker_that_never_becomes_ready_is_killed_and_counted() {
	for watch in WATCHES {
		let config = pool::PoolConfig {
			start_timeout: Duration::from_millis(50),
			init: "never-ready".into(),
			..one_worker()
		};
		let mut harness = Harness::start(config, watch);
		let task = harness.submit("echo never");
		match harness.settlement(task) {
			Settlement::PoolBroken(facts) => {
				let death = facts.death.unwrap();
				assert_eq!((&death.exit, death.reason), (&KILLED, TerminationReason::Timeout));
				assert!(death.pid.is_some());
			}
			other => panic!("{other:?}"),
		}
		assert!(
			harness
				.exits()
				.iter()
				.all(|death| death.reason == TerminationReason::Timeout)
		);
	}
}

#[test]
fn workers_that_die_before_they_are_ready_break_the_pool_with_their_last_words() {
	for watch in WATCHES {
		let mut harness = Harness::start(
			pool::PoolConfig {
				init: "die 9".into(),
				..one_worker()
			},
			watch,
		);
		let task = harness.submit("echo never");
		match harness.settlement(task) {
			Settlement::PoolBroken(facts) => {
				let death = facts.death.unwrap();
				assert_eq!(death.exit, Exit::Code(9));
				assert_eq!(&death.stderr_tail[..], b"last words\n");
			}
			other => panic!("{other:?}"),
		}
		assert!(
			harness
				.heard
				.iter()
				.any(|notice| matches!(notice, Notice::Broken(_)))
		);
		harness.wait_until_closed();
		// The death that broke it is named to whoever comes later.
		let late = harness.submit("echo late");
		match harness.settlement(late) {
			Settlement::PoolBroken(facts) => assert_eq!(facts.death.unwrap().exit, Exit::Code(9)),
			other => panic!("{other:?}"),
		}
	}
}

#[test]
fn a_duration_without_end_is_no_deadline() {
	let config = pool::PoolConfig {
		idle_timeout: Some(Duration::MAX),
		start_timeout: Duration::MAX,
		shutdown_grace: Duration::MAX,
		..config()
	};
	let mut harness = Harness::start(config, WATCHES[0]);
	let task = harness.submit_with("echo x", Some(Duration::MAX));
	assert_eq!(harness.value(task), "x");
	harness.supervisor.shutdown(pool::Shutdown::Drain);
	harness.wait_until_closed();
}
