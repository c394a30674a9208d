/**
 * The text of a script as V8 compiled it, by way of the debugger: the one thing that takes a domain of the inspector. Enabling it takes 5 to
 * 300 ms, and would slow every `await` down if it stayed on.
 */

import process from 'node:process';
import {withInspector} from './inspector-session.js';

// Disabling the debugger drops counts that V8 has taken for a coverage report.
const isCoverageTaken = process.env['NODE_V8_COVERAGE'] !== undefined && process.env['NODE_V8_COVERAGE'] !== '';

/** The text of a script; null when nothing tells it. */
export function loadedText(scriptId: number): string | null {
	if (isCoverageTaken) {
		return null;
	}

	return withInspector(inspector => {
		inspector.post('Debugger.enable', {});
		try {
			const {scriptSource} = inspector.post('Debugger.getScriptSource', {scriptId: String(scriptId)}) as {scriptSource: string};
			return scriptSource;
		} catch {
			return null;
		} finally {
			inspector.post('Debugger.disable', {});
		}
	}) ?? null;
}

type ParsedScript = {readonly scriptId: string; readonly url: string; readonly isModule?: boolean};

/** The URLs of all scripts, where V8 does not tell that of a function. */
export function loadedScripts(): ReadonlyMap<number, {readonly url: string; readonly isModule: boolean}> {
	const scripts = new Map<number, {readonly url: string; readonly isModule: boolean}>();
	if (isCoverageTaken) {
		return scripts;
	}

	withInspector(inspector => {
		inspector.listening<ParsedScript>('Debugger.scriptParsed', ({scriptId, url, isModule = false}) => {
			scripts.set(Number(scriptId), {url, isModule});
		}, () => {
			inspector.post('Debugger.enable', {});
			inspector.post('Debugger.disable', {});
		});
	});
	return scripts;
}
