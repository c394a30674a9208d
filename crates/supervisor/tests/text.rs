//! What workers write: in which order it is told, whose it is, and how much of it may wait.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use pool::{PoolConfig, TaskId};
use supervisor::{DeathWatch, Launch, Notice, Stream, TextUse};
use support::{Harness, WATCHES, config, launch, one_worker};

fn start(config: PoolConfig, watch: DeathWatch, text_use: TextUse) -> Harness {
	let launch = Launch {
		text_use,
		..launch(watch)
	};
	Harness::launch(config, launch)
}

#[test]
fn text_is_told_before_the_settlement_of_its_task() {
	for watch in WATCHES {
		let mut harness = start(config(), watch, TextUse::PassedOn);
		let tasks = harness.submit_all(500, "print line\n");
		for task in tasks {
			harness.value(task);
		}
		let mut lines = 0;
		for notice in &harness.heard {
			match notice {
				Notice::Output { bytes, stream, .. } => {
					assert_eq!(*stream, Stream::Stdout);
					lines += bytes.len() / 5;
				}
				Notice::Settled(..) => lines = lines.checked_sub(1).unwrap(),
				_ => {}
			}
		}
		assert_eq!(lines, 0);
	}
}

#[test]
fn marked_text_is_told_with_its_task() {
	for watch in WATCHES {
		let mut harness = start(config(), watch, TextUse::Marked);
		let tasks: Vec<TaskId> = (1..=500)
			.map(|number| harness.submit(format!("print-marked {number}")))
			.collect();
		for task in tasks {
			harness.value(task);
		}
		let mut told = 0;
		for notice in &harness.heard {
			if let Notice::Output { bytes, task, .. } = notice {
				assert_eq!(&bytes[..], format!("{}\n", task.unwrap().0).as_bytes());
				told += 1;
			}
		}
		assert_eq!(told, 500);
	}
}

#[test]
fn discarded_text_holds_up_nobody_and_its_last_lines_are_kept() {
	for watch in WATCHES {
		let mut harness = start(one_worker(), watch, TextUse::Discarded);
		assert_eq!(harness.ask("stdout 8000000"), "written");
		assert_eq!(harness.ask("stderr 8000000"), "written");
		let task = harness.submit("last-words the disk is full");
		let tail = harness.death(task).stderr_tail;
		assert!(tail.ends_with(b"x\nthe disk is full\n"));
		assert_eq!(harness.output(), b"");
	}
}

#[test]
fn last_words_that_nobody_takes_are_left_out_in_the_end() {
	const EACH: usize = 65_000;
	let mut harness = start(one_worker(), WATCHES[0], TextUse::PassedOn);
	let deaths = 300;
	let tasks: Vec<TaskId> = (0..deaths)
		.map(|_| harness.submit(format!("print-and-die {EACH}")))
		.collect();
	support::poll_until("the deaths", || {
		(harness.supervisor.outstanding() == 0).then_some(())
	});
	let told = harness.output().len();
	assert_eq!(told, 0, "nothing was taken");
	for task in tasks {
		harness.death(task);
	}
	let told = harness.output().len();
	assert!(told > 4 * 1024 * 1024 && told < 10 * 1024 * 1024, "{told}");
	let dropped = |notice: &&Notice| matches!(notice, Notice::TextDropped);
	assert_eq!(harness.heard.iter().filter(dropped).count(), 1);
}
