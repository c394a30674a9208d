import test from 'ava';
import {inheritedFlags} from '#dist/context.js';

const cases: ReadonlyArray<readonly [flags: readonly string[], inherited: readonly string[]]> = [
	[[], []],
	[['--import', 'tsx', '--max-old-space-size=100'], ['--import', 'tsx', '--max-old-space-size=100']],
	[['--require', './hook.cjs', '--conditions=development', '-C', 'test'], ['--require', './hook.cjs', '--conditions=development', '-C', 'test']],
	[['-e', 'submit()'], []],
	[['--eval', '-1', '--no-warnings'], ['--no-warnings']],
	[['--input-type=module', '--print', '1 + 1'], []],
	[['--input-type', 'module', '--no-warnings'], ['--no-warnings']],
	[['--inspect'], []],
	[['--inspect-brk=0.0.0.0:9229', '--inspect-port', '9230', '--inspect-publish-uid', 'stderr'], []],
	[['--test', '--test-reporter', 'spec', '--test-reporter-destination', 'stdout', '--test-shard=1/2', '--test-concurrency', '1'], []],
	[['--watch', '--watch-path', 'src', '--enable-source-maps'], ['--enable-source-maps']],
	[['--testing-is-no-flag-of-node'], ['--testing-is-no-flag-of-node']],
];

for (const [flags, inherited] of cases) {
	test(`of the flags “${flags.join(' ')}” a worker gets “${inherited.join(' ')}”`, t => {
		t.deepEqual(inheritedFlags(flags), [...inherited]);
	});
}
