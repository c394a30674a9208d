//! The worker's side: the pipes of this process.

use std::io::ErrorKind;

use napi::bindgen_prelude::{
	BufferSlice, Env, Error, Function, Int32ArraySlice, Result, Status, Uint8ArraySlice, Uint32Array,
};
use napi_derive::napi;
use pool::Sequence;
use pool::frame::{Frame, FrameKind};
use supervisor::WorkerEnd;

use crate::event_loop::ReadableWatch;

/// The numbers in a row of frames: kind, sequence, function, length of the payload.
const ROW: usize = 4;

/// The other end of a supervisor's pipes.
#[napi]
pub struct NativeWorker {
	end: WorkerEnd,
	watch: Option<ReadableWatch>,
	/// Read frames, kept between calls for its capacity.
	frames: Vec<Frame>,
	ended: bool,
}

/// Frames that have arrived, in order; their payloads stand one behind the other.
#[napi(object)]
pub struct FrameBatch<'env> {
	pub count: u32,
	pub table: Uint32Array,
	pub payloads: BufferSlice<'env>,
}

#[napi]
impl NativeWorker {
	/// Takes the descriptors that the supervisor gave to this process. To be called once.
	#[napi(constructor)]
	pub fn new() -> Result<Self> {
		let end = WorkerEnd::open().map_err(|error| Error::from_reason(error.to_string()))?;
		Ok(Self {
			end,
			watch: None,
			frames: Vec::new(),
			ended: false,
		})
	}

	/// Calls `callback` from the event loop whenever frames can be read, and keeps the loop alive for that.
	#[napi]
	pub fn watch(&mut self, env: Env, callback: Function<(), ()>) -> Result<()> {
		self.watch = Some(ReadableWatch::start(env, self.end.task_descriptor(), &callback)?);
		Ok(())
	}

	/// The claim memory; a task is claimed by compare-and-swap from its sequence to the negated sequence.
	#[napi]
	pub fn claims<'env>(&self, env: &'env Env) -> Result<Int32ArraySlice<'env>> {
		let (address, slots) = self.end.claims();
		// SAFETY: the memory stays mapped until the process ends, so the finalizer has nothing to do. Both sides touch
		// it only by atomic operations.
		unsafe { Int32ArraySlice::from_external(env, address.as_ptr(), slots, (), |_, ()| {}) }
	}

	/// Where this process says which task it loads, by its sequence, and the port of its debugger. 0 is none.
	#[napi]
	pub fn remarks<'env>(&self, env: &'env Env) -> Result<Int32ArraySlice<'env>> {
		let (address, count) = self.end.remarks();
		// SAFETY: as for the claims. The parent reads them by atomic operations, and nobody waits for what they say.
		unsafe { Int32ArraySlice::from_external(env, address.as_ptr(), count, (), |_, ()| {}) }
	}

	/// What has arrived, without waiting.
	#[napi]
	pub fn read<'env>(&mut self, env: &'env Env) -> Result<FrameBatch<'env>> {
		if !self.ended {
			let goes_on = self
				.end
				.read_frames(&mut self.frames)
				.map_err(|error| Error::from_reason(error.to_string()))?;
			self.ended = !goes_on;
			if self.ended && self.frames.is_empty() {
				// The parent has closed its end without a word: it is gone, and what tasks have started goes, too.
				self.end.end_with_descendants();
			}
		}
		let mut table = Vec::with_capacity(self.frames.len() * ROW);
		let mut payloads = Vec::with_capacity(self.frames.iter().map(|frame| frame.payload.len()).sum());
		for frame in &self.frames {
			let length = u32::try_from(frame.payload.len())
				.map_err(|_| Error::from_reason("a payload of more than 4 GiB"))?;
			table.extend([
				u32::from(frame.kind as u8),
				frame.sequence.0,
				frame.function.0,
				length,
			]);
			payloads.extend_from_slice(&frame.payload);
		}
		let count = u32::try_from(self.frames.len()).map_err(|_| Error::from_reason("too many frames"))?;
		self.frames.clear();
		Ok(FrameBatch {
			count,
			table: Uint32Array::new(table),
			payloads: BufferSlice::from_data(env, payloads)?,
		})
	}

	/// Sends one frame. May wait, see [`WorkerEnd::write_frame`].
	#[napi]
	pub fn write(&self, kind: u32, sequence: u32, payload: Uint8ArraySlice, is_last: bool) -> Result<()> {
		let kind = u8::try_from(kind)
			.ok()
			.and_then(|kind| FrameKind::try_from(kind).ok())
			.ok_or_else(|| Error::new(Status::InvalidArg, format!("no frame kind: {kind}")))?;
		match self.end.write_frame(kind, Sequence(sequence), &payload, is_last) {
			// Nobody is left to work for.
			Err(error) if error.kind() == ErrorKind::BrokenPipe => self.end.end_with_descendants(),
			result => {
				result.map_err(|error| Error::from_reason(format!("cannot write to the parent: {error}")))
			}
		}
	}
}
