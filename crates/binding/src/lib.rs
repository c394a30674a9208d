//! Translates between JavaScript and the supervisor. No decision and no system call is made here.
//!
//! What crosses is data: numbers, bytes, plain objects. One call per batch of submitted tasks, one callback per batch of
//! notices; JavaScript never waits for the supervisor's thread, and that thread never waits for JavaScript.
//!
//! `unsafe` stands only where N-API itself asks for it: memory handed to JavaScript without a copy, and the poll handle
//! of the worker's task pipe in `event_loop.rs`, and what V8 knows of a function in `closure.rs`.
#![allow(
	clippy::needless_pass_by_value,
	reason = "N-API hands over owned values and closures"
)]

mod closure;
mod convert;
mod event_loop;
mod executor;
mod notices;
mod symbol;
mod worker;
