/**
 * What `functions.js` measures in processes of their own: `echo` gives messages back over the channel of `fork`; `closure`, `exported` and
 * `module <url>` submit the first function of the process and print how long that took.
 */
import process from 'node:process';
import {ProcessPoolExecutor} from 'loky';
import {echo} from './echo.js';

const [way, url] = process.argv.slice(2);
const offset = 7;

async function functionToSubmit() {
	if (way === 'exported') {
		return echo;
	}

	if (way === 'module') {
		const {taskOf} = await import(url);
		return taskOf(7);
	}

	return value => value + offset - 7;
}

if (way === 'echo') {
	process.on('message', message => {
		process.send(message);
	});
} else {
	const fn = await functionToSubmit();
	const executor = new ProcessPoolExecutor({maxWorkers: 1});
	const start = performance.now();
	const future = executor.submit(fn, 35);
	const submitted = performance.now();
	const result = await future;
	const done = performance.now();
	if (result !== 35) {
		throw new Error(`A wrong result: ${result}`);
	}

	await executor.shutdown();
	console.log(JSON.stringify({submit: submitted - start, result: done - start}));
}
