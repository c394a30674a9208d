//! One enum per operation.

use std::fmt;
use std::io;

/// Why a supervisor could not be started.
#[derive(Debug)]
pub enum StartError {
	/// No poller (epoll or kqueue) could be made.
	Poller(io::Error),
	/// No thread could be started.
	Thread(io::Error),
}

impl fmt::Display for StartError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Poller(error) => write!(f, "cannot make a poller: {error}"),
			Self::Thread(error) => write!(f, "cannot start the supervisor thread: {error}"),
		}
	}
}

impl std::error::Error for StartError {
	fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
		match self {
			Self::Poller(error) | Self::Thread(error) => Some(error),
		}
	}
}
