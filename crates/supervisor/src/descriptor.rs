//! Descriptors kept away from the numbers that mean something.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Above the numbers 0 to 6 that a worker's descriptors get: a source is then never overwritten by an earlier
/// `dup2` of the same spawn, and a parent with 0, 1 or 2 closed does not find our pipes there.
const LOWEST: RawFd = 16;

/// Moves a descriptor to [`LOWEST`] or above, close-on-exec.
pub fn raise(descriptor: OwnedFd) -> io::Result<OwnedFd> {
	if descriptor.as_raw_fd() >= LOWEST {
		return Ok(descriptor);
	}
	match rustix::io::fcntl_dupfd_cloexec(&descriptor, LOWEST) {
		// What the kernel says when its limit is below LOWEST: there are too few.
		Err(Errno::INVAL) => Err(Errno::MFILE.into()),
		result => Ok(result?),
	}
}

/// [`raise`] for both of a pair.
pub fn raise_both((one, other): (OwnedFd, OwnedFd)) -> io::Result<(OwnedFd, OwnedFd)> {
	Ok((raise(one)?, raise(other)?))
}

/// Runs something that opens descriptors of its own, so that none of them gets the number 0, 1 or 2 in a parent that has
/// closed those: what the program prints would be written there.
pub fn off_standard<T>(make: impl FnOnce() -> T) -> T {
	let mut placeholders = Vec::new();
	// Where it cannot be opened, neither can much else, and `make` tells.
	while let Ok(placeholder) = File::open("/dev/null") {
		let is_standard = placeholder.as_raw_fd() <= 2;
		placeholders.push(placeholder);
		if !is_standard {
			break;
		}
	}
	make()
}

/// Makes reads and writes return instead of waiting. Belongs to the open file description: the other end of a pipe has
/// its own.
pub fn set_nonblocking(descriptor: &OwnedFd) -> io::Result<()> {
	let flags = rustix::fs::fcntl_getfl(descriptor)?;
	Ok(rustix::fs::fcntl_setfl(descriptor, flags | OFlags::NONBLOCK)?)
}
