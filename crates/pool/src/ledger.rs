//! What a worker has claimed and is held up by, as an argument of the pool.

use crate::{Sequence, WorkerId};

/// Memory shared with each worker, in which the worker claims a task before it starts it.
///
/// The pool decides on facts that change under its hands: whether a worker has started a task is decided by one atomic
/// operation in that memory, at the moment when either side asks. So the ledger is an argument, as time is. The
/// supervisor implements it on shared memory, tests implement it on a vector.
///
/// One slot per sequence, `sequence % SLOTS`. A slot holds `0` (nothing, or recalled), `sequence` (offered) or
/// `-sequence` (claimed). Both sides move it by compare-and-swap from `sequence`, so exactly one of claim and recall
/// succeeds, and a stale frame in the pipe never matches a slot that was used again.
///
/// The pool recalls a sequence at most once successfully, and asks about a worker until its `WorkerExited` is handled: so
/// long must the memory of a dead worker be kept.
pub trait ClaimLedger {
	/// Makes `sequence` claimable. Called before the frame that carries it is ordered.
	fn offer(&mut self, worker: WorkerId, sequence: Sequence);

	/// Takes `sequence` back. `true`: the worker has not started it and never will. `false`: it has.
	fn recall(&mut self, worker: WorkerId, sequence: Sequence) -> bool;

	/// Whether the worker has started `sequence`. Stays true when it has finished it.
	fn is_claimed(&self, worker: WorkerId, sequence: Sequence) -> bool;

	/// Whether the worker has claimed `sequence` and loads what it needs: nothing of it is called yet.
	fn is_loading(&self, worker: WorkerId, sequence: Sequence) -> bool;

	/// Whether a debugger holds the worker, which is late for that reason. Not cheap: asked when a deadline has passed.
	fn is_inspected(&self, worker: WorkerId) -> bool;
}

/// Slots in a worker's claim memory: the most tasks that may be between the oldest unfinished and the newest sent.
pub const SLOTS: u32 = 1024;
