//! Random histories: whatever happens in whatever order, the promises hold. The world in `sim` checks them.

mod sim;

use std::time::Duration;

use pool::frame::FrameKind;
use pool::{Event, Exit, MemoryLimits, OnWorkerDeath, Outcome, PoolConfig, Sequence, Shutdown, TaskId};
use proptest::prelude::*;
use proptest::sample::Index;
use sim::{Process, World, config, killed, spawn_failure};

/// Something that may happen. Indices choose among the tasks or workers that there are.
#[derive(Clone, Debug)]
enum Step {
	Submit {
		tasks: u8,
		function: u32,
		timeout: Option<Duration>,
		priority: i64,
	},
	Cancel(Index),
	Abort(Index),
	Release {
		function: u32,
	},
	ExpectWork,
	Advance(Duration),
	Dispatch,
	OfWorker(Index, Turn),
	ShutDown(Shutdown),
	FailSupervisor,
}

/// What a worker may do, or what may happen to it.
#[derive(Clone, Debug)]
enum Turn {
	Spawned,
	FailSpawn { is_transient: bool },
	FailInit,
	Fail { is_own: bool },
	Work { steps: u8 },
	Deliver { frames: u8 },
	Die(Exit),
	Stop,
	IgnoreTerminate,
	Violate,
	Babble(FrameKind, u32),
}

fn of_some_worker(turn: impl Strategy<Value = Turn>) -> impl Strategy<Value = Step> {
	(any::<Index>(), turn).prop_map(|(worker, turn)| Step::OfWorker(worker, turn))
}

/// What happens to a pool whose workers start properly.
fn calm() -> impl Strategy<Value = Step> {
	let time = prop_oneof![
		(1_u64..300).prop_map(Duration::from_micros),
		(1_u64..40).prop_map(Duration::from_millis),
		(1_u64..70).prop_map(Duration::from_secs),
	];
	let timeout = prop::option::weighted(0.2, (1_u64..50).prop_map(Duration::from_millis));
	let priority = prop_oneof![3 => Just(0), 1 => -2_i64..3];
	let turn = prop_oneof![
		1 => Just(Turn::Spawned),
		2 => (1_u8..12).prop_map(|steps| Turn::Work { steps }),
		2 => (1_u8..6).prop_map(|frames| Turn::Deliver { frames }),
	];
	prop_oneof![
		6 => (1_u8..20, 0_u32..3, timeout, priority)
			.prop_map(|(tasks, function, timeout, priority)| Step::Submit { tasks, function, timeout, priority }),
		3 => any::<Index>().prop_map(Step::Cancel),
		3 => (0_u32..3).prop_map(|function| Step::Release { function }),
		1 => Just(Step::ExpectWork),
		6 => time.prop_map(Step::Advance),
		6 => Just(Step::Dispatch),
		30 => of_some_worker(turn),
	]
}

fn death() -> impl Strategy<Value = Turn> {
	prop_oneof![Just(killed()), Just(Exit::Code(0)), Just(Exit::Unknown)].prop_map(Turn::Die)
}

fn trouble() -> impl Strategy<Value = Step> {
	let kind = (0..FrameKind::ALL.len()).prop_map(|kind| FrameKind::ALL[kind]);
	let of_worker = of_some_worker(prop_oneof![
		4 => death(),
		2 => Just(Turn::Stop),
		1 => Just(Turn::IgnoreTerminate),
		1 => Just(Turn::Violate),
		1 => (kind, 0_u32..20).prop_map(|(kind, sequence)| Turn::Babble(kind, sequence)),
		1 => prop::bool::weighted(0.9).prop_map(|is_transient| Turn::FailSpawn { is_transient }),
		1 => Just(Turn::FailInit),
		3 => any::<bool>().prop_map(|is_own| Turn::Fail { is_own }),
	]);
	prop_oneof![
		8 => of_worker,
		2 => any::<Index>().prop_map(Step::Abort),
	]
}

fn end() -> impl Strategy<Value = Step> {
	prop_oneof![
		8 => Just(Step::ShutDown(Shutdown::Drain)),
		4 => Just(Step::ShutDown(Shutdown::CancelPending)),
		2 => Just(Step::ShutDown(Shutdown::Kill)),
		1 => Just(Step::FailSupervisor),
	]
}

/// After how many tasks workers are replaced.
fn max_tasks() -> impl Strategy<Value = Option<u64>> {
	prop::option::of(1_u64..5)
}

