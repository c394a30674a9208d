//! Descriptors kept away from the numbers that mean something.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::fs::OFlags;

/// Above the numbers 0 to 6 that a worker's descriptors get: a source is then never overwritten by an earlier
/// `dup2` of the same spawn, and a parent with 0, 1 or 2 closed does not find our pipes there.
const LOWEST: RawFd = 16;

/// Moves a descriptor to [`LOWEST`] or above, close-on-exec.
pub fn raise(descriptor: OwnedFd) -> io::Result<OwnedFd> {
	if descriptor.as_raw_fd() >= LOWEST {
		return Ok(descriptor);
	}
	Ok(rustix::io::fcntl_dupfd_cloexec(&descriptor, LOWEST)?)
}

/// [`raise`] for both of a pair.
pub fn raise_both((one, other): (OwnedFd, OwnedFd)) -> io::Result<(OwnedFd, OwnedFd)> {
	Ok((raise(one)?, raise(other)?))
}

/// Makes reads and writes return instead of waiting. Belongs to the open file description: the other end of a pipe has
/// its own.
pub fn set_nonblocking(descriptor: &OwnedFd) -> io::Result<()> {
	let flags = rustix::fs::fcntl_getfl(descriptor)?;
	Ok(rustix::fs::fcntl_setfl(descriptor, flags | OFlags::NONBLOCK)?)
}
