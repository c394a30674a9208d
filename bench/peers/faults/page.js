/** The part of docs/reliability.md that comes from a run, and the results it was made of. */
import fs from 'node:fs';
import {markdown} from './table.js';

const page = new URL('../../../docs/reliability.md', import.meta.url);
const resultsFile = new URL('results.json', import.meta.url);
const between = /(?<start><!-- table -->\n).*(?<end><!-- end of table -->)/sv;

export function writePage(results) {
	const text = fs.readFileSync(page, 'utf8');
	if (!between.test(text)) {
		throw new Error('docs/reliability.md has no place for the table.');
	}

	fs.writeFileSync(page, text.replace(between, (_, start, end) => `${start}\n${markdown(results)}\n\n${end}`));
	fs.writeFileSync(resultsFile, `${JSON.stringify(results, undefined, '\t')}\n`);
}
