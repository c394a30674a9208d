/** Where this project decides otherwise than xo, and why. */
const config = [
	{
		ignores: ['binding.js', 'binding.d.ts', 'dist/**', '.test-build/**', 'target/**', 'output/**', 'crates/**', '__test__/fixtures/shipping/**'],
	},
	{
		rules: {
			// Data has every property always present, null for none: it crosses to Rust and back.
			'@typescript-eslint/no-restricted-types': 'off',
			'unicorn/no-null': 'off',
			// Interfaces name the shapes of the API; their names stand in messages of the compiler.
			'@typescript-eslint/consistent-type-definitions': 'off',
			// Bytes and pipes give `unknown`; what it is stands in the line that says so.
			'@typescript-eslint/no-unsafe-type-assertion': 'off',
			// A program may replace the global; what the module exports stays.
			'n/prefer-global/url': 'off',
			// Names are words in full, also where the rule knows an abbreviation.
			'unicorn/prevent-abbreviations': 'off',
			// The constants of loky: FIRST_COMPLETED and its like, and globals kept from the time the package was loaded.
			'@typescript-eslint/naming-convention': 'off',
			// An exhaustive switch ends with a check that it is one: a new case must not compile until somebody has thought about it.
			'@typescript-eslint/switch-exhaustiveness-check': ['error', {allowDefaultCaseForExhaustiveSwitch: true, considerDefaultExhaustiveForUnions: true}],
			// A constant field is part of a shape that other code reads, and must be the instance's own.
			'@typescript-eslint/class-literal-property-style': 'off',
			// Writing `env['NAME']` is a look-up, not a property.
			'@typescript-eslint/dot-notation': 'off',
			// What `executor.map(fn, inputs)` calls is no method of an array.
			'unicorn/no-array-method-this-argument': 'off',
			// Text of messages may run on; everything else ends before column 200.
			'@stylistic/max-len': ['warn', {
				code: 200, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true, ignoreUrls: true, ignoreComments: true,
			}],
			// The package under test imports itself by its name.
			'import-x/order': 'off',
			// Node's own pattern is `promisify(execFile)`; its overload returns a child process that nobody needs here.
			'@typescript-eslint/strict-void-return': 'off',
			// AVA runs what is compiled from these.
			'ava/no-ignored-test-files': 'off',
		},
	},
	{
		// Programs: they print, exit, and wait for one thing after another.
		files: ['src/worker/**', 'examples/**', 'bench/**', 'scripts/**', '__test__/**'],
		rules: {
			'unicorn/no-process-exit': 'off',
			'no-await-in-loop': 'off',
			'n/prefer-global/process': 'off',
		},
	},
];

export default config;