/// Around what the workers of the world have.
fn memory_limits() -> impl Strategy<Value = MemoryLimits> {
	(prop::option::of(15_u64..40), prop::option::of(40_u64..60))
		.prop_map(|(soft, hard)| MemoryLimits { soft, hard })
}

fn any_config() -> impl Strategy<Value = PoolConfig> {
	(
		1_u32..5,
		prop::bool::weighted(0.2),
		prop::option::of(Just(Duration::from_secs(10))),
		1_u32..4,
		1_u32..4,
		max_tasks(),
		memory_limits(),
	)
		.prop_map(
			|(
				max_workers,
				breaks,
				idle_timeout,
				max_failed_starts,
				max_unstarted_deaths,
				max_tasks_per_worker,
				memory_limits,
			)| PoolConfig {
				max_workers,
				max_tasks_per_worker,
				memory_limits,
				idle_timeout,
				on_worker_death: if breaks {
					OnWorkerDeath::Break
				} else {
					OnWorkerDeath::Isolate
				},
				max_failed_starts,
				max_unstarted_deaths,
				..config()
			},
		)
}

fn take(world: &mut World, step: Step) {
	match step {
		Step::Submit {
			tasks,
			function,
			timeout,
			priority,
		} => {
			for _ in 0..tasks {
				world.submit(function, timeout, priority);
			}
		}
		Step::Cancel(task) if !world.tasks.is_empty() => {
			world.cancel(TaskId(task.index(world.tasks.len()) as u64));
		}
		Step::Abort(task) if !world.tasks.is_empty() => {
			world.abort(TaskId(task.index(world.tasks.len()) as u64));
		}
		Step::Release { function } => world.release(function),
		Step::ExpectWork => world.expect_work(),
		Step::Advance(by) => world.advance(by),
		Step::Dispatch => world.dispatch(),
		Step::ShutDown(how) => world.shut_down(how),
		Step::FailSupervisor => world.happen(Event::SupervisorFailed("out of luck".into())),
		Step::OfWorker(worker, turn) if !world.workers.is_empty() => {
			let position = worker.index(world.workers.len());
			take_turn(world, position, turn);
		}
		Step::Cancel(_) | Step::Abort(_) | Step::OfWorker(..) => {} // there is none
	}
}

fn take_turn(world: &mut World, position: usize, turn: Turn) {
	let worker = &mut world.workers[position];
	match turn {
		Turn::Spawned => world.report_spawn(position, None),
		Turn::FailSpawn { is_transient } => world.report_spawn(position, Some(spawn_failure(is_transient))),
		Turn::FailInit => worker.init_throws = true,
		Turn::Fail { is_own } if worker.process == Process::Alive && !worker.is_stuck => worker.fail(is_own),
		Turn::Work { steps } => {
			for _ in 0..steps {
				world.step(position);
			}
		}
		Turn::Deliver { frames } => {
			for _ in 0..frames {
				world.deliver(position);
			}
		}
		Turn::Die(exit) => worker.die(exit),
		Turn::Stop => worker.is_stuck = true,
		Turn::IgnoreTerminate => worker.ignores_terminate = true,
		Turn::Violate => world.violate(position),
		Turn::Babble(kind, sequence) if worker.process == Process::Alive => {
			world.liars.insert(worker.id);
			worker.say(kind, Sequence(sequence));
		}
		Turn::Babble(..) | Turn::Fail { .. } => {}
	}
}

/// Few enough for each check of the project. Thousands were run, and are again with `PROPTEST_CASES`.
fn some_cases() -> ProptestConfig {
	let chosen = std::env::var("PROPTEST_CASES")
		.ok()
		.and_then(|cases| cases.parse().ok());
	ProptestConfig {
		cases: chosen.unwrap_or(80),
		..ProptestConfig::default()
	}
}

