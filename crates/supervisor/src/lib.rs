//! Does what the pool decides: every system call of the project, and nearly all of its `unsafe`.
//!
//! [`Supervisor`] is the parent's side: one thread that waits for pipes, deaths and deadlines, and drives the
//! [`pool::Pool`]. Callers drive it too: a submit writes to an idle worker from the calling thread, without waking
//! ours first. [`WorkerEnd`] is the other end, inside the worker process.
//!
//! # Descriptors of a worker
//!
//! | number | what | parent's end |
//! |---|---|---|
//! | 0 | `/dev/null` | |
//! | 1, 2 | pipes, written by the worker | read, forwarded as [`Notice::Output`] |
//! | 3 | pipe with frames to the worker | written |
//! | 4 | pipe with frames from the worker | read |
//! | 5 | UNIX socket whose end tells the worker that its parent is gone | held |
//! | 6 | the claim memory | mapped |

mod arrivals;
mod channel;
mod claims;
mod core;
mod deaths;
mod descriptor;
mod driver;
mod ending;
mod error;
#[cfg(feature = "fault-injection")]
pub mod faults;
#[cfg(not(feature = "fault-injection"))]
mod faults;
mod last_act;
mod last_words;
mod launch;
mod looks;
mod mark;
mod marks;
mod memory_kills;
mod notice;
mod orphans;
mod outbox;
mod output;
mod process;
mod results;
mod ring;
mod sigpipe;
mod spawn;
mod supervisor;
mod sweep;
mod sweeper;
mod sys;
mod text;
mod watcher;
mod worker;
mod worker_end;

pub use error::{OpenError, PayloadTooLong, ReadError, StartError};
pub use launch::{DeathWatch, Launch, TextUse};
pub use notice::{BreakFacts, Notice, Settlement, Stream, WorkerDeath};
pub use supervisor::{Supervisor, WorkerSnapshot};
pub use worker_end::WorkerEnd;
