/** The same tasks with a callback as the last argument. */
for (const [name, task] of Object.entries(require(process.env.LOKY_FAULTS_TASKS ?? './tasks.cjs'))) {
	exports[name] = (argument, callback) => {
		(async () => task(argument))().then(value => callback(null, value), callback);
	};
}
