/** What the pools are asked to run. Each task takes one argument, and leaves its evidence in the working directory, which is the cell's own. */
const {spawn} = require('node:child_process');
const fs = require('node:fs');
const process = require('node:process');
const {setTimeout: delay} = require('node:timers/promises');
const {isMainThread, parentPort, threadId} = require('node:worker_threads');

const started = mark => {
	fs.appendFileSync('starts', `${mark}\n`);
};

const worker = () => `${process.pid}:${threadId}`;

exports.add = ({a, b}) => a + b;

exports.whoAmI = () => worker();

exports.sleep = async ({mark, ms}) => {
	started(mark);
	await delay(ms);
	return mark;
};

exports.endless = ({mark}) => {
	started(mark);
	for (;;) {
		// Nothing but the end of its worker ends it.
	}
};

/** With `signal` or `exitCode`. A task that lives on afterwards never ends. */
exports.die = async ({mark, signal, exitCode}) => {
	started(mark);
	if (signal === undefined) {
		process.exit(exitCode);
	}

	process.kill(process.pid, signal);
	await delay(1e9);
};

exports.fillHeap = ({mark}) => {
	started(mark);
	const kept = [];
	for (;;) {
		kept.push(Array.from({length: 1000}, () => ({})));
	}
};

exports.callTwice = argument => typeof argument?.twice === 'function' ? argument.twice(21) : 'no function';

exports.typeOf = argument => `${typeof argument}:${argument}`;

exports.isCyclic = argument => argument?.self === argument;

exports.returnFunction = () => ({twice: n => n * 2});

exports.returnBigInt = ({mark}) => {
	started(mark);
	return 10n;
};

class PriceError extends TypeError {
	constructor(message, options) {
		super(message, options);
		this.name = 'PriceError';
		this.code = 'ERR_PRICE';
		this.extra = {asked: 3};
	}
}

exports.throwPriceError = () => {
	throw new PriceError('the price is wrong', {cause: new RangeError('below zero')});
};

exports.throwText = () => {
	throw 'plain text'; // eslint-disable-line no-throw-literal
};

exports.throwUndefined = () => {
	throw undefined; // eslint-disable-line no-throw-literal
};

exports.postNull = async () => {
	const channel = isMainThread ? process.send?.bind(process) : parentPort?.postMessage.bind(parentPort);
	channel?.(null);
	await delay(100);
	return channel === undefined ? 'no channel' : 'posted';
};

exports.leakRejection = () => {
	setTimeout(() => {
		Promise.reject(new Error('leaked by an earlier task'));
	}, 50);
	return 'left';
};

exports.spawnSleep = async () => {
	const {pid} = spawn('sleep', ['60'], {stdio: 'ignore'});
	fs.writeFileSync('grandchild.new', String(pid));
	fs.renameSync('grandchild.new', 'grandchild');
	await delay(1e9);
};

exports.logHeap = () => {
	process.stderr.write('FATAL ERROR: a task quotes: JavaScript heap out of memory\n');
	return worker();
};

exports.print = async ({bytes}) => {
	const chunk = `${'x'.repeat(65_535)}\n`;
	for (let written = 0; written < bytes; written += chunk.length) {
		if (!process.stdout.write(chunk)) {
			await new Promise(resolve => {
				process.stdout.once('drain', resolve);
			});
		}
	}

	return 'printed';
};

exports.environment = () => process.env.PATH ?? null;
