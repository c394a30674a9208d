//! Processes that are no workers and take the same numbers, over and over: nothing may hit them.

use std::io::Read;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Until the standard input ends. Prints how many there were; panics when one was hit.
pub fn run() {
	thread::spawn(|| {
		let _ = std::io::stdin().read_to_end(&mut Vec::new());
		IS_OVER.store(true, Ordering::SeqCst);
	});
	let mut standing: Vec<Child> = (0..20).map(|_| start()).collect();
	let mut survived = 0;
	while !IS_OVER.load(Ordering::SeqCst) {
		for bystander in &mut standing {
			if let Some(status) = bystander.try_wait().unwrap() {
				assert!(status.success(), "a bystander was hit: {status}");
				survived += 1;
				*bystander = start();
			}
		}
		thread::sleep(Duration::from_millis(5));
	}
	for mut bystander in standing {
		let status = bystander.wait().unwrap();
		assert!(status.success(), "a bystander was hit: {status}");
		survived += 1;
	}
	println!("{survived}");
}

fn start() -> Child {
	Command::new(std::env::current_exe().unwrap())
		.args(["bystander", "1000"])
		.spawn()
		.unwrap()
}
