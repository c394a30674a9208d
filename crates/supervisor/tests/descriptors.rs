//! Which descriptors a worker has, and that none is left over in the parent.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;

use support::{Harness, MISBEHAVE, WATCHES, one_worker};

fn parse(answer: &str) -> BTreeMap<i32, String> {
	let pair = |line: &str| {
		let (number, target) = line.split_once(' ')?;
		Some((number.parse().ok()?, target.to_owned()))
	};
	answer.lines().filter_map(pair).collect()
}

#[test]
fn a_worker_has_its_own_descriptors_and_none_of_the_parents() {
	let file = std::fs::File::open("/dev/zero").unwrap();
	let foreign: Vec<OwnedFd> = (0..100).map(|_| rustix::io::dup(&file).unwrap()).collect();
	assert!(foreign.iter().all(|descriptor| {
		rustix::io::fcntl_getfd(descriptor).unwrap() == rustix::io::FdFlags::empty()
			&& descriptor.as_raw_fd() > 2
	}));
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let open = parse(&harness.ask("descriptors"));
		assert_eq!(open[&0], "/dev/null");
		// The seventh, the claim memory, is closed as soon as it is mapped.
		for (number, start) in [
			(1, "pipe:"),
			(2, "pipe:"),
			(3, "pipe:"),
			(4, "pipe:"),
			(5, "socket:"),
		] {
			assert!(
				open.get(&number).is_some_and(|target| target.starts_with(start)),
				"{number}: {open:?}"
			);
		}
		// Whatever it has besides, it has opened by itself: the listing of its own descriptors.
		assert!(
			open.values().all(|target| !target.contains("/dev/zero")),
			"{open:?}"
		);
		assert!(open.keys().all(|&number| number < 10), "{open:?}");
	}
}

#[test]
fn a_parent_without_standard_descriptors_gives_its_workers_pipes_all_the_same() {
	let path = std::env::temp_dir().join(format!("loky-descriptors-{}", std::process::id()));
	let status = Command::new(MISBEHAVE)
		.arg("host")
		.arg("closed")
		.arg(&path)
		.status()
		.unwrap();
	assert!(status.success());
	let open = parse(&std::fs::read_to_string(&path).unwrap());
	std::fs::remove_file(&path).unwrap();
	assert_eq!(&*open[&0], "/dev/null");
	assert!(open[&1].starts_with("pipe:") && open[&2].starts_with("pipe:"));
	assert_ne!(open[&1], open[&2]);
}
