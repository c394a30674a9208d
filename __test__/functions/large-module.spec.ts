import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import test from 'ava';
import {outlineModule} from '#dist/functions/module-outline.js';
import {withExecutor} from '../helpers/with-executor.js';

type Large = {
	readonly make: (k: number) => (x: number) => unknown[];
	readonly shadow: (join: number) => () => number;
	readonly counted: () => number;
};

const folder = mkdtempSync(path.join(tmpdir(), 'loky-large-'));
test.after.always(() => {
	rmSync(folder, {recursive: true});
});

function writeLargeModule(): string {
	let text = `import {join} from 'node:path';
import * as small from './small.js';
import {live as current} from './small.js';
let own = 1;
let calls = 0;
export const make = k => x => [join('a', 'b'), small.live, current, k + x, own, (join => join)(7)];
export const shadow = join => () => join;
export const counted = () => ++calls;
`;
	for (let index = 0; text.length < 5_000_000; index++) {
		text += `function part${index}(a, b) { const c = a / b; return c > ${index} ? \`\${a} of ${index}\` : {a, b, c, d: [a, b, c]}; }\n`;
	}

	writeFileSync(path.join(folder, 'package.json'), '{"type": "module"}');
	writeFileSync(path.join(folder, 'small.js'), 'export let live = 5;\n');
	const file = path.join(folder, 'large.js');
	writeFileSync(file, text);
	return pathToFileURL(file).href;
}

test('functions of a module of 5 MB travel with its imports, and by reference where it exports them', withExecutor({maxWorkers: 1}, async (t, executor) => {
	const large = await import(writeLargeModule()) as Large;
	await executor.submit(() => 0);
	const start = performance.now();
	const future = executor.submit(large.make(3), 4);
	t.true(performance.now() - start < 1500, 'the first one is described in time');
	t.deepEqual(await future, ['a/b', 5, 5, 7, 1, 7]);
	t.is(await executor.submit(large.shadow(9)), 9);
	// The state of the module in the worker stays from task to task.
	t.deepEqual([await executor.submit(large.counted), await executor.submit(large.counted)], [1, 2]);
}));

test('the outline of a module has its imports and exports under their local names', t => {
	const outline = outlineModule('import a, {b as c} from \'./x.js\';\nimport * as d from "y" with {type: \'json\'};\nconst e = 1, f = 2;\nexport {e, f as g, f as default};\nexport {h} from \'z\';\n');
	t.deepEqual([...outline!.imports], [
		['a', {specifier: './x.js', exported: 'default', attributes: null}],
		['c', {specifier: './x.js', exported: 'b', attributes: null}],
		['d', {specifier: 'y', exported: '*', attributes: {type: 'json'}}],
	]);
	t.deepEqual([...outline!.exportsByLocal], [['e', ['e']], ['f', ['g', 'default']]]);
	t.is(outlineModule('import {'), undefined);
});
