//! Kills for lack of memory, as the kernel counts them.
//!
//! A process that the kernel kills when memory runs out has died of SIGKILL like any other that was killed. What tells the
//! two apart is a counter of the memory control group that it lived in, which the kernel raises before it sends the signal:
//!
//! | control groups | file | counts |
//! |---|---|---|
//! | version 2 | `memory.events.local`, since Linux 5.2 | processes of the group itself |
//! | version 2 | `memory.events`, before | those of the groups below, too |
//! | version 1 | `memory.oom_control`, since Linux 4.13 | processes of the group itself |
//! | none that can be seen | `/proc/vmstat` | those of the whole machine |
//!
//! The counters name nobody. Each step explains one death: the first one by a SIGKILL that we did not send. A step that no
//! death asks for is forgotten after a while; it belonged to another process of the group. Elsewhere than on Linux none of
//! the files exist, and nothing is ever found.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The kernel frees the memory of a process before its death can be seen: seconds, where there is very much.
const TEAR_DOWN: Duration = Duration::from_secs(10);

/// Of all supervisors in this process: what one has explained by a step of a counter, no other may.
static STEPS: Mutex<Option<Steps>> = Mutex::new(None);

/// The counter of the group that a process lives in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KillCounter(PathBuf);

impl KillCounter {
	/// That of this process, and of a child that it has just made. Its steps so far are noted.
	pub fn own() -> Option<Self> {
		let counter = find(Path::new("/"))?;
		with_steps(|steps| steps.look(&counter, Instant::now()));
		Some(counter)
	}

	/// Whether the kernel has counted a kill that no other death explains. That kill is then taken.
	pub fn explains_a_death(&self) -> bool {
		with_steps(|steps| {
			let now = Instant::now();
			steps.look(self, now);
			steps.take(self, now)
		})
	}

	/// Where it can be read, what it says.
	fn read(&self) -> Option<u64> {
		let text = fs::read_to_string(&self.0).ok()?;
		text.lines()
			.find_map(|line| line.strip_prefix("oom_kill "))?
			.trim()
			.parse()
			.ok()
	}
}

fn with_steps<R>(act: impl FnOnce(&mut Steps) -> R) -> R {
	let mut steps = STEPS.lock().unwrap_or_else(PoisonError::into_inner);
	act(steps.get_or_insert_default())
}

/// What was seen of each counter.
#[derive(Default)]
struct Steps(HashMap<KillCounter, Seen>);

struct Seen {
	count: u64,
	/// Steps that explain no death so far, and when the last of them was seen.
	unclaimed: u64,
	at: Instant,
}

impl Steps {
	fn look(&mut self, counter: &KillCounter, now: Instant) {
		if let Some(count) = counter.read() {
			self.saw(counter, count, now);
		}
	}

	fn saw(&mut self, counter: &KillCounter, count: u64, now: Instant) {
		let Some(seen) = self.0.get_mut(counter) else {
			let seen = Seen {
				count,
				unclaimed: 0,
				at: now,
			};
			self.0.insert(counter.clone(), seen);
			return;
		};
		if now.duration_since(seen.at) > TEAR_DOWN {
			seen.unclaimed = 0;
		}
		if count != seen.count {
			// A group that was removed and made again counts from 0.
			seen.unclaimed += count.saturating_sub(seen.count);
			seen.count = count;
			seen.at = now;
		}
	}

	fn take(&mut self, counter: &KillCounter, now: Instant) -> bool {
		match self.0.get_mut(counter) {
			Some(seen) if seen.unclaimed > 0 && now.duration_since(seen.at) <= TEAR_DOWN => {
				seen.unclaimed -= 1;
				true
			}
			Some(_) | None => false,
		}
	}
}

/// A mounted hierarchy of control groups. `top` is the group that the mount point shows.
struct Hierarchy<'a> {
	is_version_2: bool,
	top: &'a str,
	mount_point: &'a str,
}

/// The counter of this process. `root` is what stands before `/proc` and `/sys`.
fn find(root: &Path) -> Option<KillCounter> {
	let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
	let (membership, mounts) = (text("proc/self/cgroup"), text("proc/self/mountinfo"));
	let of_group = mounts
		.lines()
		.filter_map(hierarchy)
		.flat_map(|hierarchy| files(&hierarchy, &membership));
	of_group
		.chain(["/proc/vmstat".into()])
		.map(|path| KillCounter(root.join(path.trim_start_matches('/'))))
		.find(|counter| counter.read().is_some())
}

