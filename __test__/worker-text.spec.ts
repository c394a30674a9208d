/**
 * What workers print, as the option `output` has it told.
 */
import {Buffer} from 'node:buffer';
import process from 'node:process';
import test from 'ava';
import {
	ProcessPoolExecutor, TerminatedWorkerError, type OutputEvent,
} from 'loky';
import {tagged} from '#dist/worker-text.js';
import {eventually, within} from './helpers/deadline.js';
import {processState} from './helpers/processes.js';
import {watches} from './helpers/watches.js';
import {leavingNothing, withExecutor} from './helpers/with-executor.js';

/** All events from now on. */
function outputOf(executor: ProcessPoolExecutor): OutputEvent[] {
	const events: OutputEvent[] = [];
	executor.on('output', event => {
		events.push(event);
	});
	return events;
}

const textOf = (events: readonly OutputEvent[], name: OutputEvent['stream']): string => events.filter(({stream}) => stream === name).map(event => event.text).join('');

for (const [watch, env] of watches) {
	test.serial(`each line is told with its task, before the task is settled (${watch})`, withExecutor({maxWorkers: 2, output: 'pipe', env}, async (t, executor) => {
		const events = outputOf(executor);
		await Promise.all(Array.from({length: 300}, async (_, index) => {
			await executor.submit((number: number) => {
				console.log(`line ${number}`);
				console.error(`error ${number}`);
			}, index + 1);
			const own = events.filter(({task}) => task === index + 1);
			t.deepEqual(own.map(({stream, text}) => `${stream} ${text}`).toSorted(), [`stderr error ${index + 1}\n`, `stdout line ${index + 1}\n`]);
		}));
		t.is(events.length, 600);
		const pids = new Map(executor.workers.map(({index, pid}) => [index, pid]));
		t.true(events.every(({workerIndex, pid}) => pids.get(workerIndex) === pid));
	}));

	for (const name of ['stdout', 'stderr'] as const) {
		test.serial(`what a task prints to ${name} before it exits is told whole, before its death (${watch})`, withExecutor({maxWorkers: 1, output: 'pipe', env}, async (t, executor) => {
			const events = outputOf(executor);
			const error = await within(20_000, executor.submit((name: 'stdout' | 'stderr') => {
				for (let line = 0; line < 10_000; line++) {
					process[name].write(`${'x'.repeat(99)}\n`);
				}

				process[name].write(`${'y'.repeat(1_000_000)}the end`);
				process.exit(3);
			}, name).exception()) as TerminatedWorkerError;
			t.is(textOf(events, name), `${'x'.repeat(99)}\n`.repeat(10_000) + 'y'.repeat(1_000_000) + 'the end');
			t.is(error.exitCode, 3);
			t.true(error.stderrTail.endsWith(name === 'stderr' ? 'the end' : ''));
		}));
	}

	test.serial(`what a worker prints while it leaves is told whole (${watch})`, async t => {
		await leavingNothing(t, async () => {
			const executor = new ProcessPoolExecutor({maxWorkers: 1, output: 'pipe', env});
			const events = outputOf(executor);
			await executor.submit(() => {
				process.on('exit', () => {
					console.error('x'.repeat(1_000_000));
				});
			});
			await executor.shutdown();
			t.is(textOf(events, 'stderr'), `${'x'.repeat(1_000_000)}\n`);
		});
	});

	test.serial(`the death of a worker is told at once, whoever holds its output open (${watch})`, withExecutor({
		maxWorkers: 1, output: 'pipe', killDescendants: false, env,
	}, async (t, executor) => {
		const child = await executor.submit(async () => {
			const {spawn} = await import('node:child_process');
			return spawn('sleep', ['600'], {detached: true, stdio: 'inherit'}).pid!;
		});
		try {
			const started = performance.now();
			const error = await within(10_000, executor.submit(() => {
				console.log('last words');
				process.kill(process.pid, 'SIGKILL');
			}).exception());
			t.true(error instanceof TerminatedWorkerError);
			t.true(performance.now() - started < 2000);
			t.not(processState(child), null, 'it still holds the pipes');
		} finally {
			process.kill(child, 'SIGKILL');
		}
	}));

	test.serial(`output that is ignored holds up nobody, and an error has the last of it (${watch})`, withExecutor({maxWorkers: 1, output: 'ignore', env}, async (t, executor) => {
		const events = outputOf(executor);
		await executor.submit(() => {
			for (let line = 0; line < 20_000; line++) {
				console.log('x'.repeat(1000));
				console.error('x'.repeat(1000));
			}
		});
		const error = await executor.submit(() => {
			console.error('the disk is full');
			process.exit(3);
		}).exception() as TerminatedWorkerError;
		t.true(error.stderrTail.endsWith('x\nthe disk is full\n'));
		t.deepEqual(events, []);
	}));
}

