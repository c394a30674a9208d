//! The supervisor's side of one worker: its process, its pipes, and which of them are polled.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use polling::{Event, PollMode, Poller};
use pool::WorkerId;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Pid;

use crate::Stream;
use crate::channel::{Flush, Outbound};
use crate::deaths::Treatment;
use crate::memory_kills::KillCounter;
use crate::output::Output;
use crate::process::Process;
use crate::results::Results;
use crate::text::SentTasks;

/// What of a worker can become ready. Together with its number, the key in the poll set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
	/// Frames from it, or their end.
	Results,
	/// Text on its standard output, or its end.
	Output,
	/// Text on its standard error, or its end.
	Errors,
	/// Room for frames to it, or their end.
	Tasks,
	/// Its death.
	Death,
}

impl Source {
	/// The key of this source of a worker.
	pub fn key(self, worker: WorkerId) -> usize {
		(worker.0 as usize) << 3 | self as usize
	}

	/// The source of a key.
	pub fn of_key(key: usize) -> Option<(WorkerId, Self)> {
		let source = match key & 7 {
			0 => Self::Results,
			1 => Self::Output,
			2 => Self::Errors,
			3 => Self::Tasks,
			4 => Self::Death,
			_ => return None,
		};
		Some((WorkerId(u32::try_from(key >> 3).ok()?), source))
	}
}

/// A worker with a process that is not reaped.
pub struct Worker {
	pub(crate) id: WorkerId,
	/// Its dense number.
	pub(crate) index: u32,
	pub(crate) process: Process,
	pub(crate) spawned_at: Duration,
	/// Frames from it.
	pub(crate) results: Results,
	/// Text from it.
	pub(crate) texts: Texts,
	/// Which tasks its marks mean. Empty where it makes none.
	pub(crate) sent: SentTasks,
	/// Frames to it that the pipe has not taken.
	pub(crate) outbound: Outbound,
	tasks: OwnedFd,
	/// Held, never used: its end tells the worker that we are gone.
	_control: OwnedFd,
	/// What counts its death, if memory runs out.
	pub(crate) kills: Option<KillCounter>,
	pub(crate) is_ready: bool,
	pub(crate) treatment: Treatment,
	/// When one of its pipes was found closed. It is about to die, or breaks the protocol.
	pub(crate) closed_at: Option<Duration>,
	/// Whether it is in the list of those with something to write.
	pub(crate) is_unflushed: bool,
	polled: Polled,
}

/// Which of the pipes are in the poll set.
#[derive(Clone, Copy, Default)]
struct Polled {
	results: bool,
	output: bool,
	errors: bool,
	tasks: TaskPoll,
}

/// For what the pipe to a worker is polled.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum TaskPoll {
	#[default]
	Nothing,
	/// The worker's closing its end.
	End,
	/// The same, and room.
	Room,
}

/// Our ends of the descriptors.
pub struct Ends {
	/// Where frames to it are written.
	pub tasks: OwnedFd,
	/// Where frames from it are read.
	pub results: Results,
	/// Where its text is read.
	pub texts: Texts,
	/// Held.
	pub control: OwnedFd,
	/// What counts its death, if memory runs out.
	pub kills: Option<KillCounter>,
}

/// Where the text of a worker is read.
pub struct Texts {
	/// Its standard output; `None` where that is discarded.
	pub output: Option<Output>,
	/// Its standard error.
	pub errors: Output,
}

impl Texts {
	/// Whether there is something to read. One system call, because it is asked after every result.
	pub fn is_waiting(&self) -> bool {
		let errors = self.errors.pipe();
		let output = self.output.as_ref().map_or(errors, Output::pipe);
		let mut descriptors = [output, errors].map(|pipe| PollFd::new(pipe, PollFlags::IN));
		let at_once = Timespec {
			tv_sec: 0,
			tv_nsec: 0,
		};
		// Where it fails, the poller tells of the text a moment later.
		rustix::event::poll(&mut descriptors, Some(&at_once)).is_ok_and(|ready| ready > 0)
	}

	/// One of the two.
	pub fn stream(&mut self, stream: Stream) -> Option<&mut Output> {
		match stream {
			Stream::Stdout => self.output.as_mut(),
			Stream::Stderr => Some(&mut self.errors),
		}
	}
}

impl Worker {
	/// A worker whose process was just made. Nothing is polled.
	pub fn new(id: WorkerId, index: u32, process: Process, ends: Ends, now: Duration) -> Self {
		Self {
			id,
			index,
			process,
			spawned_at: now,
			results: ends.results,
			texts: ends.texts,
			sent: SentTasks::default(),
			outbound: Outbound::default(),
			tasks: ends.tasks,
			_control: ends.control,
			kills: ends.kills,
			is_ready: false,
			treatment: Treatment::default(),
			closed_at: None,
			is_unflushed: false,
			polled: Polled::default(),
		}
	}

	/// Its process.
	pub fn pid(&self) -> Pid {
		self.process.pid()
	}

