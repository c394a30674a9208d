//! A batch of notices, laid out for JavaScript.

use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, BufferSlice, Env, Float64Array, Result};
use napi_derive::napi;
use pool::BreakCause;
use supervisor::{BreakFacts, Notice, Settlement, Stream};

use crate::convert::{NativeDeath, exact, recycle_reason};

/// A payload from this size is handed over as it is; below it is cheaper to copy it behind its neighbours. Bytes.
const LARGE: usize = 64 * 1024;

/// The numbers in a row of the table: kind, task, start, length.
const ROW: usize = 4;

/// What the first number of a row says. `native.ts` has the same list.
#[derive(Clone, Copy)]
enum RowKind {
	Returned = 0,
	Threw = 1,
	Undecodable = 2,
	Cancelled = 3,
	PoolClosed = 4,
	/// `start` is the index of an object in `facts`.
	Fact = 5,
	/// The same, but many rows may share the object.
	PoolBroken = 6,
}

/// What has happened, in order.
///
/// A row whose payload is in `payloads` has its start and length there; one with a payload of its own has
/// `-1 - index` into `large` as its start.
#[napi(object)]
pub struct NoticeBatch<'env> {
	pub table: Float64Array,
	pub payloads: BufferSlice<'env>,
	pub large: Vec<BufferSlice<'env>>,
	#[napi(ts_type = "Array<NativeFact>")]
	pub facts: Vec<NativeFact>,
}

/// Something rare. `native.ts` says which fields belong to which kind.
#[napi(object, use_nullable = true)]
pub struct NativeFact {
	pub kind: String,
	pub worker_index: Option<u32>,
	pub pid: Option<u32>,
	pub cause: Option<String>,
	pub death: Option<NativeDeath>,
	pub bytes: Option<Buffer>,
	pub text: Option<String>,
	pub errno: Option<i32>,
	pub memory: Option<f64>,
	pub finished: Option<f64>,
	pub attempt: Option<u32>,
}

impl NativeFact {
	fn new(kind: &str) -> Self {
		Self {
			kind: kind.to_owned(),
			worker_index: None,
			pid: None,
			cause: None,
			death: None,
			bytes: None,
			text: None,
			errno: None,
			memory: None,
			finished: None,
			attempt: None,
		}
	}

	fn broken(kind: &str, facts: BreakFacts) -> Self {
		let mut fact = Self::new(kind);
		fact.death = facts.death.as_deref().map(NativeDeath::from);
		let cause = match facts.cause {
			BreakCause::WorkersNeverReady(_) => "workers-never-ready",
			BreakCause::InitializerThrew(error) => {
				fact.bytes = Some(error.to_vec().into());
				"initializer-threw"
			}
			BreakCause::CannotSpawn(failure) => {
				fact.text = Some(failure.operation.to_owned());
				fact.errno = Some(failure.errno);
				"cannot-spawn"
			}
			BreakCause::WorkerDied(_) => "worker-died",
			BreakCause::SupervisorFailed(words) => {
				fact.text = Some(words);
				"supervisor-failed"
			}
		};
		fact.cause = Some(cause.to_owned());
		fact
	}
}

/// Collects rows, payloads and facts.
#[derive(Default)]
struct Layout {
	table: Vec<f64>,
	payloads: Vec<u8>,
	large: Vec<Bytes>,
	facts: Vec<NativeFact>,
	/// The last break that was told, and where its object is: a hundred thousand tasks can fail of the same.
	last_break: Option<(BreakCause, f64)>,
}

impl Layout {
	fn row(&mut self, kind: RowKind, task: u64, start: f64, length: usize) {
		self.table
			.extend([f64::from(kind as u8), exact(task), start, exact(length as u64)]);
	}

	fn payload(&mut self, kind: RowKind, task: u64, payload: Bytes) {
		let length = payload.len();
		if length < LARGE {
			let start = exact(self.payloads.len() as u64);
			self.payloads.extend_from_slice(&payload);
			self.row(kind, task, start, length);
		} else {
			let start = -1.0 - exact(self.large.len() as u64);
			self.large.push(payload);
			self.row(kind, task, start, length);
		}
	}

	fn fact(&mut self, task: u64, fact: NativeFact) {
		let index = exact(self.facts.len() as u64);
		self.facts.push(fact);
		self.row(RowKind::Fact, task, index, 0);
	}

	fn pool_broken(&mut self, task: u64, facts: BreakFacts) {
		let index = match &self.last_break {
			Some((cause, index)) if *cause == facts.cause => *index,
			_ => {
				let index = exact(self.facts.len() as u64);
				self.last_break = Some((facts.cause.clone(), index));
				self.facts.push(NativeFact::broken("pool-broken", facts));
				index
			}
		};
		self.row(RowKind::PoolBroken, task, index, 0);
	}

