//! Payloads larger than any pipe, and output that nobody takes.

mod support;

use bytes::Bytes;
use pool::TerminationReason;
use supervisor::{Launch, Notice, Settlement};
use support::{Harness, WATCHES, config, launch, one_worker, poll_until};

#[test]
fn sixty_four_megabytes_go_there_and_back_whole() {
	let mut payload: Vec<u8> = (0..64 * 1024 * 1024 / 4_u32).flat_map(u32::to_le_bytes).collect();
	payload.push(1);
	let payload = Bytes::from(payload);
	let mut harness = Harness::start(config(), WATCHES[0]);
	let tasks: Vec<_> = (0..3).map(|_| harness.submit(payload.clone())).collect();
	let small = harness.submit_all(100, "echo small");
	for task in tasks {
		match harness.settlement(task) {
			Settlement::Returned(value) => assert!(value == payload),
			other => panic!("{other:?}"),
		}
	}
	for task in small {
		assert_eq!(harness.value(task), "small");
	}
}

#[test]
fn a_value_above_the_limit_ends_its_worker() {
	let mut harness = Harness::launch(
		one_worker(),
		Launch {
			max_payload: 1000,
			..launch(WATCHES[0])
		},
	);
	let task = harness.submit("bytes 1000");
	assert_eq!(harness.value(task).len(), 1000);
	let task = harness.submit("bytes 1001");
	assert_eq!(harness.death(task).reason, TerminationReason::Protocol);
}

#[test]
fn output_that_nobody_takes_holds_up_its_worker_and_no_other() {
	const BYTES: usize = 8_000_000;
	for watch in WATCHES {
		let mut harness = Harness::start(config(), watch);
		let chatty = harness.submit("stderr 8000000");
		harness.running(chatty);
		for _ in 0..20 {
			let others = harness.submit_all(10, "echo x");
			poll_until("the others", || {
				(harness.supervisor.outstanding() == 1).then_some(())
			});
			drop(others);
		}
		assert!(harness.supervisor.is_running(chatty));
		let mut notices = Vec::new();
		harness.supervisor.take_notices(&mut notices);
		let mut taken: usize = notices
			.iter()
			.map(|notice| match notice {
				Notice::Output { bytes, .. } => {
					harness.supervisor.text_taken(bytes.len());
					bytes.len()
				}
				_ => 0,
			})
			.sum();
		assert!(taken < 3 * 1024 * 1024, "{taken}");
		assert_eq!(harness.value(chatty), "written");
		taken += poll_until("the rest", || {
			harness.listen();
			let rest = harness.output().len();
			(taken + rest == BYTES).then_some(rest)
		});
		assert_eq!(taken, BYTES);
	}
}
