/** The results as Markdown: process pools and thread pools each have a table, with ours in both. */
import {codes} from './codes.js';

const ours = 'loky/process';

const escaped = text => text.replaceAll('|', String.raw`\|`);

function cellText(cell) {
	if (cell === undefined) {
		return '';
	}

	const figures = cell.figures.length > 0 ? ` ${cell.figures.join('/')}` : '';
	return `${cell.text}${figures}${cell.stable ? '' : ' ~'}`;
}

function table(results, columns) {
	const head = columns.map(({name}) => name === 'loky' ? '**loky**' : name);
	return [
		`| # | what happens | ${head.join(' | ')} |`,
		`|---|---|${columns.map(() => '---|').join('')}`,
		...results.scenarios.map(({row, title}) =>
			`| ${row} | ${escaped(title)} | ${columns.map(({id}) => cellText(results.cells[id]?.[row])).join(' | ')} |`),
	];
}

function unstable(results) {
	return results.peers.flatMap(({id}) => results.scenarios
		.filter(({row}) => results.cells[id]?.[row]?.stable === false)
		.map(({row}) => `row ${row} of ${id}: ${results.cells[id][row].seen.join('; ')}`));
}

/** Everything of the page that comes from a run. */
export function markdown(results) {
	const {machine} = results;
	const processes = results.peers.filter(({mode}) => mode === 'process');
	const threads = results.peers.filter(({mode, id}) => mode === 'thread' || id === ours);
	const differing = unstable(results);
	return [
		`Run on ${results.date.slice(0, 10)} with Node.js ${machine.node}, Linux ${machine.kernel}, ${machine.processors} × ${machine.model}, ${machine.memoryGigabytes} GB, with a load of ${machine.load} by other programs; `
		+ `${results.rounds} ${results.rounds === 1 ? 'round' : 'rounds'}, a promise counts as hanging after ${results.patience / 1000} s. ${versions(results)}.`,
		'',
		...(processes.length > 0 ? ['Process pools:', '', ...table(results, processes), ''] : []),
		...(threads.some(({mode}) => mode === 'thread') ? ['Thread pools:', '', ...table(results, threads), ''] : []),
		...Object.entries(codes).map(([word, meaning]) => `- \`${word}\`: ${meaning}`),
		...(differing.length > 0 ? ['', `\`~\`: the rounds differed; the most frequent one is shown. ${differing.join('. ')}.`] : []),
	].join('\n');
}

const versions = results => Object.entries(results.versions).map(([name, version]) => `${name} ${version}`).join(', ');
