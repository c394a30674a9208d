//! The text of workers: read, attributed, and left unread where too much of it waits for the owner.

use std::collections::VecDeque;

use pool::{Sequence, TaskId, WorkerId};

use crate::core::Core;
use crate::outbox::{MOST_TEXT, text_cost};
use crate::output::{Output, READ_BYTES, Text};
use crate::{Notice, Stream, TextUse};

/// What is taken from one worker in one turn, so that it neither starves the others nor holds the lock for long.
const BUDGET: usize = 1024 * 1024;
/// So much may wait with the last words of dead workers, who can wait no longer themselves.
const MOST_LAST_WORDS: usize = 8 * MOST_TEXT;
/// Tasks of one worker that are remembered by their sequences. What it has marked and nobody has read is in its pipe, which
/// holds the marks of fewer.
const MOST_SENT: usize = 8192;

const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

/// What a core knows of text.
pub struct TextState {
	/// What becomes of it.
	text_use: TextUse,
	/// What is not read because too much waits.
	muted: Vec<(WorkerId, Stream)>,
	/// How much waits for the owner, as far as this turn knows.
	waiting: usize,
	/// Some was left out.
	is_dropped: bool,
	/// Room for one read.
	buffer: Vec<u8>,
}

impl TextState {
	/// Nothing waits.
	pub fn new(text_use: TextUse) -> Self {
		Self {
			text_use,
			muted: Vec::new(),
			waiting: 0,
			is_dropped: false,
			buffer: vec![0; READ_BYTES],
		}
	}

	/// What becomes of it.
	pub fn text_use(&self) -> TextUse {
		self.text_use
	}
}

/// The tasks that were sent to one worker, for its marks.
#[derive(Default)]
pub struct SentTasks {
	/// In the order of their sequences.
	tasks: VecDeque<(Sequence, TaskId)>,
}

impl SentTasks {
	fn add(&mut self, sequence: Sequence, task: TaskId) {
		if self.tasks.len() >= MOST_SENT {
			self.tasks.pop_front();
		}
		self.tasks.push_back((sequence, task));
	}

	fn task(&self, sequence: Sequence) -> Option<TaskId> {
		let place = self
			.tasks
			.binary_search_by_key(&sequence, |(sent, _)| *sent)
			.ok()?;
		Some(self.tasks[place].1)
	}
}

impl Core {
	/// Begins a turn in which so much text waits already.
	pub fn expect_text(&mut self, waiting: usize) {
		self.texts.waiting = waiting;
	}

	/// Remembers a task for the marks in the text of its worker.
	pub fn note_sent(&mut self, id: WorkerId, sequence: Sequence) {
		if self.texts.text_use == TextUse::Marked
			&& let Some(task) = self.pool.task_at(id, sequence)
			&& let Some(worker) = self.workers.get_mut(&id)
		{
			worker.sent.add(sequence, task);
		}
	}

	/// Takes the text that is there, or leaves it where too much waits: then the worker waits, too, when its pipe is full.
	pub fn text_arrived(&mut self, id: WorkerId, stream: Stream) {
		if self.texts.waiting >= MOST_TEXT {
			if let Some(worker) = self.workers.get_mut(&id) {
				worker.ignore_text(&self.poller, stream);
				self.texts.muted.push((id, stream));
			}
			return;
		}
		if !self.take_text(id, stream, MOST_TEXT)
			&& let Some(worker) = self.workers.get_mut(&id)
		{
			worker.ignore_text(&self.poller, stream);
			self.flush_stream(id, stream, MOST_LAST_WORDS);
		}
	}

	/// Takes the text that a worker has written ahead of the frames that were just taken from it, so that it is told first.
	pub fn text_before_frames(&mut self, id: WorkerId) {
		if self.texts.text_use == TextUse::Discarded
			|| !self
				.workers
				.get(&id)
				.is_some_and(|worker| worker.texts.is_waiting())
		{
			return;
		}
		for stream in STREAMS {
			if self.workers.get(&id).is_some_and(|worker| worker.is_read(stream)) {
				self.text_arrived(id, stream);
			}
		}
	}

	/// Takes the text of a worker that will write no more, or of which no more will be taken, up to its last byte.
	pub fn text_ended(&mut self, id: WorkerId) {
		for stream in STREAMS {
			self.take_text(id, stream, MOST_LAST_WORDS);
			self.flush_stream(id, stream, MOST_LAST_WORDS);
		}
	}

	/// Takes the text of all workers that is there, also lines without an end.
	pub fn flush_text(&mut self) {
		let workers: Vec<WorkerId> = self.workers.keys().copied().collect();
		for worker in workers {
			self.text_ended(worker);
		}
	}

	/// Reads text again that was left unread because too much waited.
	pub fn unmute(&mut self) {
		for (id, stream) in std::mem::take(&mut self.texts.muted) {
			if let Some(worker) = self.workers.get_mut(&id) {
				// Where it cannot be polled, its text is read when it has died.
				let _ = worker.resume_text(&self.poller, stream);
			}
		}
	}

	/// A worker is gone.
	pub fn forget_text(&mut self, id: WorkerId) {
		self.texts.muted.retain(|(muted, _)| *muted != id);
	}

	/// `false`: nobody holds the other end any more.
	fn take_text(&mut self, id: WorkerId, stream: Stream, most: usize) -> bool {
		let mut buffer = std::mem::take(&mut self.texts.buffer);
		let goes_on = self.with_stream(id, stream, most, |output, on_text, room| {
			output.receive(&mut buffer, room.min(BUDGET), on_text)
		});
		self.texts.buffer = buffer;
		goes_on.unwrap_or(true)
	}

	fn flush_stream(&mut self, id: WorkerId, stream: Stream, most: usize) {
		self.with_stream(id, stream, most, |output, on_text, _| output.flush(on_text));
	}

	/// Takes from one stream, about so much that `most` waits afterwards, and tells what comes of it.
	fn with_stream<R>(
		&mut self,
		id: WorkerId,
		stream: Stream,
		most: usize,
		take: impl FnOnce(&mut Output, &mut dyn FnMut(Text), usize) -> R,
	) -> Option<R> {
		let room = most.saturating_sub(self.texts.waiting).max(1);
		let worker = self.workers.get_mut(&id)?;
		let (index, pid) = (worker.index, worker.pid().as_raw_pid().unsigned_abs());
		let Self { notices, texts, .. } = self;
		let sent = &worker.sent;
		let mut on_text = |Text { bytes, owner }: Text| {
			if texts.waiting >= MOST_LAST_WORDS {
				if !std::mem::replace(&mut texts.is_dropped, true) {
					notices.push(Notice::TextDropped);
				}
				return;
			}
			texts.waiting += text_cost(bytes.len());
			notices.push(Notice::Output {
				worker: id,
				index,
				pid,
				stream,
				task: owner.and_then(|sequence| sent.task(sequence)),
				bytes,
			});
		};
		let output = worker.texts.stream(stream)?;
		Some(take(output, &mut on_text, room))
	}
}
