//! A parent that is out of descriptors. Alone in its process, because the limit is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{Harness, WATCHES, one_worker, poll_until};

#[test]
fn a_worker_is_started_when_descriptors_can_be_had_again() {
	for watch in WATCHES {
		let mut harness = Harness::start(one_worker(), watch);
		let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
		let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
		let mut tight = limits;
		tight.current = Some(open + 3);
		rustix::process::setrlimit(rustix::process::Resource::Nofile, tight).unwrap();
		let task = harness.submit("echo at last");
		// Long enough for a few tries.
		let begin = std::time::Instant::now();
		poll_until("some tries", || (begin.elapsed().as_millis() > 300).then_some(()));
		harness.listen();
		assert!(harness.heard.is_empty(), "{:?}", harness.heard);
		rustix::process::setrlimit(rustix::process::Resource::Nofile, limits).unwrap();
		assert_eq!(harness.value(task), "at last");
	}
}
