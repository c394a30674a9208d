//! A worker that does what the text of its tasks says, most of it wrong. `misbehave host ...` is a parent of such workers,
//! `misbehave bystanders` one of processes that have nothing to do with them.
#![expect(
	clippy::unwrap_used,
	reason = "a panic of this program is one more way to misbehave"
)]

mod bystanders;
mod descendants;
mod host;
#[path = "../support/runs.rs"]
#[allow(dead_code, reason = "the other half is for the parent")]
mod runs;

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, exit};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use pool::frame::{Frame, FrameKind};
use pool::{FunctionId, Sequence};
use supervisor::WorkerEnd;

fn main() {
	let arguments: Vec<String> = std::env::args().collect();
	match arguments.get(1).map(String::as_str) {
		Some("host") => return host::run(),
		Some("bystanders") => return bystanders::run(),
		Some("bystander") => return sleep(Duration::from_millis(arguments[2].parse().unwrap())),
		_ => {}
	}
	if std::env::args().nth(1).as_deref() == Some("descendant") {
		return descendants::run(&std::env::args().nth(2).unwrap());
	}
	#[cfg(feature = "fault-injection")]
	if let Some(most) = std::env::var("MOST_BYTES")
		.ok()
		.and_then(|most| most.parse().ok())
	{
		supervisor::faults::limit_bytes(most);
	}
	let mut end = WorkerEnd::open().unwrap();
	let mut frames = Vec::new();
	let mut functions = HashMap::new();
	loop {
		end.wait_readable().unwrap();
		if !end.read_frames(&mut frames).unwrap() {
			end.end_with_descendants();
		}
		let mut batch = frames.drain(..);
		while let Some(frame) = batch.next() {
			let is_last = batch.len() == 0;
			match frame.kind {
				FrameKind::Init => begin(&end, &text_of(&frame)),
				FrameKind::Function => drop(functions.insert(frame.function, frame.payload)),
				FrameKind::Forget => drop(functions.remove(&frame.function)),
				FrameKind::Task if end.claim(frame.sequence) => run(&end, &frame, &functions, is_last),
				FrameKind::ObservedTask if end.claim(frame.sequence) => {
					end.write_frame(FrameKind::Started, frame.sequence, &[], is_last)
						.unwrap();
					run(&end, &frame, &functions, is_last);
				}
				FrameKind::Exit => exit(0),
				_ => {}
			}
		}
	}
}

fn text_of(frame: &Frame) -> String {
	String::from_utf8_lossy(&frame.payload).into_owned()
}

/// What to do before the first task.
fn begin(end: &WorkerEnd, text: &str) {
	let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
	match word {
		"never-ready" => sleep_forever(),
		// Until the file is there.
		"wait-for" => {
			while !std::path::Path::new(rest).exists() {
				sleep(Duration::from_millis(5));
			}
		}
		"stray-byte" => write_all(4, b"x"),
		"other-version" => {
			let mut header = header(0, FrameKind::Ready as u8, Sequence(0));
			header[6..8].copy_from_slice(b"K\x09");
			write_all(4, &header);
			sleep_forever();
		}
		"die" => {
			eprintln!("last words");
			exit(rest.parse().unwrap());
		}
		"throw" => {
			end.write_frame(FrameKind::StartFailed, Sequence(0), rest.as_bytes(), true)
				.unwrap();
			exit(1);
		}
		// Its frames stay in the pipe.
		"deaf" => {
			end.write_frame(FrameKind::Ready, Sequence(0), &[], true).unwrap();
			sleep_forever();
		}
		"deaf-to-signals" => {
			ignore_terminate();
			end.write_frame(FrameKind::Ready, Sequence(0), &[], true).unwrap();
			sleep_forever();
		}
		_ => {}
	}
	end.write_frame(FrameKind::Ready, Sequence(0), &[], true).unwrap();
}

fn run(end: &WorkerEnd, frame: &Frame, functions: &HashMap<FunctionId, Bytes>, is_last: bool) {
	let answer = |bytes: &[u8]| {
		end.write_frame(FrameKind::Returned, frame.sequence, bytes, is_last)
			.unwrap();
	};
	if frame.payload.len() > 4096 || frame.payload.is_empty() {
		return answer(&frame.payload);
	}
	let text = text_of(frame);
	let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
	match word {
		"throw" => end
			.write_frame(FrameKind::Threw, frame.sequence, rest.as_bytes(), is_last)
			.unwrap(),
		"print-marked" => {
			write_all(
				1,
				format!("\0loky:{}\0{rest}\n\0loky:0\0", frame.sequence.0).as_bytes(),
			);
			answer(b"printed");
		}
		"answer-and-kill" => {
			answer(b"answered");
			raise(libc::SIGKILL);
		}
		// Reads nothing more.
		"answer-and-spin" => {
			answer(b"answered");
			spin();
		}
		"answer-and-die" => {
			answer(b"answered");
			exit(4);
		}
		// Without a bell, unless the last one was long ago.
		"answer-quietly-and-die" => {
			end.write_frame(FrameKind::Returned, frame.sequence, b"answered", false)
				.unwrap();
			exit(4);
		}
		"answer-quietly-and-sleep" => {
			end.write_frame(FrameKind::Returned, frame.sequence, b"answered", false)
				.unwrap();
			sleep(Duration::from_millis(rest.parse().unwrap()));
		}
		// The number of functions, the length of the one that the task calls, the resident memory in KiB.
		"functions" => {
			let called = functions.get(&frame.function).map_or(0, Bytes::len);
			answer(format!("{} {called} {}", functions.len(), resident()).as_bytes());
		}
		_ => {
			if let Some(bytes) = answer_to(word, rest) {
				return answer(&bytes);
			}
			end_or_hang(word, rest);
			break_protocol(end, frame.sequence, word);
		}
	}
}

