//! What becomes of workers that stand still.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pool::{Exit, PoolConfig, Shutdown, TerminationReason};
use supervisor::Settlement;
use support::{Harness, WATCHES, assert_within, config, kill, one_worker, poll_until, state_of};

const KILLED: Exit = Exit::Signal {
	signal: libc::SIGKILL,
	core_dumped: false,
};

/// Two workers whose patience is short.
fn impatient() -> PoolConfig {
	PoolConfig {
		start_timeout: Duration::from_millis(400),
		shutdown_grace: Duration::from_millis(400),
		..config()
	}
}

fn impatient_one() -> PoolConfig {
	PoolConfig {
		max_workers: 1,
		..impatient()
	}
}

fn stop(pid: u32) {
	kill(pid, libc::SIGSTOP);
	poll_until("the stop", || (state_of(pid) == Some('T')).then_some(()));
}

#[test]
fn a_worker_that_is_stopped_as_it_starts_is_killed_and_replaced() {
	for watch in WATCHES {
		let path = std::env::temp_dir().join(format!("loky-stop-{}-{watch:?}", std::process::id()));
		let config = PoolConfig {
			init: format!("wait-for {}", path.display()).into(),
			..impatient_one()
		};
		let mut harness = Harness::start(config, watch);
		let task = harness.submit("echo at last");
		let pid = poll_until("a process", || {
			harness.supervisor.workers().first().and_then(|worker| worker.pid)
		});
		stop(pid);
		std::fs::write(&path, "").unwrap();
		assert_eq!(harness.value(task), "at last");
		let exits = harness.exits();
		assert_eq!(
			(&exits[0].exit, exits[0].reason),
			(&KILLED, TerminationReason::Timeout)
		);
		std::fs::remove_file(&path).unwrap();
	}
}

#[test]
fn an_idle_worker_that_is_stopped_is_found_out_by_the_next_task_which_runs_elsewhere() {
	for watch in WATCHES {
		let mut harness = Harness::start(impatient_one(), watch);
		let pid: u32 = harness.ask("pid").parse().unwrap();
		stop(pid);
		let task = harness.submit("pid");
		assert_ne!(harness.value(task).parse::<u32>().unwrap(), pid);
		assert_eq!(harness.exits()[0].reason, TerminationReason::Timeout);
	}
}

#[test]
fn a_worker_that_is_stopped_while_it_runs_or_writes_is_killed_at_the_timeout_of_its_task() {
	for watch in WATCHES {
		let mut harness = Harness::start(config(), watch);
		// The second cannot write all before it is stopped: nobody takes in so much at once.
		for text in ["spin", "bytes 2000000000"] {
			let task = harness.submit_with(text, Some(Duration::from_millis(300)));
			stop(harness.running(task));
			match harness.settlement(task) {
				Settlement::TimedOut(death) => {
					assert_eq!((death.exit, death.reason), (KILLED, TerminationReason::Timeout));
				}
				other => panic!("{text}: {other:?}"),
			}
			assert_eq!(harness.ask("echo next"), "next");
		}
	}
}

#[test]
fn a_worker_that_spins_between_tasks_holds_up_one_task_until_it_is_killed_and_no_other() {
	for watch in WATCHES {
		let mut harness = Harness::start(impatient(), watch);
		harness.ask("echo warm");
		let spinner = harness.submit("answer-and-spin");
		assert_eq!(harness.value(spinner), "answered");
		let tasks = harness.submit_all(200, "echo x");
		for task in tasks {
			assert_eq!(harness.value(task), "x");
		}
		harness.supervisor.shutdown(Shutdown::Drain);
		harness.wait_until_closed();
		assert!(harness.exits().iter().any(|death| death.exit == KILLED),);
	}
}

#[test]
fn a_worker_that_spins_between_tasks_is_killed_by_a_shutdown() {
	for watch in WATCHES {
		let mut harness = Harness::start(impatient_one(), watch);
		let spinner = harness.submit("answer-and-spin");
		assert_eq!(harness.value(spinner), "answered");
		harness.supervisor.shutdown(Shutdown::Drain);
		harness.wait_until_closed();
	}
}

#[test]
fn a_worker_that_reads_nothing_blocks_nobody() {
	for watch in WATCHES {
		let mut harness = Harness::start(
			PoolConfig {
				start_timeout: Duration::from_secs(2),
				..config()
			},
			watch,
		);
		let deaf = harness.submit("answer-and-spin");
		assert_eq!(harness.value(deaf), "answered");
		// More than its pipe takes, and more than one worker is given at once.
		let large: Vec<_> = (0..4)
			.map(|_| harness.submit(vec![b'x'; 4 * 1024 * 1024]))
			.collect();
		let begin = Instant::now();
		for _ in 0..100 {
			assert_eq!(harness.ask("echo x"), "x");
		}
		assert_within(begin.elapsed(), Duration::from_millis(1900));
		for task in large {
			assert_eq!(harness.value(task).len(), 4 * 1024 * 1024);
		}
	}
}

/// A debugger that holds a process, as a native one does.
fn trace(pid: u32) -> Option<Child> {
	let program = "import ctypes,os,sys,time\n\
		libc=ctypes.CDLL(None,use_errno=True)\n\
		pid=int(sys.argv[1])\n\
		sys.exit(1) if libc.ptrace(16,pid,0,0)!=0 else os.waitpid(pid,0x40000000)\n\
		print('held',flush=True)\n\
		sys.stdin.read()\n\
		libc.ptrace(17,pid,0,0)\n";
	let mut debugger = Command::new("python3")
		.args(["-c", program, &pid.to_string()])
		.stdin(Stdio::piped())
		.stdout(Stdio::piped())
		.spawn()
		.ok()?;
	let mut word = [0; 4];
	if std::io::Read::read_exact(debugger.stdout.as_mut()?, &mut word).is_err() {
		let _ = debugger.wait();
		return None;
	}
	Some(debugger)
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_a_debugger_holds_has_no_timeout_until_it_is_let_go() {
	let mut harness = Harness::start(one_worker(), WATCHES[0]);
	let task = harness.submit_with("spin", Some(Duration::from_millis(300)));
	let pid = harness.running(task);
	// Neither Python nor ptrace is everywhere.
	let Some(mut debugger) = trace(pid) else { return };
	let begin = Instant::now();
	poll_until("three timeouts", || {
		(begin.elapsed() > Duration::from_millis(900)).then_some(())
	});
	assert!(harness.supervisor.is_running(task));
	drop(debugger.stdin.take());
	debugger.wait().unwrap();
	assert!(matches!(harness.settlement(task), Settlement::TimedOut(_)));
}
