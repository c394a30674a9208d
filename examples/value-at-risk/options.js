import process from 'node:process';
import {parseArgs} from 'node:util';

export const usage = `Usage: node examples/value-at-risk/main.js [options]

  --tasks <n>      how many simulation tasks (default: 2000)
  --workers <n>    how many worker processes (default: one per available CPU)
  --no-kill        leave out the run in which a worker is killed
  --output <file>  where to write the picture (default: output/value-at-risk.svg)
  --help           show this`;

/**
 * @throws {TypeError} An option is unknown, or has no value.
 * @throws {RangeError} A number is none, or below 1.
 */
export function readOptions(args = process.argv.slice(2)) {
	const {values} = parseArgs({
		args,
		options: {
			tasks: {type: 'string', default: '2000'},
			workers: {type: 'string'},
			'no-kill': {type: 'boolean', default: false},
			output: {type: 'string', default: 'output/value-at-risk.svg'},
			help: {type: 'boolean', default: false},
		},
	});
	return {
		tasks: readCount('--tasks', values.tasks),
		workers: values.workers === undefined ? undefined : readCount('--workers', values.workers),
		withKill: !values['no-kill'],
		output: values.output,
		help: values.help,
	};
}

function readCount(option, text) {
	const number = Number(text);
	if (!/^\d+$/v.test(text) || number < 1 || !Number.isSafeInteger(number)) {
		throw new RangeError(`${option} must be a whole number from 1 up. Received '${text}'`);
	}

	return number;
}