	fn settlement(&mut self, task: u64, settlement: Settlement) {
		match settlement {
			Settlement::Returned(payload) => self.payload(RowKind::Returned, task, payload),
			Settlement::Threw(payload) => self.payload(RowKind::Threw, task, payload),
			Settlement::Undecodable(payload) => self.payload(RowKind::Undecodable, task, payload),
			Settlement::Cancelled => self.row(RowKind::Cancelled, task, 0.0, 0),
			Settlement::PoolClosed => self.row(RowKind::PoolClosed, task, 0.0, 0),
			Settlement::WorkerTerminated(death) => {
				let mut fact = NativeFact::new("worker-terminated");
				fact.death = Some(NativeDeath::from(&*death));
				self.fact(task, fact);
			}
			Settlement::TimedOut(death) => {
				let mut fact = NativeFact::new("timed-out");
				fact.death = Some(NativeDeath::from(&*death));
				self.fact(task, fact);
			}
			Settlement::Aborted(death) => {
				let mut fact = NativeFact::new("aborted");
				fact.death = Some(NativeDeath::from(&*death));
				self.fact(task, fact);
			}
			Settlement::PoolBroken(facts) => self.pool_broken(task, facts),
		}
	}

	fn notice(&mut self, notice: Notice) {
		/// Rows of facts that belong to no task have this in its place; tasks count from 1.
		const NO_TASK: u64 = 0;
		match notice {
			Notice::Settled(task, settlement) => self.settlement(task.0, settlement),
			Notice::TaskStarted {
				task,
				index,
				pid,
				attempt,
			} => {
				let mut fact = NativeFact::new("task-started");
				fact.worker_index = Some(index);
				fact.pid = Some(pid);
				fact.attempt = Some(attempt);
				self.fact(task.0, fact);
			}
			Notice::WorkerStarted {
				worker: _,
				index,
				pid,
			} => {
				let mut fact = NativeFact::new("worker-started");
				fact.worker_index = Some(index);
				fact.pid = Some(pid);
				self.fact(NO_TASK, fact);
			}
			Notice::WorkerRecycled {
				recycled,
				index,
				pid,
				memory,
			} => {
				let mut fact = NativeFact::new("worker-recycled");
				fact.worker_index = Some(index);
				fact.pid = Some(pid);
				fact.cause = Some(recycle_reason(recycled.reason).to_owned());
				fact.memory = memory.map(exact);
				fact.finished = Some(exact(recycled.finished));
				self.fact(NO_TASK, fact);
			}
			Notice::StrayError {
				task,
				index,
				pid,
				error,
			} => {
				let mut fact = NativeFact::new("stray-error");
				fact.worker_index = Some(index);
				fact.pid = Some(pid);
				fact.bytes = Some(error.to_vec().into());
				self.fact(task.map_or(NO_TASK, |task| task.0), fact);
			}
			Notice::WorkerExited(death) => {
				let mut fact = NativeFact::new("worker-exited");
				fact.death = Some(NativeDeath::from(&*death));
				self.fact(NO_TASK, fact);
			}
			Notice::Output {
				worker: _,
				index,
				pid,
				stream,
				task,
				bytes,
			} => {
				let mut fact = NativeFact::new(match stream {
					Stream::Stdout => "stdout",
					Stream::Stderr => "stderr",
				});
				fact.worker_index = Some(index);
				fact.pid = Some(pid);
				fact.bytes = Some(Vec::from(bytes).into());
				self.fact(task.map_or(NO_TASK, |task| task.0), fact);
			}
			Notice::TextDropped => self.fact(NO_TASK, NativeFact::new("text-dropped")),
			Notice::Broken(facts) => self.fact(NO_TASK, NativeFact::broken("broken", facts)),
			Notice::Closed => self.fact(NO_TASK, NativeFact::new("closed")),
			Notice::Failed(words) => {
				let mut fact = NativeFact::new("failed");
				fact.text = Some(words);
				self.fact(NO_TASK, fact);
			}
		}
	}
}

/// Empties `notices` into one batch.
pub fn batch<'env>(env: &'env Env, notices: &mut Vec<Notice>) -> Result<NoticeBatch<'env>> {
	let mut layout = Layout {
		table: Vec::with_capacity(notices.len() * ROW),
		..Layout::default()
	};
	for notice in notices.drain(..) {
		layout.notice(notice);
	}
	Ok(NoticeBatch {
		table: Float64Array::new(layout.table),
		payloads: BufferSlice::from_data(env, layout.payloads)?,
		large: layout
			.large
			.into_iter()
			.map(|payload| large_buffer(env, payload))
			.collect::<Result<_>>()?,
		facts: layout.facts,
	})
}

/// Gives JavaScript the memory in which the payload arrived, without a copy if nobody else holds it.
fn large_buffer(env: &Env, payload: Bytes) -> Result<BufferSlice<'_>> {
	match payload.try_into_mut() {
		Ok(unique) => BufferSlice::from_data(env, unique),
		Err(shared) => BufferSlice::copy_from(env, shared),
	}
}
