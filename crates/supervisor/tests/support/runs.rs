//! What ran, written down by the workers themselves: a file that no part of the pool reads or writes.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Names the file to the workers.
pub const VARIABLE: &str = "RUNS";

/// Task, process, and what happened to them. It divides a page, so that a kill cannot cut one in two.
const RECORD: usize = 16;
const BEGUN: u32 = 1;
const ENDED: u32 = 2;

/// In a worker: writes down that the task begins, or has ended.
pub fn write_down(task: u64, has_ended: bool) {
	static FILE: OnceLock<File> = OnceLock::new();
	let mut file = FILE.get_or_init(|| {
		let path = std::env::var_os(VARIABLE).unwrap();
		OpenOptions::new().append(true).open(path).unwrap()
	});
	let mut record = [0; RECORD];
	record[..8].copy_from_slice(&task.to_le_bytes());
	record[8..12].copy_from_slice(&std::process::id().to_le_bytes());
	record[12..].copy_from_slice(&(if has_ended { ENDED } else { BEGUN }).to_le_bytes());
	file.write_all(&record).unwrap();
}

/// What is written down of one task.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Run {
	pub begun: u16,
	pub ended: u16,
	/// Where it began last.
	pub pid: u32,
}

/// In the parent: the file, which goes with this.
pub struct Runs(PathBuf);

impl Runs {
	pub fn create(path: PathBuf) -> Self {
		File::create(&path).unwrap();
		Self(path)
	}

	pub fn path(&self) -> &Path {
		&self.0
	}

	/// By the numbers of the tasks, which are below `count`.
	pub fn read(&self, count: usize) -> Vec<Run> {
		let mut runs = vec![Run::default(); count];
		let mut bytes = Vec::new();
		File::open(&self.0).unwrap().read_to_end(&mut bytes).unwrap();
		assert_eq!(bytes.len() % RECORD, 0, "a record was cut in two");
		for record in bytes.chunks_exact(RECORD) {
			let number =
				|range: std::ops::Range<usize>| u32::from_le_bytes(record[range].try_into().unwrap());
			let task = u64::from_le_bytes(record[..8].try_into().unwrap());
			let run = &mut runs[usize::try_from(task).unwrap()];
			match number(12..16) {
				BEGUN => {
					run.begun += 1;
					run.pid = number(8..12);
				}
				ENDED => run.ended += 1,
				other => panic!("nobody writes {other}"),
			}
		}
		runs
	}
}

impl Drop for Runs {
	fn drop(&mut self) {
		let _ = std::fs::remove_file(&self.0);
	}
}
