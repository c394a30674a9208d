//! A worker process without a process.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use pool::frame::{Frame, FrameKind};
use pool::{Exit, FunctionId, Sequence, StopSignal, TaskId, WorkerId};

use super::FakeLedger;

#[expect(clippy::struct_excessive_bools, reason = "each is a trouble of its own")]
pub struct FakeWorker {
	pub id: WorkerId,
	pub index: u32,
	pub process: Process,
	/// Stopped, or in an endless loop outside of any task.
	pub is_stuck: bool,
	pub ignores_terminate: bool,
	pub init_throws: bool,
	/// Grows with each task.
	pub memory: u64,
	phase: Phase,
	/// Written by the pool, not read yet.
	pub inbox: VecDeque<Frame>,
	/// Written by the worker, not read by the driver yet.
	pub outbox: VecDeque<Frame>,
	pub functions: BTreeSet<FunctionId>,
	forgotten: BTreeSet<FunctionId>,
	/// Said that nobody handled an error of an earlier task, while another one ran.
	leaves: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Process {
	/// Not reported by the driver.
	Ordered,
	Alive,
	/// Not reaped: the driver has not reported it.
	Dead(Exit),
	Reaped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
	BeforeInit,
	Initializing,
	Waiting,
	Running(Sequence, TaskId),
}

/// What a worker did that the world must know.
pub enum Deed {
	Nothing,
	Started(TaskId),
	Finished(TaskId),
}

impl FakeWorker {
	pub fn ordered(id: WorkerId, index: u32) -> FakeWorker {
		FakeWorker {
			id,
			index,
			process: Process::Ordered,
			is_stuck: false,
			ignores_terminate: false,
			init_throws: false,
			memory: 10,
			phase: Phase::BeforeInit,
			inbox: VecDeque::new(),
			outbox: VecDeque::new(),
			functions: BTreeSet::new(),
			forgotten: BTreeSet::new(),
			leaves: false,
		}
	}

	pub fn running(&self) -> Option<TaskId> {
		match self.phase {
			Phase::Running(_, task) => Some(task),
			Phase::BeforeInit | Phase::Initializing | Phase::Waiting => None,
		}
	}

	pub fn die(&mut self, exit: Exit) {
		if self.process == Process::Alive {
			self.process = Process::Dead(exit);
		}
	}

	pub fn signal(&mut self, signal: StopSignal) {
		match signal {
			StopSignal::Terminate if self.ignores_terminate || self.is_stuck => {}
			StopSignal::Terminate => self.die(Exit::Signal {
				signal: 15,
				core_dumped: false,
			}),
			StopSignal::Kill => self.die(Exit::Signal {
				signal: 9,
				core_dumped: false,
			}),
		}
	}

	pub fn say(&mut self, kind: FrameKind, sequence: Sequence) {
		let frame = Frame {
			kind,
			sequence,
			function: FunctionId(0),
			payload: Bytes::new(),
		};
		self.outbox.push_back(frame);
	}

	/// Nobody handles an error: of the task that runs, if there is one and it is its own, or of one that has finished.
	pub fn fail(&mut self, is_own: bool) {
		match self.phase {
			Phase::BeforeInit | Phase::Initializing => {} // fails its start in some other way
			Phase::Running(sequence, _) if is_own => {
				self.say(FrameKind::StrayError, sequence);
				self.die(Exit::Code(1));
			}
			Phase::Running(Sequence(sequence), _) => {
				self.say(FrameKind::StrayError, Sequence(sequence - 1));
				self.leaves = true;
			}
			Phase::Waiting => {
				self.say(FrameKind::StrayError, Sequence(1));
				self.die(Exit::Code(1));
			}
		}
	}

	/// Does the next thing that a good worker does.
	pub fn step(&mut self, ledger: &mut FakeLedger) -> Deed {
		if self.process != Process::Alive || self.is_stuck {
			return Deed::Nothing;
		}
		match self.phase {
			Phase::BeforeInit => {
				if let Some(frame) = self.inbox.pop_front() {
					assert_eq!(frame.kind, FrameKind::Init, "the first frame for {:?}", self.id);
					self.phase = Phase::Initializing;
				}
			}
			Phase::Initializing if self.init_throws => {
				self.say(FrameKind::StartFailed, Sequence(0));
				self.die(Exit::Code(1));
			}
			Phase::Initializing => {
				self.say(FrameKind::Ready, Sequence(0));
				self.phase = Phase::Waiting;
			}
			Phase::Waiting => return self.read(ledger),
			Phase::Running(sequence, task) => {
				let kind = match task.0 % 3 {
					0 => FrameKind::Returned,
					1 => FrameKind::Threw,
					_ => FrameKind::Undecodable,
				};
				self.say(kind, sequence);
				ledger.finish(self.id, sequence);
				self.memory += task.0 % 7;
				self.phase = Phase::Waiting;
				if self.leaves {
					self.die(Exit::Code(1));
				}
				return Deed::Finished(task);
			}
		}
		Deed::Nothing
	}

	fn read(&mut self, ledger: &mut FakeLedger) -> Deed {
		let Some(frame) = self.inbox.pop_front() else {
			return Deed::Nothing;
		};
		match frame.kind {
			FrameKind::Function => {
				assert!(
					self.functions.insert(frame.function),
					"{:?} was shipped twice",
					frame.function
				);
				assert!(
					!self.forgotten.contains(&frame.function),
					"{:?} was shipped after it was forgotten",
					frame.function
				);
			}
			FrameKind::Forget => {
				assert!(
					self.functions.remove(&frame.function),
					"{:?} was forgotten and not there",
					frame.function
				);
				self.forgotten.insert(frame.function);
			}
			FrameKind::Task | FrameKind::ObservedTask => {
				assert!(
					self.functions.contains(&frame.function),
					"{:?} was not shipped",
					frame.function
				);
				if ledger.claim(self.id, frame.sequence) {
					let bytes = frame.payload[..]
						.try_into()
						.expect("the payload is the number of the task");
					let task = TaskId(u64::from_le_bytes(bytes));
					self.phase = Phase::Running(frame.sequence, task);
					if frame.kind == FrameKind::ObservedTask {
						self.say(FrameKind::Started, frame.sequence);
					}
					return Deed::Started(task);
				}
			}
			FrameKind::Exit => self.die(Exit::Code(0)),
			FrameKind::Init
			| FrameKind::Ready
			| FrameKind::StartFailed
			| FrameKind::Returned
			| FrameKind::Threw
			| FrameKind::Undecodable
			| FrameKind::Started
			| FrameKind::StrayError
			| FrameKind::Bell => panic!("{:?} was sent to a worker that is ready", frame.kind),
		}
		Deed::Nothing
	}
}
