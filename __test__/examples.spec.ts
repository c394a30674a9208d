/**
 * Every example runs as its readers run it: as a program of its own, from the root of the project.
 */
import {execFile} from 'node:child_process';
import {
	mkdtemp, readFile, readdir, rm,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('..', import.meta.url));
const deadline = 60_000;

interface Ended {
	/** Null after a signal, also that of the deadline. */
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

async function run(example: string, args: readonly string[] = []): Promise<Ended> {
	return new Promise(resolve => {
		const child = execFile(process.execPath, [path.join('examples', example), ...args], {cwd: root, timeout: deadline, killSignal: 'SIGKILL'}, (_error, stdout, stderr) => {
			resolve({code: child.exitCode, stdout, stderr});
		});
	});
}

/** A line that only a run to the end prints. Null: a module that prints nothing, for others to import. */
const characteristicLines = new Map<string, RegExp | null>([
	['break-mode.js', /^The executor is broken for good: a new one is needed$/mv],
	['cancel.js', /^The first one was running, so it could not be cancelled$/mv],
	['closures.js', /^Every task has counted from the same number$/mv],
	['errors.js', /^A value that cannot travel: SerializationError on the side 'result'$/mv],
	['futures.js', /^Failed: 1 of 6$/mv],
	['initializer.js', /^Midnight in London is 9 o'clock in the workers$/mv],
	['jobs.js', null],
	['map.js', /^Sensor 3: mean 4$/mv],
	['module-handle.js', /^The workers have imported the module once each$/mv],
	['shutdown.js', /^Did not wait an hour for a task of an hour$/mv],
	['submit.js', /^The worker is a process of its own$/mv],
	['wait-and-as-completed.js', /^In order of completion: (?:(?:fast|medium|slow)(?:, |$)){3}/mv],
	['worker-death.js', /^The eight other tasks have their results$/mv],
]);

test('every example is run by a test and listed in the table of examples', async t => {
	const files = await readdir(path.join(root, 'examples'));
	const programs = files.filter(file => file !== 'README.md' && file !== 'value-at-risk');
	t.deepEqual(programs.toSorted(), [...characteristicLines.keys()]);
	const readme = await readFile(path.join(root, 'examples', 'README.md'), 'utf8');
	t.deepEqual(programs.filter(file => !readme.includes(`](${file})`)), []);
});

for (const [example, line] of characteristicLines) {
	test.serial(`${example} runs to its end without a word on stderr`, async t => {
		const {code, stdout, stderr} = await run(example);
		t.is(stderr, '');
		t.is(code, 0);
		if (line === null) {
			t.is(stdout, '');
		} else {
			t.regex(stdout, line);
		}
	});
}

async function temporaryFolder(t: {teardown(fn: () => Promise<void>): void}): Promise<string> {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'loky-examples-'));
	t.teardown(async () => rm(folder, {recursive: true}));
	return folder;
}

test.serial('value-at-risk survives a killed worker with an equal result, and draws its picture', async t => {
	const picture = path.join(await temporaryFolder(t), 'new', 'picture.svg');
	const {code, stdout, stderr} = await run('value-at-risk/main.js', ['--tasks', '40', '--workers', '2', '--output', picture]);
	t.is(stderr, '');
	t.is(code, 0);
	t.regex(stdout, /^S&P 500: 5,105 daily closes, 2000-01-03 to 2020-04-17/mv);
	t.regex(stdout, /^ {2}kill -9 \d+ \(worker [01]\)$/mv);
	t.regex(stdout, /^ {2}TerminatedWorkerError \(ERR_WORKER_TERMINATED\): worker \d+ died of SIGKILL in task \d+, which alone is run again$/mv);
	t.regex(stdout, /; 1 of 40 tasks had to run again$/mv);
	t.regex(stdout, /^Checksum of all results: ([\da-f]{16}) undisturbed, \1 with the kill: equal$/mv);
	t.true(stdout.endsWith(`Picture: ${path.relative(root, picture)}\n`));
	t.deepEqual(unbalancedTags(await readFile(picture, 'utf8')), []);
});

test.serial('value-at-risk prints plain lines of its progress into a pipe, one every ten per cent', async t => {
	const folder = await temporaryFolder(t);
	const {code, stdout} = await run('value-at-risk/main.js', ['--tasks', '20', '--workers', '1', '--no-kill', '--output', path.join(folder, 'picture.svg')]);
	t.is(code, 0);
	t.false(stdout.includes('\u001B'));
	t.false(stdout.includes('\r'));
	t.deepEqual(
		[...stdout.matchAll(/^ +(?<percentage>\d+) % \| (?<done>\d+) of 20 tasks \| \d+\.\d s$/gmv)].map(({groups}) => [groups?.['percentage'], groups?.['done']]),
		Array.from({length: 10}, (_, index) => [String((index + 1) * 10), String((index + 1) * 2)]),
	);
});

for (const [fault, args, message] of [
	['an unknown option', ['--taks', '3'], /^Unknown option '--taks'/v],
	['a number that is none', ['--tasks', 'many'], /^--tasks must be a whole number from 1 up\. Received 'many'$/mv],
] as const) {
	test(`value-at-risk refuses ${fault} and shows its usage`, async t => {
		const {code, stdout, stderr} = await run('value-at-risk/main.js', args);
		t.is(code, 2);
		t.is(stdout, '');
		t.regex(stderr, message);
		t.regex(stderr, /^Usage: node examples\/value-at-risk\/main\.js/mv);
	});
}

/** What keeps a text from being XML: tags that do not match, and ampersands and brackets that mean nothing. */
function unbalancedTags(xml: string): string[] {
	const open: string[] = [];
	const wrong: string[] = [];
	const tag = /<\?xml [^<>]*\?>|<(?<name>[a-zA-Z]+)(?: [\-:a-zA-Z0-9]+="[^"<>]*")*(?<isEmpty>\/)?>|<\/(?<closed>[a-zA-Z]+)>/gv;
	for (const {0: text, groups} of xml.matchAll(tag)) {
		if (groups?.['closed'] !== undefined) {
			const expected = open.pop();
			if (expected !== groups['closed']) {
				wrong.push(text);
			}
		} else if (groups?.['name'] !== undefined && groups['isEmpty'] === undefined) {
			open.push(groups['name']);
		}
	}

	const rest = xml.replaceAll(tag, '').match(/[<>]|&(?!amp;|lt;|gt;|quot;)/gv) ?? [];
	return [...wrong, ...open, ...rest];
}
