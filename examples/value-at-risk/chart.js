/**
 * The distribution of the returns as a picture: an SVG written by hand, since it needs no more than rectangles and lines.
 */
import {formatCount} from './format.js';

const width = 960;
const height = 560;
const plot = {
	left: 72, right: 928, top: 112, bottom: 464,
};
const range = {from: -0.7, to: 0.8};
const colours = {
	ink: '#1f2933', muted: '#616e7c', grid: '#e4e7eb', usual: '#7b9ebd', rare: '#f0a35e', rareInk: '#a85a12', rarest: '#c8443c',
};

/** @typedef {{readonly counts: Float64Array, readonly scale: import('./histogram.js').Scale}} Distribution */

/**
 * @param {object} facts
 * @param {string} facts.title
 * @param {readonly string[]} facts.subtitle its lines
 * @param {string} facts.source
 * @param {Distribution} facts.simulated
 * @param {Distribution} facts.historical
 * @param {number} facts.valueAtRisk95 as a loss
 * @param {number} facts.valueAtRisk99 as a loss
 * @param {number} facts.median
 * @returns {string} an SVG document
 */
export function drawDistribution({title, subtitle, source, simulated, historical, valueAtRisk95, valueAtRisk99, median}) {
	const bars = groupBins(simulated, 0.02);
	const outline = groupBins(historical, 0.05, 2.5);
	const highest = niceCeiling(Math.max(...bars.map(bar => bar.share), ...outline.map(bar => bar.share)));
	const y = share => round(plot.bottom - (share / highest * (plot.bottom - plot.top)));
	return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif" font-size="13" fill="${colours.ink}">
<title>${escapeText(title)}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${plot.left}" y="42" font-size="22" font-weight="700">${escapeText(title)}</text>
${subtitle.map((line, index) => `<text x="${plot.left}" y="${66 + (index * 19)}" fill="${colours.muted}">${escapeText(line)}</text>`).join('\n')}
${drawGrid(highest, y)}
${drawBars(bars, y, {valueAtRisk95, valueAtRisk99})}
${drawOutline(outline, y)}
${drawAxis()}
${drawLine(-valueAtRisk99, {
	top: plot.top + 78, colour: colours.rarest, side: 'left', lines: ['1 year in 100 is worse', `99 % VaR: ${percent(valueAtRisk99)}`],
})}
${drawLine(-valueAtRisk95, {
	top: plot.top + 14, colour: colours.rareInk, side: 'left', lines: ['1 year in 20 is worse', `95 % VaR: ${percent(valueAtRisk95)}`],
})}
${drawLine(median, {
	top: plot.top + 14, colour: colours.ink, side: 'right', lines: ['1 year in 2 is worse', `median: ${signedPercent(median)}`],
})}
${drawLegend()}
<text x="${plot.left}" y="${height - 16}" font-size="11" fill="${colours.muted}">${escapeText(source)}</text>
</svg>
`;
}

/** The share of the whole in each group of bins; `perWidth` other groups are as wide as one of these, which lowers it to their measure. */
function groupBins({counts, scale}, groupWidth, perWidth = 1) {
	const whole = counts.reduce((sum, number) => sum + number, 0);
	const groups = Math.round((range.to - range.from) / groupWidth);
	const shares = new Float64Array(groups);
	for (const [bin, number] of counts.entries()) {
		const middle = scale.from + (scale.step * (bin + 0.5));
		// What lies outside of the picture belongs to its edges: a share that is left out would mislead.
		const group = Math.min(Math.max(Math.floor((middle - range.from) / groupWidth), 0), groups - 1);
		shares[group] += number / whole / perWidth;
	}

	return Array.from(shares, (share, group) => ({from: range.from + (group * groupWidth), to: range.from + ((group + 1) * groupWidth), share}));
}

function drawGrid(highest, y) {
	const step = highest / 5;
	const lines = [1, 2, 3, 4, 5].map(tick => `<line x1="${plot.left}" x2="${plot.right}" y1="${y(tick * step)}" y2="${y(tick * step)}" stroke="${colours.grid}"/>
<text x="${plot.left - 10}" y="${y(tick * step) + 4}" text-anchor="end" fill="${colours.muted}">${round(tick * step * 100)} %</text>`);
	return `<g id="grid">
${lines.join('\n')}
<text transform="translate(22 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle" fill="${colours.muted}">share of years, per 2 points of return</text>
</g>`;
}

/** The same bars three times, each time showing one part of the axis: so a bar changes its colour exactly at the line. */
function drawBars(bars, y, {valueAtRisk95, valueAtRisk99}) {
	const rectangles = bars.filter(({share}) => share > 0).map(({from, to, share}) =>
		`<rect x="${round(x(from) + 0.5)}" y="${y(share)}" width="${round(x(to) - x(from) - 1)}" height="${round(plot.bottom - y(share))}"/>`);
	const parts = [
		{name: 'rarest', from: range.from, to: -valueAtRisk99},
		{name: 'rare', from: -valueAtRisk99, to: -valueAtRisk95},
		{name: 'usual', from: -valueAtRisk95, to: range.to},
	];
	const clips = parts.map(({name, from, to}) =>
		`<clipPath id="${name}"><rect x="${x(from)}" y="0" width="${round(x(to) - x(from))}" height="${height}"/></clipPath>`);
	return `<defs>
<g id="bars">
${rectangles.join('\n')}
</g>
${clips.join('\n')}
</defs>
${parts.map(({name}) => `<g clip-path="url(#${name})" fill="${colours[name]}"><use href="#bars"/></g>`).join('\n')}`;
}

function drawOutline(groups, y) {
	const steps = groups.map(({from, to, share}) => `${x(from)},${y(share)} ${x(to)},${y(share)}`);
	return `<polyline id="historical" points="${steps.join(' ')}" fill="none" stroke="${colours.ink}" stroke-width="1.3" stroke-opacity="0.75"/>`;
}

function drawAxis() {
	const ticks = Array.from({length: Math.round((range.to - range.from) * 10) + 1}, (_, tick) => Math.round((range.from * 10) + tick) / 10);
	const marks = ticks.map(tick => `<line x1="${x(tick)}" x2="${x(tick)}" y1="${plot.bottom}" y2="${plot.bottom + 6}" stroke="${colours.muted}"/>
<text x="${x(tick)}" y="${plot.bottom + 22}" text-anchor="middle" fill="${colours.muted}">${tickLabel(tick)}</text>`);
	return `<g id="axis">
<line x1="${plot.left}" x2="${plot.right}" y1="${plot.bottom}" y2="${plot.bottom}" stroke="${colours.muted}"/>
${marks.join('\n')}
<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 46}" text-anchor="middle" fill="${colours.muted}">return over one year</text>
</g>`;
}

function drawLine(value, {top, colour, side, lines}) {
	const position = x(value);
	const labels = lines.map((line, index) =>
		`<text x="${position + (side === 'left' ? -8 : 8)}" y="${top + 12 + (index * 18)}"${index === lines.length - 1 ? ' font-weight="700"' : ''}>${escapeText(line)}</text>`);
	// Outlined in white, so that lines of the grid do not cross the letters.
	return `<line x1="${position}" x2="${position}" y1="${top}" y2="${plot.bottom}" stroke="${colour}" stroke-width="1.5" stroke-dasharray="5 4"/>
