//! Does what the pool decides: every system call of the project, and nearly all of its `unsafe`.
//!
//! [`Supervisor`] is the parent's side: one thread that waits for pipes, deaths and deadlines, and drives the
//! [`pool::Pool`]. Callers drive it too: a submit writes to an idle worker from the calling thread, without waking
//! ours first. [`WorkerEnd`] is the other end, inside the worker process.

mod error;
mod launch;
mod notice;

pub use error::StartError;
pub use launch::{DeathWatch, Launch};
pub use notice::{BreakFacts, Notice, Settlement, Stream, WorkerDeath};