/// What an ordinary task gives back. `None` for what is none.
fn answer_to(word: &str, rest: &str) -> Option<Vec<u8>> {
	let number = || rest.parse::<usize>().unwrap();
	Some(match word {
		"echo" => rest.into(),
		"bytes" => vec![b'x'; number()],
		"slow" => {
			sleep(Duration::from_millis(rest.parse().unwrap()));
			b"slow".into()
		}
		// The number of the task, and how many µs it takes.
		"recorded" => {
			let (task, pause) = rest.split_once(' ').unwrap();
			runs::write_down(task.parse().unwrap(), false);
			sleep(Duration::from_micros(pause.parse().unwrap()));
			runs::write_down(task.parse().unwrap(), true);
			task.into()
		}
		"touch" => {
			let memory = vec![1_u8; number() * 1024 * 1024];
			vec![std::hint::black_box(&memory)[number()]]
		}
		"stdout" | "stderr" => {
			let line = [b"x".repeat(99), b"\n".to_vec()].concat();
			for _ in 0..number() / line.len() {
				write_all(if word == "stdout" { 1 } else { 2 }, &line);
			}
			b"written".into()
		}
		"print" => {
			write_all(1, rest.as_bytes());
			b"printed".into()
		}
		"pid" => std::process::id().to_string().into(),
		"ignore-terminate" => {
			ignore_terminate();
			b"ignored".into()
		}
		"start" => {
			start_all(rest);
			b"started".into()
		}
		"fork" => grandchild().to_string().into(),
		"descriptors" => descriptors().into(),
		"status" => std::fs::read("/proc/self/status").unwrap(),
		"process" => process().into(),
		"environment" => format!("{:?}", std::env::vars().collect::<Vec<_>>()).into(),
		_ => return None,
	})
}

/// Tasks that never give anything back. Returns only from what is none.
fn end_or_hang(word: &str, rest: &str) {
	match word {
		"recorded-exit" => {
			runs::write_down(rest.parse().unwrap(), false);
			exit(0);
		}
		"sleep-forever" => sleep_forever(),
		"spin" => spin(),
		"spin-as-nobody" => {
			// SAFETY: a system call without pointers.
			assert_eq!(unsafe { libc::setuid(65_534) }, 0);
			spin();
		}
		"exit" => exit(rest.parse().unwrap()),
		"last-words" => {
			eprintln!("{rest}");
			exit(3);
		}
		"last-words-and-raise" => {
			let (signal, words) = rest.split_once(' ').unwrap();
			eprintln!("{words}");
			raise(signal.parse().unwrap());
		}
		"raise" => raise(rest.parse().unwrap()),
		"print-and-die" => {
			write_all(1, &vec![b'x'; rest.parse().unwrap()]);
			raise(9);
		}
		"start-and-spin" => {
			start_all(rest);
			spin();
		}
		"start-and-exit" => {
			start_all(rest);
			exit(7);
		}
		"kill-own-group" => {
			rustix::process::kill_current_process_group(rustix::process::Signal::KILL).unwrap();
			sleep_forever();
		}
		"fork-and-exit" => {
			write_all(2, format!("grandchild {}\n", grandchild()).as_bytes());
			exit(5);
		}
		_ => {}
	}
}

fn header(length: u32, kind: u8, sequence: Sequence) -> [u8; 16] {
	let mut header = [0; 16];
	header[..4].copy_from_slice(&length.to_le_bytes());
	header[4] = kind;
	header[6..8].copy_from_slice(&pool::frame::MAGIC.to_le_bytes());
	header[8..12].copy_from_slice(&sequence.0.to_le_bytes());
	header
}

