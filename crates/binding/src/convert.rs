//! Settings from JavaScript, and facts for it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, Error, Result, Status};
use napi_derive::napi;
use pool::{Exit, MemoryLimits, OnWorkerDeath, PoolConfig, RecycleReason, Shutdown, TerminationReason};
use supervisor::{DeathWatch, Launch, TextUse, WorkerDeath};

/// What `options.ts` and `context.ts` have settled; times in ms.
#[napi(object, use_nullable = true)]
pub struct NativeSettings {
	pub max_workers: u32,
	/// A whole number from 1 up.
	pub max_tasks_per_worker: Option<f64>,
	/// Bytes, as `max_memory_hard`.
	pub max_memory_soft: Option<f64>,
	pub max_memory_hard: Option<f64>,
	pub idle_timeout: Option<f64>,
	pub start_timeout: Option<f64>,
	pub shutdown_grace: Option<f64>,
	pub break_on_worker_death: bool,
	pub max_failed_starts: u32,
	pub max_unstarted_deaths: u32,
	pub init: Buffer,
	pub program: String,
	pub args: Vec<String>,
	/// As `NAME=value`.
	pub env: Vec<String>,
	/// Whether pidfds are left alone, as on kernels that refuse them.
	pub watch_by_thread: bool,
	pub kill_descendants: bool,
	/// Bytes.
	pub max_payload: u32,
	#[napi(ts_type = "'passed-on' | 'marked' | 'discarded'")]
	pub text_use: String,
}

impl NativeSettings {
	pub fn pool_config(&self) -> PoolConfig {
		PoolConfig {
			max_workers: self.max_workers,
			max_tasks_per_worker: self.max_tasks_per_worker.map(whole),
			memory_limits: MemoryLimits {
				soft: self.max_memory_soft.map(whole),
				hard: self.max_memory_hard.map(whole),
			},
			idle_timeout: self.idle_timeout.map(milliseconds),
			start_timeout: self.start_timeout.map_or(Duration::MAX, milliseconds),
			shutdown_grace: self.shutdown_grace.map_or(Duration::MAX, milliseconds),
			on_worker_death: if self.break_on_worker_death {
				OnWorkerDeath::Break
			} else {
				OnWorkerDeath::Isolate
			},
			max_failed_starts: self.max_failed_starts,
			max_unstarted_deaths: self.max_unstarted_deaths,
			init: Bytes::copy_from_slice(&self.init),
		}
	}

	pub fn launch(&self) -> Result<Launch> {
		Ok(Launch {
			program: PathBuf::from(&self.program),
			arguments: self.args.iter().map(OsString::from).collect(),
			environment: self
				.env
				.iter()
				.map(|entry| variable(entry))
				.collect::<Result<_>>()?,
			death_watch: self.watch_by_thread.then_some(DeathWatch::Thread),
			kills_descendants: self.kill_descendants,
			max_payload: self.max_payload,
			text_use: text_use(&self.text_use)?,
		})
	}
}

fn variable(entry: &str) -> Result<(OsString, OsString)> {
	let (name, value) = entry
		.split_once('=')
		.ok_or_else(|| Error::new(Status::InvalidArg, format!("no NAME=value: {entry}")))?;
	Ok((name.into(), value.into()))
}

/// A number of ms from JavaScript. What a `Duration` cannot hold is as good as for ever.
pub fn milliseconds(value: f64) -> Duration {
	Duration::try_from_secs_f64(value.max(0.0) / 1000.0).unwrap_or(Duration::MAX)
}

/// A count or a size from JavaScript, checked there: a whole number, not negative.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u64 {
	value as u64
}

/// As JavaScript counts time.
pub fn in_milliseconds(value: Duration) -> f64 {
	value.as_secs_f64() * 1000.0
}

/// How to close, from its name in TypeScript.
pub fn shutdown(how: &str) -> Result<Shutdown> {
	match how {
		"drain" => Ok(Shutdown::Drain),
		"cancel-pending" => Ok(Shutdown::CancelPending),
		"kill" => Ok(Shutdown::Kill),
		_ => Err(Error::new(
			Status::InvalidArg,
			format!("no way to shut down: {how}"),
		)),
	}
}

