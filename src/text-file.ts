import {readFileSync} from 'node:fs';

/** The text of a small file, or nothing when it cannot be read: what /proc and /sys offer differs between systems. */
export function readTextFile(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '';
	}
}
