//! The decisions of the process pool, without I/O, clock or threads.
//!
//! # Theory of operation
//!
//! [`Pool`] is a state machine. Facts go in as an [`Event`], orders come out as [`Action`]s, the time is an argument.
//! Whoever drives it (the supervisor's thread, the JavaScript thread on submit, a simulation in a test) does
//!
//! ```text
//! for event in what_happened { pool.handle(event, now, &mut ledger, &mut actions) }
//! pool.dispatch(now, &mut ledger, &mut actions)   // once per batch of events: give work to workers, start workers
//! perform(actions); sleep until pool.next_deadline() or the next event
//! ```
//!
//! # The words
//!
//! * **worker**: one process. `Starting` -> `Idle` <-> `Busy` -> `Exiting` -> `Dead`.
//! * **task**: one unit of work. `Pending` -> `Sent` -> settled once with an [`Outcome`], or `Pending` -> cancelled.
//! * **sequence**: the number of a task on the worker it was sent to. A task that is sent twice (because the first worker
//!   died before it started it) has two sequences.
//! * **claim**: a worker claims a sequence with one atomic operation on memory that it shares with the parent, right
//!   before it starts the task. What is not claimed can be recalled, with the same atomic operation. See [`ClaimLedger`].
//! * **front**: the oldest task that a worker holds: the one that it runs, or is about to claim. What is behind it was
//!   sent ahead, so that the worker need not wait for the next one.
//! * **recycling**: a worker that is **due** is replaced between two tasks. Its **replacement** is ready before (`Standby`),
//!   and takes its place when it is idle; one place, one task at a time.
//! * **ladder**: how a worker is made to leave: asked with an `Exit` frame, then SIGTERM, then SIGKILL.
//! * **frame**: the envelope on the pipe, see [`frame`]. **payload**: bytes that this crate never looks into.
//! * **function**: what a task calls, shipped once per worker ahead of the first task that needs it. Once it is **released**
//!   and its last task is settled, the pool and every worker that has it forget it.
//!
//! # Where each decision is
//!
//! * `dispatch`: how many workers, which task goes where. `pace`: how much ahead. `recall`: what is taken back.
//! * `recycle`: which workers are replaced, and when.
//! * `memory`: when memory is looked at, and what too much of it means.
//! * `functions`: how long a function is kept.
//! * `received`: what a frame means. `death`: what the end of a process means. `starts`: what a failed start means.
//!   `stray`: what an error that nobody handled means.
//! * `deadline`: everything that happens because time passed. `shutdown`: closing and breaking.
//! * `worker`, `front`, `ladder`, `task`, `queue`: the states, and the transitions that concern one of them alone.
#![forbid(unsafe_code)]
#![allow(
	clippy::match_same_arms,
	reason = "each pair of a transition stands alone, with its own reason"
)]

pub mod config;
mod deadline;
mod death;
mod dispatch;
pub mod event;
pub mod frame;
mod front;
mod functions;
mod ladder;
mod ledger;
mod memory;
mod outcome;
mod pace;
mod pool;
mod queue;
mod recall;
mod received;
mod recent;
mod recycle;
mod shutdown;
mod starts;
mod stray;
mod task;
#[cfg(test)]
mod trial;
mod worker;

pub use config::{OnWorkerDeath, PoolConfig};
pub use event::{Action, Event, Shutdown, StopSignal, Submission};
pub use ledger::{ClaimLedger, SLOTS};
pub use memory::{Exceeded, Memory, MemoryLimits};
pub use outcome::{
	BreakCause, Evidence, Exit, Outcome, SpawnFailure, Termination, TerminationReason, Violation,
};
pub use pool::{Pool, PoolState, WorkerView};
pub use recycle::{RecycleReason, Recycled};

/// A task, numbered by whoever submits it, in increasing order. Stays below 2^53, so that it is exact as a JavaScript number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// A worker process, numbered by the pool in the order of their starts. Never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

/// A function that tasks call, numbered by whoever registers it. Never used again, also not after its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// The number of a task on one worker, counted from 1. Stays below 2^31 (see [`ClaimLedger`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u32);
