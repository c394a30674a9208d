/** This pool calls the one function of a module, so the name of the task travels with its argument. */
const tasks = require(process.env.LOKY_FAULTS_TASKS ?? './tasks.cjs');

const run = ({name, argument}) => tasks[name](argument);

module.exports = run;