test.serial('a task whose start is told prints under its own number, also beside a stray error of an earlier one', withExecutor({maxWorkers: 1, output: 'pipe'}, async (t, executor) => {
	const events = outputOf(executor);
	const started: number[] = [];
	executor.on('task:start', ({task}) => {
		started.push(task);
	});
	await executor.submit(() => {
		setTimeout(() => {
			throw new Error('left behind');
		}, 20);
	});
	await executor.submit(async () => {
		console.log('before');
		await new Promise(resolve => {
			setTimeout(resolve, 200);
		});
		console.log('after');
	});
	t.deepEqual(started, [1, 2]);
	t.like(events.filter(({stream}) => stream === 'stdout'), [{text: 'before\n', task: 2}, {text: 'after\n', task: 2}]);
}));

test.serial('text that is not printed by JavaScript has a worker and no task', withExecutor({maxWorkers: 1, output: 'pipe'}, async (t, executor) => {
	const events = outputOf(executor);
	await executor.submit(async () => {
		const {execFileSync} = await import('node:child_process');
		execFileSync('echo', ['of a child'], {stdio: 'inherit'});
	});
	t.like(events, [{
		stream: 'stdout', text: 'of a child\n', task: null, workerIndex: 0,
	}]);
}));

test.serial('a task that prints later than it returns prints for no task', withExecutor({maxWorkers: 1, output: 'pipe'}, async (t, executor) => {
	const events = outputOf(executor);
	await executor.submit(() => {
		console.log('in time');
		setTimeout(() => {
			console.log('too late');
		}, 1);
	});
	await eventually(() => events.length, count => count === 2);
	t.deepEqual(events.map(({text, task}) => [text, task]), [['in time\n', 1], ['too late\n', null]]);
}));

test.serial('a line that is not ended is told when its task ends, a very long one in pieces of whole characters', withExecutor({maxWorkers: 1, output: 'pipe'}, async (t, executor) => {
	const events = outputOf(executor);
	await executor.submit(() => {
		process.stdout.write('to be ');
		process.stdout.write('continued');
	});
	t.deepEqual(events.map(({text}) => text), ['to be continued']);
	await executor.submit(() => {
		console.log('x' + '日本語'.repeat(50_000));
	});
	const pieces = events.slice(1).map(({text}) => text);
	t.is(pieces.join(''), `x${'日本語'.repeat(50_000)}\n`);
	t.true(pieces.length > 1);
	t.deepEqual(pieces.map(piece => piece.endsWith('\n')), pieces.map((_, index) => index === pieces.length - 1));
}));

test.serial('standard input is empty', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const length = await within(10_000, executor.submit(async () => {
		let length = 0;
		for await (const chunk of process.stdin) {
			length += (chunk as Buffer).length;
		}

		return length;
	}));
	t.is(length, 0);
	t.is(await executor.submit(async () => {
		const {readFileSync} = await import('node:fs');
		return readFileSync(0, 'utf8');
	}), '');
}));

test('a tag stands before each line, and a line that is not ended is ended', t => {
	const text = {
		stream: 'stdout', workerIndex: 3, pid: 77, task: 12,
	} as const;
	const bytes = (words: string): Uint8Array => Buffer.from(words);
	t.is(String(tagged({...text, bytes: bytes('one\n\ntwo\n')})), '[worker 3, task 12] one\n[worker 3, task 12] \n[worker 3, task 12] two\n');
	t.is(String(tagged({...text, bytes: bytes('one'), task: null})), '[worker 3] one\n');
});
