//! What the pool is told once, at its creation. Every field is required: defaults live in `options.ts`.

use std::time::Duration;

use bytes::Bytes;

use crate::MemoryLimits;

/// The settings of one pool.
#[derive(Clone, Debug)]
pub struct PoolConfig {
	/// The most workers that may live at once, those that are leaving included, those that are being replaced not. At least 1.
	pub max_workers: u32,
	/// After how many finished tasks a worker is replaced. `None`: it never is for that.
	pub max_tasks_per_worker: Option<u64>,
	/// How much memory a worker may have.
	pub memory_limits: MemoryLimits,
	/// How long a worker may stay idle before it is asked to leave. `None`: for ever.
	pub idle_timeout: Option<Duration>,
	/// How long a worker may take from its spawn to its `Ready` frame.
	pub start_timeout: Duration,
	/// How long each step of the ladder (asked to leave, terminate, kill) may take.
	pub shutdown_grace: Duration,
	/// What the death of a worker costs.
	pub on_worker_death: OnWorkerDeath,
	/// How many starts in a row may fail before the pool breaks.
	pub max_failed_starts: u32,
	/// How many workers may die holding a task that they had not started, before that task is given up.
	pub max_unstarted_deaths: u32,
	/// The payload of the `Init` frame, sent to each worker first.
	pub init: Bytes,
}

/// What the death of a worker costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnWorkerDeath {
	/// The task that it had started. The worker is replaced.
	Isolate,
	/// Everything: loky's rule. All tasks fail and the pool is broken. A worker that the pool itself let go or killed (for a
	/// task's timeout, a violation of the protocol, a lack of progress) costs what it does with `Isolate`.
	Break,
}
