//! What the poller reports: frames, text, room, deaths, and time.

use std::time::Duration;

use polling::Events;
use pool::frame::{Frame, FrameKind};
use pool::{Action, Event, Evidence, Exit, StopSignal, TerminationReason, Violation, WorkerId};

use crate::channel::Arrival;
use crate::core::{Core, Remains};
use crate::deaths::{DeathFacts, judge, judgement_in};
use crate::results::Results;
use crate::worker::Source;
use crate::{Notice, Stream, last_words};

/// What is taken from one worker in one turn, so that it neither starves the others nor holds the lock for long.
const BUDGET: usize = 1024 * 1024;

impl Core {
	/// A turn of the thread: everything that became ready while it slept.
	pub fn wake_up(&mut self, events: &Events, waiting_text: usize) {
		self.awoke();
		self.expect_text(waiting_text);
		let now = self.now();
		let mut dead = self.take_obituaries();
		for event in events.iter() {
			let Some((worker, source)) = Source::of_key(event.key) else {
				continue;
			};
			match source {
				Source::Results => {
					self.frames_arrived(worker, now);
					// The settlements that follow from the frames are told at the end of the turn.
					self.text_before_frames(worker);
				}
				Source::Output => self.text_arrived(worker, Stream::Stdout),
				Source::Errors => self.text_arrived(worker, Stream::Stderr),
				Source::Tasks if event.is_err() == Some(true) => self.tasks_unread(worker, now),
				// A pipe found closed here is noted there; the thread blocks the signal.
				Source::Tasks => drop(self.flush_worker(worker, now)),
				Source::Death => dead.push(worker),
			}
		}
		self.look_for_results(now);
		// After the frames of the living: what was written before the death is read first in any case.
		for worker in dead {
			self.worker_died(worker, now);
		}
		self.time_passed();
		self.answer(now);
	}

	/// Something came through the pipe, perhaps a bell.
	fn frames_arrived(&mut self, id: WorkerId, now: Duration) {
		self.take_frames(id, now, |results, on_frame| results.receive(BUDGET, on_frame));
		// Not when the turn began: a bell may have been rung since.
		self.looks.heard_bell(self.now());
	}

	/// Takes what workers have published without a bell.
	fn look_for_results(&mut self, now: Duration) {
		if self.looks.is_due(now) {
			self.take_rings(now);
		}
	}

	/// Takes what is in the rings.
	fn take_rings(&mut self, now: Duration) {
		let workers: Vec<WorkerId> = self
			.workers
			.values()
			.filter(|worker| worker.is_heard() && !worker.results.is_ring_empty())
			.map(|worker| worker.id)
			.collect();
		for worker in workers {
			self.take_frames(worker, now, |results, on_frame| results.look(on_frame));
			self.text_before_frames(worker);
		}
	}

	fn take_frames(
		&mut self,
		id: WorkerId,
		now: Duration,
		take: impl FnOnce(&mut Results, &mut dyn FnMut(Frame)) -> Arrival,
	) {
		let Some(worker) = self.workers.get_mut(&id) else {
			return;
		};
		if !worker.is_heard() {
			return;
		}
		let (index, pid) = (worker.index, worker.pid());
		let Self {
			pool,
			ledger,
			actions,
			notices,
			..
		} = self;
		let before = actions.len();
		let arrival = take(&mut worker.results, &mut |frame: Frame| {
			if frame.kind == FrameKind::Ready && !worker.is_ready {
				worker.is_ready = true;
				let pid = pid.as_raw_pid().unsigned_abs();
				notices.push(Notice::WorkerStarted {
					worker: id,
					index,
					pid,
				});
			}
			pool.handle(Event::FrameReceived(id, frame), now, ledger, actions);
		});
		let is_distrusted = actions[before..]
			.iter()
			.any(|action| matches!(action, Action::SignalWorker(killed, StopSignal::Kill) if *killed == id));
		worker.treatment.broke_protocol |= is_distrusted && !pool.is_broken();
		match arrival {
			Arrival::Drained | Arrival::Budget => {}
			Arrival::Ended | Arrival::Failed(_) => {
				worker.ignore_results(&self.poller);
				self.found_closed(id, now);
			}
			Arrival::Garbage(error) => {
				worker.ignore_results(&self.poller);
				self.violated(id, Violation::BadFrame(error), now);
			}
		}
	}