	/// Whether frames from it are still expected.
	pub fn is_heard(&self) -> bool {
		self.polled.results
	}

	/// Polls all its pipes.
	pub fn listen(&mut self, poller: &Poller) -> io::Result<()> {
		add(
			poller,
			self.results.pipe(),
			Event::readable(Source::Results.key(self.id)),
		)?;
		self.polled.results = true;
		// Without interest: epoll reports all the same when the worker closes its end, which otherwise only a write finds out.
		add(poller, &self.tasks, Event::none(Source::Tasks.key(self.id)))?;
		self.polled.tasks = TaskPoll::End;
		self.resume_text(poller, Stream::Stdout)?;
		self.resume_text(poller, Stream::Stderr)
	}

	/// Polls for text from it, again.
	pub fn resume_text(&mut self, poller: &Poller, stream: Stream) -> io::Result<()> {
		let (is_polled, source) = match stream {
			Stream::Stdout => (&mut self.polled.output, Source::Output),
			Stream::Stderr => (&mut self.polled.errors, Source::Errors),
		};
		if let Some(output) = self.texts.stream(stream)
			&& !*is_polled
		{
			add(poller, output.pipe(), Event::readable(source.key(self.id)))?;
			*is_polled = true;
		}
		Ok(())
	}

	/// Whether its text is polled for: it is neither at its end nor left unread.
	pub fn is_read(&self, stream: Stream) -> bool {
		match stream {
			Stream::Stdout => self.polled.output,
			Stream::Stderr => self.polled.errors,
		}
	}

	/// Stops polling for frames from it.
	pub fn ignore_results(&mut self, poller: &Poller) {
		if std::mem::take(&mut self.polled.results) {
			let _ = poller.delete(self.results.pipe());
		}
	}

	/// Stops polling for text from it. Not only the interest is taken back: the end of a pipe is reported without any.
	pub fn ignore_text(&mut self, poller: &Poller, stream: Stream) {
		let is_polled = match stream {
			Stream::Stdout => &mut self.polled.output,
			Stream::Stderr => &mut self.polled.errors,
		};
		if std::mem::take(is_polled)
			&& let Some(output) = self.texts.stream(stream)
		{
			let _ = poller.delete(output.pipe());
		}
	}

	/// Writes what the pipe takes, and polls for room when it is full. `false`: the worker has closed its end.
	pub fn flush(&mut self, poller: &Poller) -> bool {
		match self.outbound.flush(&self.tasks) {
			Flush::Full => self.want_room(poller, true),
			Flush::Done => self.want_room(poller, false),
			Flush::Broken => {
				self.ignore_tasks(poller);
				return false;
			}
		}
		true
	}

	/// Whether it waits for room, so that writing makes no sense before it is told.
	pub fn waits_for_room(&self) -> bool {
		self.polled.tasks == TaskPoll::Room
	}

	/// Stops polling for room, and for the end of the pipe to it.
	pub fn ignore_tasks(&mut self, poller: &Poller) {
		if std::mem::take(&mut self.polled.tasks) != TaskPoll::Nothing {
			let _ = poller.delete(&self.tasks);
		}
	}

	fn want_room(&mut self, poller: &Poller, wanted: bool) {
		let key = Source::Tasks.key(self.id);
		let (interest, next) = match (self.polled.tasks, wanted) {
			(TaskPoll::End, true) => (Event::writable(key), TaskPoll::Room),
			(TaskPoll::Room, false) => (Event::none(key), TaskPoll::End),
			(TaskPoll::Nothing, _) | (TaskPoll::End, false) | (TaskPoll::Room, true) => return,
		};
		// Where it cannot be polled for room, the next frame tries again.
		if poller
			.modify_with_mode(&self.tasks, interest, PollMode::Level)
			.is_ok()
		{
			self.polled.tasks = next;
		}
	}

	/// Closes what we have of a worker whose process is reaped.
	pub fn close(mut self, poller: &Poller) {
		self.leave(poller);
		self.process.leave(poller);
	}

	/// Takes all its pipes out of the poll set.
	pub fn leave(&mut self, poller: &Poller) {
		self.ignore_results(poller);
		self.ignore_text(poller, Stream::Stdout);
		self.ignore_text(poller, Stream::Stderr);
		self.ignore_tasks(poller);
	}
}

fn add(poller: &Poller, descriptor: &OwnedFd, interest: Event) -> io::Result<()> {
	// SAFETY: every worker leaves the poll set before its descriptors are closed.
	unsafe { poller.add_with_mode(&descriptor.as_fd(), interest, PollMode::Level) }
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_key_names_its_worker_and_its_source() {
		for source in [
			Source::Results,
			Source::Output,
			Source::Errors,
			Source::Tasks,
			Source::Death,
		] {
			let key = source.key(WorkerId(77));
			assert_eq!(Source::of_key(key), Some((WorkerId(77), source)));
		}
	}
}
