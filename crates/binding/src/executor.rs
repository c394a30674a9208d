//! The parent's side: one supervisor per executor.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use napi::bindgen_prelude::{Env, Error, Float64ArraySlice, Function, Result, Uint8ArraySlice};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{CleanupEnvHook, Status};
use napi_derive::napi;
use pool::{FunctionId, Shutdown, Submission, TaskId};
use supervisor::{Notice, Supervisor};

use crate::convert::{NativeSettings, exact, in_milliseconds, milliseconds, shutdown};
use crate::notices::{NoticeBatch, batch};

/// Weak: whether the event loop is kept alive is decided by [`NativeExecutor::hold`], not by the existence of an executor.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The numbers in a row of a submission: task, function, length of the payload, timeout in ms or a negative number,
/// whether its start is to be told, priority.
const ROW: usize = 6;

/// A supervisor, as JavaScript holds it.
#[napi]
pub struct NativeExecutor {
	/// None once it was disposed of.
	supervisor: Option<Arc<Supervisor>>,
	/// Kills the workers when the environment ends; taken back when there are none any more.
	hook: Option<CleanupEnvHook<Weak<Supervisor>>>,
	wake: Arc<Mutex<Wake>>,
	/// Taken notices, kept between calls for its capacity.
	notices: Vec<Notice>,
}

#[napi]
impl NativeExecutor {
	/// Starts the supervisor's thread. `wake` is called once whenever there is something to take.
	#[napi(constructor)]
	pub fn new(env: Env, settings: NativeSettings, wake: Function<(), ()>) -> Result<Self> {
		let wake: Arc<Mutex<Wake>> = Arc::new(Mutex::new(
			wake.build_threadsafe_function().weak::<true>().build()?,
		));
		let supervisor = Supervisor::start(settings.pool_config(), settings.launch()?, {
			let wake = Arc::clone(&wake);
			move || {
				let wake = wake.lock().unwrap_or_else(PoisonError::into_inner);
				// Refused only while the environment ends, when nobody listens any more.
				wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
			}
		})
		.map_err(|error| Error::from_reason(error.to_string()))?;
		let supervisor = Arc::new(supervisor);
		// When an environment ends (a process that leaves, a worker_thread that is terminated), hooks run first and
		// finalizers after: here the workers are killed, there the last reference goes and the thread is joined.
		let hook =
			env.add_env_cleanup_hook(Arc::downgrade(&supervisor), |supervisor: Weak<Supervisor>| {
				if let Some(supervisor) = supervisor.upgrade() {
					supervisor.shutdown(Shutdown::Kill);
				}
			})?;
		Ok(Self {
			supervisor: Some(supervisor),
			hook: Some(hook),
			wake,
			notices: Vec::new(),
		})
	}

	/// Makes a function known that later submissions name. Throws where no frame may carry it.
	#[napi]
	pub fn register_function(&self, id: u32, payload: Uint8ArraySlice) -> Result<()> {
		match &self.supervisor {
			None => Ok(()),
			Some(supervisor) => supervisor
				.register_function(FunctionId(id), Bytes::copy_from_slice(&payload))
				.map_err(|error| Error::new(Status::InvalidArg, format!("a function is {error}"))),
		}
	}

	/// Frees a function here and in the workers when its tasks are settled. No later submission names it.
	#[napi]
	pub fn release_function(&self, id: u32) {
		if let Some(supervisor) = &self.supervisor {
			supervisor.release_function(FunctionId(id));
		}
	}

	/// Starts a worker if there is none, for a task that is about to be submitted.
	#[napi]
	pub fn expect_work(&self) {
		if let Some(supervisor) = &self.supervisor {
			supervisor.expect_work();
		}
	}

	/// Submits the first `count` rows of the table, whose payloads stand one behind the other.
	#[napi]
	pub fn submit(&self, table: Float64ArraySlice, count: u32, payloads: Uint8ArraySlice) -> Result<()> {
		let rows = table
			.get(..count as usize * ROW)
			.ok_or_else(|| Error::new(Status::InvalidArg, "the table is shorter than its count"))?;
		let lengths = rows.chunks_exact(ROW).map(|row| size(row[2])).sum::<usize>();
		let mut payloads = payloads
			.get(..lengths)
			.map(Bytes::copy_from_slice)
			.ok_or_else(|| Error::new(Status::InvalidArg, "the payloads are shorter than their lengths"))?;
		if let Some(supervisor) = &self.supervisor {
			supervisor.submit(rows.chunks_exact(ROW).map(|row| Submission {
				task: task_id(row[0]),
				function: function_id(row[1]),
				payload: payloads.split_to(size(row[2])),
				timeout: timeout(row[3]),
				is_observed: row[4] != 0.0,
				priority: priority(row[5]),
			}));
		}
		Ok(())
	}