	/// A worker has closed its end of the pipe to it.
	fn tasks_unread(&mut self, id: WorkerId, now: Duration) {
		if let Some(worker) = self.workers.get_mut(&id) {
			worker.ignore_tasks(&self.poller);
			self.found_closed(id, now);
		}
	}

	fn violated(&mut self, id: WorkerId, violation: Violation, now: Duration) {
		if let Some(worker) = self.workers.get_mut(&id) {
			worker.treatment.broke_protocol = true;
		}
		let event = Event::ProtocolViolated(id, violation);
		self.pool.handle(event, now, &mut self.ledger, &mut self.actions);
	}

	/// A process is dead: takes what it has left behind, then its status.
	fn worker_died(&mut self, id: WorkerId, now: Duration) {
		// Its text comes before the settlements that its death causes.
		self.text_ended(id);
		self.frames_arrived(id, now);
		self.perform_ordered();
		let Some(worker) = self.workers.get_mut(&id) else {
			return;
		};
		let Some(reaped) = worker.process.reap() else {
			return;
		};
		let Some(mut worker) = self.workers.remove(&id) else {
			return;
		};
		self.graces.retain(|(_, closed)| *closed != id);
		self.forget_text(id);

		let (treatment, was_open) = (worker.treatment, self.is_open());
		let pid = worker.pid();
		let stderr_tail = worker.texts.errors.take_tail();
		let exit = reaped.exit;
		let evidence = match &exit {
			_ if last_words::tell_a_full_heap(&stderr_tail) => Some(Evidence::HeapLimit),
			// A few small files are read for this, and only for this.
			Exit::Signal {
				signal: libc::SIGKILL,
				..
			} if !treatment.was_signalled => worker
				.kills
				.as_ref()
				.filter(|kills| kills.explains_a_death())
				.map(|_| Evidence::OutOfMemoryKill),
			Exit::Signal { .. } | Exit::Code(_) | Exit::NeverStarted(_) | Exit::Unknown => None,
		};
		let view = self.pool.worker(id);
		let facts = DeathFacts {
			index: worker.index,
			pid: pid.as_raw_pid().unsigned_abs(),
			stderr_tail,
			lifetime: now.saturating_sub(worker.spawned_at),
			task_time: view
				.as_ref()
				.and_then(|view| view.since)
				.map(|since| now.saturating_sub(since)),
			peak_memory: reaped.peak_memory,
			exceeded: view.as_ref().and_then(|view| view.exceeded),
			was_loading: self.ledger.loads(id),
		};
		let exceeded = facts.exceeded;
		let violation = view.and_then(|view| view.violation);
		self.deaths.record(id, facts);
		self.orphans.inherit(pid, now);
		self.sweep(id);
		let before = self.actions.len();
		let event = Event::WorkerExited(id, exit.clone(), evidence);
		self.pool.handle(event, now, &mut self.ledger, &mut self.actions);
		let claims = self.ledger.remove(id);
		self.leave_behind(Remains { worker, claims });
		let reason = judgement_in(&self.actions[before..], id)
			.or(exceeded.map(|_| TerminationReason::OutOfMemory))
			.unwrap_or_else(|| judge(treatment, was_open, &exit, evidence));
		let termination = pool::Termination {
			worker: id,
			exit,
			reason,
			violation,
			attempt: None,
		};
		let death = self.deaths.describe(&termination);
		self.notices.push(Notice::WorkerExited(Box::new(death)));
	}

	/// After everything that has arrived: a machine that slept must not look like workers that did.
	fn time_passed(&mut self) {
		let now = self.now();
		self.orphans.look(now);
		if now < self.excused_until {
			return;
		}
		let due: Vec<WorkerId> = self
			.graces
			.iter()
			.filter(|(until, _)| *until <= now)
			.map(|(_, worker)| *worker)
			.collect();
		self.graces.retain(|(until, _)| *until > now);
		for worker in due {
			self.violated(worker, Violation::PipeClosed, now);
		}
		if self.is_deadline_over(now) {
			// A result that nobody has rung for yet may call it off.
			self.take_rings(now);
		}
		if self.is_deadline_over(now) {
			self.pool
				.handle(Event::DeadlinePassed, now, &mut self.ledger, &mut self.actions);
		}
	}

	fn is_deadline_over(&self, now: Duration) -> bool {
		self.pool.next_deadline().is_some_and(|deadline| deadline <= now)
	}
}