/// What no worker may send.
fn break_protocol(end: &WorkerEnd, sequence: Sequence, word: &str) {
	let header = |length, kind| header(length, kind, sequence);
	// Ends with the process, which is before its end.
	let never_whole = || {
		let bytes = vec![b'x'; 200_000_000];
		let _ = end.write_frame(FrameKind::Returned, sequence, &bytes, true);
		sleep_forever();
	};
	match word {
		"half-a-frame" => {
			std::thread::spawn(|| {
				sleep(Duration::from_millis(20));
				exit(6);
			});
			never_whole();
		}
		"half-a-frame-and-kill" => {
			std::thread::spawn(|| {
				sleep(Duration::from_millis(20));
				raise(libc::SIGKILL);
			});
			never_whole();
		}
		// The parent reads nothing between the two.
		"stray-byte" => {
			write_all(4, b"x");
			end.write_frame(FrameKind::Returned, sequence, b"in time", true)
				.unwrap();
		}
		"stray-byte-and-sleep" => {
			write_all(4, b"x");
			sleep_forever();
		}
		"stray-bytes" => {
			write_all(4, &vec![b'x'; 64 * 1024]);
			end.write_frame(FrameKind::Returned, sequence, b"in time", true)
				.unwrap();
		}
		"garbage" => write_all(4, b"this is what a print into the wrong descriptor looks like\n"),
		"other-version" => {
			let mut header = header(0, FrameKind::Returned as u8);
			header[6..8].copy_from_slice(b"K\x09");
			write_all(4, &header);
		}
		"huge-length" => write_all(4, &header(u32::MAX, FrameKind::Returned as u8)),
		"unknown-kind" => write_all(4, &header(0, 99)),
		"of-the-parent" => end.write_frame(FrameKind::Task, sequence, &[], true).unwrap(),
		"unsolicited" => {
			end.write_frame(
				FrameKind::Returned,
				Sequence(sequence.0 + 500),
				b"not asked",
				true,
			)
			.unwrap();
		}
		"twice" => {
			end.write_frame(FrameKind::Returned, sequence, b"once", true)
				.unwrap();
			end.write_frame(FrameKind::Returned, sequence, b"twice", true)
				.unwrap();
		}
		"close-results" => close(4),
		"close-tasks" => {
			end.write_frame(FrameKind::Returned, sequence, b"closed", true)
				.unwrap();
			close(3);
		}
		"close-everything" => (3..64).for_each(close),
		_ => panic!("unknown text: {word}"),
	}
	sleep_forever();
}

fn sleep_forever() -> ! {
	loop {
		sleep(Duration::from_secs(1000));
	}
}

fn spin() -> ! {
	loop {
		std::hint::spin_loop();
	}
}

fn ignore_terminate() {
	// SAFETY: ignoring a signal runs nothing.
	unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
}

fn raise(signal: i32) {
	// Rust's own handler for SIGSEGV expects the fault to come again.
	// SAFETY: the default action runs nothing of this process.
	unsafe { libc::signal(signal, libc::SIG_DFL) };
	// SAFETY: whatever it does to this process is wanted.
	unsafe { libc::raise(signal) };
	sleep_forever();
}

fn close(descriptor: i32) {
	// SAFETY: a worker that breaks its own descriptors is what is wanted.
	unsafe { libc::close(descriptor) };
}

fn write_all(descriptor: i32, mut bytes: &[u8]) {
	while !bytes.is_empty() {
		// SAFETY: open as long as the process lives.
		let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
		match rustix::io::write(descriptor, bytes) {
			Ok(count) => bytes = &bytes[count..],
			// The pipe of results does not block.
			Err(rustix::io::Errno::AGAIN) => std::thread::yield_now(),
			Err(error) => panic!("cannot write: {error}"),
		}
	}
}

/// `KIND,KIND,... TOKEN`
fn start_all(rest: &str) {
	let (kinds, token) = rest.split_once(' ').unwrap();
	kinds.split(',').for_each(|kind| descendants::start(kind, token));
}

/// A process in this worker's group that holds the worker's pipes open.
fn grandchild() -> u32 {
	let mut sleeper = Command::new("/bin/sleep");
	sleeper.arg("1000");
	let inherit = || {
		for descriptor in 2..7 {
			// SAFETY: changes a flag of a descriptor.
			unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) };
		}
		Ok(())
	};
	// SAFETY: system calls only, which a forked process may make.
	unsafe { sleeper.pre_exec(inherit) };
	sleeper.spawn().unwrap().id()
}

fn descriptors() -> String {
	let mut numbers: Vec<i32> = std::fs::read_dir("/proc/self/fd")
		.unwrap()
		.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
		.collect();
	numbers.sort_unstable();
	let names = numbers.into_iter().filter_map(|number| {
		let target = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
		Some(format!("{number} {}", target.display()))
	});
	names.collect::<Vec<_>>().join("\n")
}

fn resident() -> u64 {
	let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
	pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4
}

fn process() -> String {
	let id = |pid: Option<rustix::process::Pid>| pid.map_or(0, rustix::process::Pid::as_raw_pid);
	format!(
		"{} {} {}",
		std::process::id(),
		rustix::process::getpgrp().as_raw_pid(),
		id(rustix::process::getppid())
	)
}