	/// Whether the task was taken back. If so it will be settled as cancelled.
	#[napi]
	pub fn cancel(&self, task: f64) -> bool {
		self.supervisor
			.as_ref()
			.is_some_and(|supervisor| supervisor.cancel_one(task_id(task)))
	}

	/// Ends tasks: takes back what has not started, kills the workers of what runs.
	#[napi]
	pub fn abort(&self, tasks: Float64ArraySlice) {
		if let Some(supervisor) = &self.supervisor {
			supervisor.abort(tasks.iter().map(|&task| task_id(task)));
		}
	}

	/// Whether a worker has started the task and not finished it.
	#[napi]
	pub fn is_running(&self, task: f64) -> bool {
		self.supervisor
			.as_ref()
			.is_some_and(|supervisor| supervisor.is_running(task_id(task)))
	}

	/// `drain`, `cancel-pending` or `kill`. May be called again to escalate.
	#[napi]
	pub fn shutdown(&self, how: String) -> Result<()> {
		let how = shutdown(&how)?;
		if let Some(supervisor) = &self.supervisor {
			supervisor.shutdown(how);
		}
		Ok(())
	}

	/// Kills the workers with everything that their tasks have started, and waits for their ends.
	#[napi]
	pub fn kill_and_wait(&self) {
		if let Some(supervisor) = &self.supervisor {
			supervisor.kill_and_wait();
		}
	}

	/// Frees everything, without waiting for a garbage collection: kills what still lives and joins the thread.
	#[napi]
	pub fn dispose(&mut self, env: Env) -> Result<()> {
		self.supervisor = None;
		match self.hook.take() {
			Some(hook) => env.remove_env_cleanup_hook(hook),
			None => Ok(()),
		}
	}

	/// What has happened since the last call.
	#[napi]
	pub fn take<'env>(&mut self, env: &'env Env) -> Result<NoticeBatch<'env>> {
		if let Some(supervisor) = &self.supervisor {
			supervisor.take_notices(&mut self.notices);
		}
		batch(env, &mut self.notices)
	}

	/// Has all text that workers have written among what is taken next, also lines without an end.
	#[napi]
	pub fn flush_output(&self) {
		if let Some(supervisor) = &self.supervisor {
			supervisor.flush_output();
		}
	}

	/// So many bytes of text, those of one fact, are written or used: they wait no longer.
	#[napi]
	pub fn text_taken(&self, length: u32) {
		if let Some(supervisor) = &self.supervisor {
			supervisor.text_taken(length as usize);
		}
	}

	/// What each living worker does at this moment.
	#[napi]
	pub fn workers(&self) -> Vec<NativeWorkerState> {
		self.supervisor
			.iter()
			.flat_map(|supervisor| supervisor.workers())
			.map(|worker| NativeWorkerState {
				index: worker.index,
				pid: worker.pid,
				state: worker.state.to_owned(),
				age: worker.age.map(in_milliseconds),
				running: worker.running.map(|task| exact(task.0)),
				running_for: worker.running_for.map(in_milliseconds),
				finished: exact(worker.finished),
			})
			.collect()
	}

	/// Keeps the event loop alive.
	#[napi]
	pub fn hold(&self, env: Env) -> Result<()> {
		let mut wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
		// Deprecated in favour of clones, which cannot express "alive while tasks are outstanding".
		#[allow(deprecated)]
		wake.refer(&env)
	}

	/// Lets the event loop end although this exists.
	#[napi]
	pub fn release(&self, env: Env) -> Result<()> {
		let mut wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
		#[allow(deprecated)]
		wake.unref(&env)
	}
}

/// A worker, as `executor.workers` shows it.
#[napi(object, use_nullable = true)]
pub struct NativeWorkerState {
	pub index: u32,
	pub pid: Option<u32>,
	#[napi(ts_type = "'starting' | 'idle' | 'busy' | 'exiting'")]
	pub state: String,
	/// In ms, as `running_for`.
	pub age: Option<f64>,
	pub running: Option<f64>,
	pub running_for: Option<f64>,
	pub finished: f64,
}

// The numbers come from a table of doubles that only our own TypeScript writes: whole, not negative, below 2^53.

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn task_id(value: f64) -> TaskId {
	TaskId(value as u64)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn function_id(value: f64) -> FunctionId {
	FunctionId(value as u32)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn size(value: f64) -> usize {
	value as usize
}

#[allow(clippy::cast_possible_truncation)]
fn priority(value: f64) -> i64 {
	value as i64
}

fn timeout(value: f64) -> Option<Duration> {
	(value >= 0.0).then(|| milliseconds(value))
}
