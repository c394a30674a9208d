/**
 * Progress: a bar on a terminal; elsewhere, as in a log file, a line every ten per cent.
 */
import process from 'node:process';
import {MultiBar, Presets} from 'cli-progress';
import {formatCount, formatSeconds} from './format.js';

/**
 * @typedef {object} Progress
 * @property {(done: number) => void} update
 * @property {(text: string) => void} note prints a line without disturbing the bar
 * @property {() => void} stop
 */

/**
 * @param {string} unit what is counted
 * @param {number} total
 * @returns {Progress}
 */
export const startProgress = (unit, total, stream = process.stdout) => stream.isTTY ? startBar(unit, total, stream) : startLines(unit, total, stream);

function startBar(unit, total, stream) {
	const bars = new MultiBar({
		format: `  {bar} {percentage} % | {value} of {total} ${unit} | {duration_formatted}`,
		formatValue: (value, _options, type) => type === 'percentage' ? String(value).padStart(3) : (type === 'value' || type === 'total' ? formatCount(value) : String(value)),
		stream,
		barsize: 32,
		// Ctrl+C ends the program as usual; nothing has to be restored, since neither cursor nor wrapping is changed.
		gracefulExit: false,
		hideCursor: false,
		linewrap: true,
	}, Presets.shades_classic);
	const bar = bars.create(total, 0);
	return {
		update(done) {
			bar.update(done);
		},
		note(text) {
			bars.log(`  ${text}\n`);
		},
		stop() {
			bars.stop();
		},
	};
}

function startLines(unit, total, stream) {
	const start = performance.now();
	let tenths = 0;
	const print = text => {
		stream.write(`  ${text}\n`);
	};

	return {
		update(done) {
			const reached = Math.floor(done / total * 10);
			if (reached > tenths) {
				tenths = reached;
				print(`${String(reached * 10).padStart(3)} % | ${formatCount(done)} of ${formatCount(total)} ${unit} | ${formatSeconds(performance.now() - start)}`);
			}
		},
		note: print,
		stop() {
			// Nothing to take away.
		},
	};
}
