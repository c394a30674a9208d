/** Runs one scenario with one peer: a host of its own, in a folder of its own, which nothing of it survives. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {endProcessesOf, markName, survivorsOf} from './processes.js';

const hostFile = fileURLToPath(new URL('host.js', import.meta.url));
/** No scenario needs as long; a host that does cannot end by itself. */
const hardLimit = 90_000;
const keptOfStderr = 16_384;

function observations(file) {
	const seen = {notices: []};
	const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
	for (const line of text.split('\n').filter(Boolean)) {
		const {name, value} = JSON.parse(line);
		if (name === 'notice') {
			seen.notices.push(value);
		} else {
			seen[name] = name === 'done' ? true : value;
		}
	}

	return seen;
}

/** What was seen of one host, `survivors` included. */
export async function observe({peer, scenario, variant, patience}) {
	const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'loky-faults-')));
	const file = path.join(folder, 'observations');
	try {
		const host = spawn(process.execPath, [hostFile, peer.id, String(scenario.row), variant, file, String(patience)], {
			cwd: folder,
			// Some peers keep their sockets in the folder for temporary files.
			env: {...process.env, TMPDIR: folder, [markName]: folder},
			stdio: ['ignore', 'pipe', 'pipe'],
			// A group of its own: a pool that signals its whole group must not reach this program.
			detached: true,
		});
		let stdoutBytes = 0;
		let stderr = '';
		host.stdout.on('data', bytes => {
			stdoutBytes += bytes.length;
		});
		host.stderr.setEncoding('utf8').on('data', text => {
			stderr = (stderr + text).slice(-keptOfStderr);
		});
		let overtime = false;
		const timer = setTimeout(() => {
			overtime = true;
			host.kill('SIGKILL');
		}, hardLimit);
		const [exitCode, signal] = await once(host, 'exit');
		clearTimeout(timer);
		const survivors = await survivorsOf(folder, scenario.killsHost ? 2000 : 500);
		await endProcessesOf(folder);
		// Processes that were left held the pipes open.
		host.stdout.destroy();
		host.stderr.destroy();
		const starts = path.join(folder, 'starts');
		return {
			...observations(file),
			starts: fs.existsSync(starts) ? fs.readFileSync(starts, 'utf8').split('\n').filter(Boolean) : [],
			stdoutBytes,
			stderr,
			survivors: survivors.length,
			host: {exitCode, signal, overtime},
		};
	} finally {
		await endProcessesOf(folder);
		fs.rmSync(folder, {recursive: true, force: true, maxRetries: 5});
	}
}