/// What becomes of text, from its name in TypeScript.
fn text_use(name: &str) -> Result<TextUse> {
	match name {
		"passed-on" => Ok(TextUse::PassedOn),
		"marked" => Ok(TextUse::Marked),
		"discarded" => Ok(TextUse::Discarded),
		_ => Err(Error::new(Status::InvalidArg, format!("no use of text: {name}"))),
	}
}

/// The facts of a worker's death. See `NativeDeath` in `native.ts`.
#[napi(object, use_nullable = true)]
pub struct NativeDeath {
	pub worker_index: u32,
	pub pid: Option<u32>,
	pub exit_code: Option<i32>,
	pub signal: Option<i32>,
	pub core_dumped: bool,
	pub spawn_errno: Option<i32>,
	pub spawn_operation: Option<String>,
	#[napi(
		ts_type = "'crash' | 'heap' | 'oom' | 'killed' | 'exit' | 'timeout' | 'aborted' | 'protocol' | 'shutdown'"
	)]
	pub reason: String,
	pub violation: Option<String>,
	pub attempt: Option<u32>,
	#[napi(ts_type = "Uint8Array")]
	pub stderr_tail: Buffer,
	pub lifetime: f64,
	pub task_time: Option<f64>,
	pub peak_memory: Option<f64>,
	/// The hard limit that it was killed for, and what it had. Bytes.
	pub memory_limit: Option<f64>,
	pub memory: Option<f64>,
	pub was_loading: bool,
}

impl From<&WorkerDeath> for NativeDeath {
	fn from(death: &WorkerDeath) -> Self {
		let mut facts = Self {
			worker_index: death.index,
			pid: death.pid,
			exit_code: None,
			signal: None,
			core_dumped: false,
			spawn_errno: None,
			spawn_operation: None,
			reason: reason(death.reason).to_owned(),
			violation: death.violation.map(|violation| violation.to_string()),
			attempt: death.attempt,
			stderr_tail: death.stderr_tail.to_vec().into(),
			lifetime: in_milliseconds(death.lifetime),
			task_time: death.task_time.map(in_milliseconds),
			peak_memory: death.peak_memory.map(exact),
			memory_limit: death.exceeded.map(|exceeded| exact(exceeded.limit)),
			memory: death.exceeded.map(|exceeded| exact(exceeded.resident)),
			was_loading: death.was_loading,
		};
		match &death.exit {
			Exit::Code(code) => facts.exit_code = Some(*code),
			Exit::Signal { signal, core_dumped } => {
				facts.signal = Some(*signal);
				facts.core_dumped = *core_dumped;
			}
			Exit::NeverStarted(failure) => {
				facts.spawn_errno = Some(failure.errno);
				facts.spawn_operation = Some(failure.operation.to_owned());
			}
			Exit::Unknown => {}
		}
		facts
	}
}

fn reason(reason: TerminationReason) -> &'static str {
	match reason {
		TerminationReason::Crash => "crash",
		TerminationReason::Heap => "heap",
		TerminationReason::OutOfMemory => "oom",
		TerminationReason::Killed => "killed",
		TerminationReason::Exit => "exit",
		TerminationReason::Timeout => "timeout",
		TerminationReason::Aborted => "aborted",
		TerminationReason::Protocol => "protocol",
		TerminationReason::Shutdown => "shutdown",
	}
}

/// Why a worker was replaced, in the word of `native.ts`.
pub fn recycle_reason(reason: RecycleReason) -> &'static str {
	match reason {
		RecycleReason::MaxTasks => "maxTasks",
		RecycleReason::MaxMemory => "maxMemory",
	}
}

/// Counts and sizes here stay below 2^53, where every integer is exact.
#[allow(clippy::cast_precision_loss)]
pub fn exact(value: u64) -> f64 {
	value as f64
}
