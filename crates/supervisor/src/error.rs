//! One enum per operation.

use std::fmt;
use std::io;

use pool::frame::FrameError;

/// Why a supervisor could not be started.
#[derive(Debug)]
pub enum StartError {
	/// No poller (epoll or kqueue) could be made.
	Poller(io::Error),
	/// No thread could be started.
	Thread(io::Error),
	/// The program, an argument or a variable of the environment contains a NUL, which no process can be given.
	NulInLaunch,
}

impl fmt::Display for StartError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Poller(error) => write!(f, "cannot make a poller: {error}"),
			Self::Thread(error) => write!(f, "cannot start the supervisor thread: {error}"),
			Self::NulInLaunch => f.write_str("the worker's program, arguments or environment contain a NUL"),
		}
	}
}

impl std::error::Error for StartError {
	fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
		match self {
			Self::Poller(error) | Self::Thread(error) => Some(error),
			Self::NulInLaunch => None,
		}
	}
}

/// A payload that no frame may carry. In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTooLong {
	/// What it has.
	pub length: usize,
	/// What is allowed.
	pub limit: u32,
}

impl fmt::Display for PayloadTooLong {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Self { length, limit } = self;
		write!(f, "a payload of {length} bytes where at most {limit} are allowed")
	}
}

impl std::error::Error for PayloadTooLong {}

/// Why a process could not become a worker.
#[derive(Debug)]
pub enum OpenError {
	/// This descriptor is not what a supervisor gives to a worker: the process was not started by one.
	NotAWorker {
		/// Its number.
		descriptor: i32,
		/// What it should be.
		expected: &'static str,
	},
	/// A preparation failed.
	System {
		/// Which.
		operation: &'static str,
		/// How.
		error: io::Error,
	},
}

impl fmt::Display for OpenError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::NotAWorker { descriptor, expected } => {
				write!(f, "descriptor {descriptor} is not the {expected} of a worker")
			}
			Self::System { operation, error } => write!(f, "{operation} failed in the worker: {error}"),
		}
	}
}

impl std::error::Error for OpenError {
	fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
		match self {
			Self::System { error, .. } => Some(error),
			Self::NotAWorker { .. } => None,
		}
	}
}

/// Why no more frames can be read.
#[derive(Debug)]
pub enum ReadError {
	/// The pipe failed.
	Pipe(io::Error),
	/// The bytes are no frame.
	Frame(FrameError),
}

impl fmt::Display for ReadError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Pipe(error) => write!(f, "cannot read from the pipe: {error}"),
			Self::Frame(error) => write!(
				f,
				"the parent has sent {error}; it may run another version of this package"
			),
		}
	}
}

impl std::error::Error for ReadError {
	fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
		match self {
			Self::Pipe(error) => Some(error),
			Self::Frame(_) => None,
		}
	}
}
