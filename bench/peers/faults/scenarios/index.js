/** All scenarios, by their rows. Each has `row`, `title`, `run(stage)`, which a host executes, and `judge(seen)`, which gives the remarks. */
import * as deadline from './deadline.js';
import * as ending from './ending.js';
import * as errors from './errors.js';
import * as leftovers from './leftovers.js';
import * as surroundings from './surroundings.js';
import * as values from './values.js';
import * as workerDeath from './worker-death.js';

export const scenarios = [workerDeath, deadline, values, errors, leftovers, ending, surroundings]
	.flatMap(group => Object.values(group))
	.toSorted((a, b) => a.row - b.row);
