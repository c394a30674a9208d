//! Programs in which others take the exit statuses of our children. Alone in its process, because signal dispositions are.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pool::{Exit, Shutdown};
use supervisor::Settlement;
use support::{Harness, Over, WATCHES, config, kill};

/// Deaths of every kind, of which each is found, whether its status is known or not.
fn deaths_are_found(is_plausible: impl Fn(&Exit, &Exit) -> bool) {
	let killed = Exit::Signal {
		signal: libc::SIGKILL,
		core_dumped: false,
	};
	for watch in WATCHES {
		for _ in 0..10 {
			let mut harness = Harness::start(config(), watch);
			let exits = harness.submit("exit 7");
			let death = harness.death(exits);
			assert!(is_plausible(&death.exit, &Exit::Code(7)), "{death:?}");
			let running = harness.submit("sleep-forever");
			kill(harness.running(running), libc::SIGKILL);
			let death = harness.death(running);
			assert!(is_plausible(&death.exit, &killed), "{death:?}");
			let (whole, half) = (
				harness.submit("answer-and-kill"),
				harness.submit("half-a-frame-and-kill"),
			);
			assert_eq!(harness.value(whole), "answered");
			assert!(matches!(
				harness.settlement(half),
				Settlement::WorkerTerminated(_)
			));
			assert_eq!(harness.ask("echo next"), "next");
			harness.supervisor.shutdown(Shutdown::Drain);
			harness.wait_until_closed();
		}
	}
}

#[test]
fn deaths_are_found_where_others_take_the_statuses() {
	// SAFETY: ignoring a signal runs nothing. The kernel then keeps no status at all.
	unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
	deaths_are_found(|exit, _| *exit == Exit::Unknown);
	// SAFETY: the default action runs nothing.
	unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };

	let is_done = AtomicBool::new(false);
	thread::scope(|scope| {
		scope.spawn(|| {
			while !is_done.load(Ordering::SeqCst) {
				// SAFETY: the status is not wanted.
				unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
			}
		});
		let _over = Over(&is_done);
		deaths_are_found(|exit, real| exit == real || *exit == Exit::Unknown);
	});
}
