//! The envelope: the only place that knows how a frame looks on the pipe.
//!
//! ```text
//! offset  size  field      all little-endian
//!      0     4  length     bytes of payload behind the header, at most MAX_PAYLOAD
//!      4     1  kind       FrameKind
//!      5     1  flags      must be 0; the codec and attached segments have their place here
//!      6     2  magic      MAGIC, which contains VERSION
//!      8     4  sequence   of the task; 0 where the kind has none
//!     12     4  function   that the task calls, or that is being shipped; 0 where the kind has none
//!     16     -  payload    msgpack, opaque to Rust
//! ```

use bytes::Bytes;

use crate::{FunctionId, Sequence};

/// Both ends must have the same: they come from one package.
pub const VERSION: u8 = 1;
/// At offset 6 of each frame: `b'K'`, then [`VERSION`].
pub const MAGIC: u16 = u16::from_le_bytes([b'K', VERSION]);
/// Bytes before the payload.
pub const HEADER_LENGTH: usize = 16;
/// The most bytes of payload in one frame unless the pool is told less: 2 GiB - 1, what one `Buffer` surely holds.
pub const MAX_PAYLOAD: u32 = 0x7fff_ffff;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
	/// To a worker, first: what it needs before it is ready.
	Init = 1,
	/// To a worker: a function that later tasks call.
	Function = 2,
	/// To a worker: a task. Claim the sequence before starting it.
	Task = 3,
	/// To a worker: finish and exit.
	Exit = 4,
	/// From a worker, first: initialised, send tasks.
	Ready = 16,
	/// From a worker, first: the initializer threw; the encoded error. It exits then.
	StartFailed = 17,
	/// From a worker: the task's encoded result.
	Returned = 18,
	/// From a worker: the encoded error that the task threw.
	Threw = 19,
	/// From a worker: the encoded error of decoding the task, or of finding its function.
	Undecodable = 20,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
	/// What it says.
	pub kind: FrameKind,
	/// Of the task; 0 where the kind has none.
	pub sequence: Sequence,
	/// That the task calls, or that is shipped; 0 where the kind has none.
	pub function: FunctionId,
	/// Opaque.
	pub payload: Bytes,
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
	/// The magic is another: garbage, or another version of this package.
	BadMagic(u16),
	/// No kind has this number.
	UnknownKind(u8),
	/// Flags that this version does not know.
	UnknownFlags(u8),
	/// More payload than the limit allows.
	TooLong {
		/// What the header says.
		length: u32,
		/// What is allowed.
		limit: u32,
	},
}