proptest! {
	#![proptest_config(some_cases())]

	#[test]
	fn every_task_settles_and_every_worker_ends_whatever_happens(
		config in any_config(),
		steps in prop::collection::vec(prop_oneof![40 => calm(), 8 => trouble(), 1 => end()], 0..150),
	) {
		let mut world = World::new(config);
		for step in steps {
			take(&mut world, step);
		}
		world.work_until_quiet();
		prop_assert_eq!(world.pool.outstanding(), 0);
		world.check_that_released_functions_are_gone();
		world.shut_down(Shutdown::Drain);
		world.work_until_quiet();
		prop_assert!(world.is_closed);
	}

	#[test]
	fn every_task_on_good_workers_completes(
		max_workers in 1_u32..5,
		max_tasks_per_worker in max_tasks(),
		soft in prop::option::of(15_u64..40),
		steps in prop::collection::vec(calm(), 0..150),
	) {
		// Good workers are never late, even if nobody lets them work for hours.
		let start_timeout = Duration::from_secs(1_000_000);
		let mut world = World::new(PoolConfig {
			max_workers, max_tasks_per_worker, memory_limits: MemoryLimits { soft, hard: None }, start_timeout, ..config()
		});
		for step in steps {
			take(&mut world, match step {
				Step::Submit { tasks, function, priority, timeout: _ } => Step::Submit { tasks, function, priority, timeout: None },
				other => other,
			});
		}
		world.work_until_quiet();
		for (task, outcome) in &world.tasks {
			prop_assert!(
				matches!(
					outcome,
					Some(Outcome::Returned(_) | Outcome::Threw(_) | Outcome::Undecodable(_) | Outcome::Cancelled)
				),
				"{task:?}: {outcome:?}"
			);
		}
	}

	#[test]
	fn workers_that_have_done_their_tasks_are_all_replaced(
		max_workers in 1_u32..6,
		max_tasks in 1_u64..5,
		tasks in prop::collection::vec(1_u8..20, 1..20),
	) {
		let start_timeout = Duration::from_secs(1_000_000);
		let config = PoolConfig {
			max_workers, max_tasks_per_worker: Some(max_tasks), start_timeout, idle_timeout: None, ..config()
		};
		let mut world = World::new(config);
		for tasks in tasks {
			for _ in 0..tasks {
				world.submit(0, None, 0);
			}
			world.work_until_quiet();
			prop_assert_eq!(world.pool.outstanding(), 0);
			// At rest, all have something left to do.
			prop_assert!(world.pool.workers().all(|worker| worker.finished < max_tasks));
			prop_assert!(world.pool.workers().count() <= max_workers as usize);
		}
	}

	#[test]
	fn deaths_of_ready_workers_cost_what_they_had_started_and_nothing_else(
		max_tasks_per_worker in max_tasks(),
		steps in prop::collection::vec(prop_oneof![20 => calm(), 2 => of_some_worker(death())], 0..150),
	) {
		// No limit: every task that did not start goes back to the queue.
		let patient = PoolConfig {
			max_unstarted_deaths: u32::MAX, max_failed_starts: u32::MAX, max_tasks_per_worker, ..config()
		};
		let mut world = World::new(patient);
		for step in steps {
			take(&mut world, step);
		}
		world.work_until_quiet();
		// The world allows one started task for each worker; here nothing else may have failed.
		for (task, outcome) in &world.tasks {
			prop_assert!(!matches!(outcome, None | Some(Outcome::PoolBroken(_) | Outcome::PoolClosed)), "{task:?}");
		}
	}

	#[test]
	fn nothing_is_left_of_functions_that_are_released(
		max_workers in 1_u32..5,
		steps in prop::collection::vec(prop_oneof![20 => calm(), 2 => of_some_worker(death())], 0..150),
	) {
		let patient = PoolConfig { max_workers, max_failed_starts: u32::MAX, idle_timeout: None, ..config() };
		let mut world = World::new(patient);
		for step in steps {
			take(&mut world, step);
		}
		world.work_until_quiet();
		for function in 0..3 {
			world.release(function);
		}
		world.work_until_quiet();
		world.check_that_released_functions_are_gone();
		prop_assert!(world.pool.workers().all(|worker| worker.functions == 0));
	}

	#[test]
	fn a_pool_told_to_kill_closes_as_soon_as_its_workers_are_reaped(
		config in any_config(),
		steps in prop::collection::vec(prop_oneof![20 => calm(), 4 => trouble()], 0..100),
	) {
		let mut world = World::new(config);
		for step in steps {
			take(&mut world, step);
		}
		world.shut_down(Shutdown::Kill);
		prop_assert_eq!(world.pool.outstanding(), 0);
		for position in 0..world.workers.len() {
			world.report_spawn(position, None);
			while world.deliver(position) {}
		}
		prop_assert!(world.is_closed);
	}
}