<g text-anchor="${side === 'left' ? 'end' : 'start'}" fill="${colour}" stroke="#ffffff" stroke-width="4" paint-order="stroke">
${labels.join('\n')}
</g>`;
}

function drawLegend() {
	const left = plot.right - 246;
	const top = plot.top + 12;
	return `<g id="legend">
<rect x="${left - 12}" y="${top - 10}" width="258" height="56" fill="#ffffff"/>
<rect x="${left}" y="${top}" width="22" height="11" fill="${colours.usual}"/>
<text x="${left + 32}" y="${top + 10}">simulated years</text>
<line x1="${left}" x2="${left + 22}" y1="${top + 27}" y2="${top + 27}" stroke="${colours.ink}" stroke-width="1.3"/>
<text x="${left + 32}" y="${top + 31}">years of the history (overlapping)</text>
</g>`;
}

const x = value => round(plot.left + ((Math.min(Math.max(value, range.from), range.to) - range.from) / (range.to - range.from) * (plot.right - plot.left)));

/** Where the upward axis ends: a share whose fifth is a round number. */
const niceCeiling = share => [0.01, 0.02, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5].find(limit => limit >= share) ?? 1;

const round = number => Math.round(number * 100) / 100;
const percent = share => `${(share * 100).toFixed(1)} %`;
const sign = share => share > 0 ? '+' : (share < 0 ? '−' : '');
const signedPercent = share => `${sign(share)}${percent(Math.abs(share))}`;
const tickLabel = share => `${sign(share)}${formatCount(Math.abs(Math.round(share * 100)))} %`;

const escapeText = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
