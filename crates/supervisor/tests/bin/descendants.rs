//! Processes that tasks start and nobody asks for afterwards.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio, exit};
use std::thread::sleep;
use std::time::Duration;

/// None lives longer than this, whatever a test finds out.
const LIFE: Duration = Duration::from_secs(60);

#[expect(clippy::zombie_processes, reason = "nobody asks for it afterwards")]
/// Starts one of a kind. It can be found by the token in its command line.
pub fn start(kind: &str, token: &str) {
	let mut command = Command::new(std::env::current_exe().unwrap());
	command.args(["descendant", kind, token]);
	if kind == "daemon" {
		command.env_clear();
		command
			.stdin(Stdio::null())
			.stdout(Stdio::null())
			.stderr(Stdio::null());
	}
	let is_grouped = kind == "grouped";
	let leave = move || {
		if !is_grouped {
			rustix::process::setsid()?;
		}
		Ok(())
	};
	// SAFETY: a system call only, which a forked process may make.
	unsafe { command.pre_exec(leave) };
	command.spawn().unwrap();
}

/// `misbehave descendant KIND TOKEN`
pub fn run(kind: &str) {
	// SAFETY: ignoring a signal runs nothing.
	unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
	// SAFETY: as above. The children that end are not waited for.
	unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
	match kind {
		"daemon" => {
			if fork() {
				exit(0);
			}
			rustix::process::setsid().unwrap();
			(0..64).for_each(super::close);
		}
		// One after the other, and all of them stay.
		"breeding" => {
			for _ in 0..1000 {
				if !fork() {
					break;
				}
				sleep(Duration::from_millis(1));
			}
		}
		_ => {}
	}
	sleep(LIFE);
}

/// Whether this is the parent.
fn fork() -> bool {
	// SAFETY: this process has one thread.
	let pid = unsafe { libc::fork() };
	assert!(pid >= 0);
	pid > 0
}