/// From a line that reads `id parent device top mountPoint options [optional fields] - type source superOptions`.
fn hierarchy(line: &str) -> Option<Hierarchy<'_>> {
	let (mount, file_system) = line.split_once(" - ")?;
	let mut mount = mount.split(' ').skip(3);
	let (top, mount_point) = (mount.next()?, mount.next()?);
	let mut file_system = file_system.split(' ');
	let is_version_2 = match file_system.next()? {
		"cgroup2" => true,
		"cgroup" if file_system.nth(1)?.split(',').any(|option| option == "memory") => false,
		_ => return None,
	};
	Some(Hierarchy {
		is_version_2,
		top,
		mount_point,
	})
}

/// Where a hierarchy may have the counter of the group whose name is among the memberships, best first.
fn files(hierarchy: &Hierarchy<'_>, membership: &str) -> Vec<String> {
	// Lines read `number:controllers:path`; version 2 names no controllers.
	let path = membership.lines().find_map(|line| {
		let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
		let is_it = if hierarchy.is_version_2 {
			controllers.is_empty()
		} else {
			controllers.split(',').any(|controller| controller == "memory")
		};
		is_it.then_some(path)
	});
	let Some(path) = path else { return Vec::new() };
	// In a container the path may be the host's and the mount a part of the host's tree, or the path may lie outside of it.
	let below = match path.strip_prefix(hierarchy.top.trim_end_matches('/')) {
		Some(below) if (below.is_empty() || below.starts_with('/')) && !below.contains("/..") => below,
		Some(_) | None => "",
	};
	let names: &[&str] = if hierarchy.is_version_2 {
		&["memory.events.local", "memory.events"]
	} else {
		&["memory.oom_control"]
	};
	// A group without the controller counts as a part of the one above it.
	let below = below.trim_end_matches('/');
	let ends = below.rmatch_indices('/').map(|(end, _)| end);
	[below.len()]
		.into_iter()
		.chain(ends)
		.flat_map(|end| {
			let directory = format!("{}{}", hierarchy.mount_point, &below[..end]);
			names.iter().map(move |name| format!("{directory}/{name}"))
		})
		.collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn counter(name: &str) -> KillCounter {
		KillCounter(name.into())
	}

	/// Steps of a counter that read 7 at the time 0.
	fn steps() -> (Steps, KillCounter, Instant) {
		let (mut steps, counter, now) = (Steps::default(), counter("a"), Instant::now());
		steps.saw(&counter, 7, now);
		(steps, counter, now)
	}

	#[test]
	fn what_was_counted_before_the_first_look_explains_nothing() {
		let (mut steps, counter, now) = steps();
		assert!(!steps.take(&counter, now));
	}

	#[test]
	fn each_step_explains_one_death() {
		let (mut steps, counter, now) = steps();
		steps.saw(&counter, 9, now);
		assert!(steps.take(&counter, now));
		steps.saw(&counter, 9, now);
		assert!(steps.take(&counter, now));
		assert!(!steps.take(&counter, now));
		steps.saw(&counter, 10, now);
		assert!(steps.take(&counter, now));
	}

	#[test]
	fn a_step_that_is_seen_before_the_death_explains_it_for_some_seconds() {
		let (mut steps, counter, now) = steps();
		steps.saw(&counter, 8, now);
		let later = now + TEAR_DOWN;
		steps.saw(&counter, 8, later);
		assert!(steps.take(&counter, later));
		steps.saw(&counter, 9, later);
		let too_late = later + TEAR_DOWN + Duration::from_millis(1);
		steps.saw(&counter, 9, too_late);
		assert!(!steps.take(&counter, too_late));
	}

	#[test]
	fn a_counter_that_begins_again_explains_nothing_by_that() {
		let (mut steps, counter, now) = steps();
		steps.saw(&counter, 0, now);
		assert!(!steps.take(&counter, now));
		steps.saw(&counter, 1, now);
		assert!(steps.take(&counter, now));
	}

	#[test]
	fn counters_do_not_stand_in_for_each_other() {
		let (mut steps, first, now) = steps();
		let second = counter("b");
		steps.saw(&second, 3, now);
		steps.saw(&second, 4, now);
		assert!(!steps.take(&first, now));
		assert!(steps.take(&second, now));
	}

	/// A tree of files, gone with the value.
	struct Tree(PathBuf);

	impl Tree {
		fn new(name: &str, files: &[(&str, &str)]) -> Self {
			let root = std::env::temp_dir().join(format!("loky-{}-{name}", std::process::id()));
			for (path, text) in files {
				let path = root.join(path);
				fs::create_dir_all(path.parent().unwrap()).unwrap();
				fs::write(path, text).unwrap();
			}
			Self(root)
		}

		fn found(&self) -> Option<(String, u64)> {
			let counter = find(&self.0)?;
			let path = counter
				.0
				.strip_prefix(&self.0)
				.unwrap()
				.to_str()
				.unwrap()
				.to_owned();
			Some((path, counter.read().unwrap()))
		}
	}

	impl Drop for Tree {
		fn drop(&mut self) {
			let _ = fs::remove_dir_all(&self.0);
		}
	}

	const VERSION_2: &str =
		"30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
	const EVENTS: &str = "low 0\nhigh 0\nmax 55\noom 2\noom_kill 2\noom_group_kill 0\n";

	#[test]
	fn of_version_2_the_events_of_the_group_itself_are_read() {
		let tree = Tree::new(
			"local",
			&[
				("proc/self/cgroup", "0::/app.slice/program\n"),
				("proc/self/mountinfo", VERSION_2),
				("sys/fs/cgroup/app.slice/program/memory.events", EVENTS),
				(
					"sys/fs/cgroup/app.slice/program/memory.events.local",
					"oom 1\noom_kill 1\n",
				),
				("proc/vmstat", "oom_kill 9\n"),
			],
		);
		let expected = "sys/fs/cgroup/app.slice/program/memory.events.local";
		assert_eq!(tree.found(), Some((expected.into(), 1)));
	}

	#[test]
	fn of_an_older_version_2_all_events_are_read() {
		let tree = Tree::new(
			"events",
			&[
				("proc/self/cgroup", "0::/\n"),
				("proc/self/mountinfo", VERSION_2),
				("sys/fs/cgroup/memory.events", EVENTS),
			],
		);
		assert_eq!(tree.found(), Some(("sys/fs/cgroup/memory.events".into(), 2)));
	}

	#[test]
	fn a_group_that_does_not_count_is_counted_in_the_one_above() {
		let tree = Tree::new(
			"above",
			&[
				("proc/self/cgroup", "0::/user.slice/session/scope\n"),
				("proc/self/mountinfo", VERSION_2),
				("sys/fs/cgroup/user.slice/memory.events.local", EVENTS),
			],
		);
		let expected = "sys/fs/cgroup/user.slice/memory.events.local";
		assert_eq!(tree.found(), Some((expected.into(), 2)));
	}

	#[test]
	fn of_version_1_the_controller_of_memory_counts() {
		let tree = Tree::new(
			"version-1",
			&[
				(
					"proc/self/cgroup",
					"4:cpu,cpuacct:/other\n3:memory:/docker/abc/inner\n0::/\n",
				),
				(
					"proc/self/mountinfo",
					"40 30 0:30 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
					 41 30 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
					 42 30 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
				),
				(
					"sys/fs/cgroup/memory/inner/memory.oom_control",
					"oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
				),
			],
		);
		let expected = "sys/fs/cgroup/memory/inner/memory.oom_control";
		assert_eq!(tree.found(), Some((expected.into(), 5)));
	}

	#[test]
	fn a_group_outside_of_what_is_mounted_is_looked_for_at_the_mount_point() {
		for path in ["/../elsewhere", "/docker/abcdef", "/system.slice"] {
			let tree = Tree::new(
				"outside",
				&[
					("proc/self/cgroup", &format!("0::{path}\n")),
					(
						"proc/self/mountinfo",
						"30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
					),
					("sys/fs/cgroup/memory.events.local", "oom_kill 3\n"),
				],
			);
			let expected = "sys/fs/cgroup/memory.events.local";
			assert_eq!(tree.found(), Some((expected.into(), 3)), "{path}");
		}
	}

	#[test]
	fn without_a_group_the_machine_counts_and_without_that_nothing() {
		let tree = Tree::new(
			"machine",
			&[
				("proc/self/cgroup", "0::/\n"),
				("proc/self/mountinfo", VERSION_2),
				("proc/vmstat", "nr_free_pages 77\noom_kill 6\ndrop_pagecache 0\n"),
			],
		);
		assert_eq!(tree.found(), Some(("proc/vmstat".into(), 6)));
		assert_eq!(Tree::new("nothing", &[]).found(), None);
	}
}
