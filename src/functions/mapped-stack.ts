/**
 * Places in stacks of functions whose script a loader has made from another text. The worker does not have the loader's source map; the
 * process that described the function has.
 */
import {findSourceMap} from 'node:module';

/** Behind the URL of a script: the places in it are those of the text that the loader made. */
const mark = '#transformed';

/** The URL under which a script travels. */
export const markedUrl = (url: string): string => url.startsWith('file:') && findSourceMap(url) !== undefined ? url + mark : url;

/** The URL of the script itself. */
export const plainUrl = (url: string): string => url.endsWith(mark) ? url.slice(0, -mark.length) : url;

/** A stack with the places in the original files, as the stacks of this process have them. */
export const mappedStack = (stack: string): string => stack.replaceAll(/(?<url>file:[^\s\(\)]*)#transformed:(?<line>\d+):(?<column>\d+)/gv, (_frame, url: string, line: string, column: string) => {
	const entry = findSourceMap(url)?.findEntry(Number(line) - 1, Number(column) - 1);
	return entry !== undefined && 'originalLine' in entry
		? `${entry.originalSource.startsWith('file:') ? entry.originalSource : url}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
		: `${url}:${line}:${column}`;
});
