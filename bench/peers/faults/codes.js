/** The words of the table, from the best to the worst, and what each means. */
export const codes = {
	ok: 'what should happen: the value, or a rejection at once with the reason; nobody else concerned',
	'-': 'the pool has no such feature, or the case does not exist for threads',
	thin: 'rejected, but without the reason; or a failure that is told nowhere',
	ORDER: 'tasks did not start in the order in which they were submitted',
	lost: 'a value, or a part of an error, was silently changed',
	BLAME: 'a task or a worker that did nothing wrong was failed or killed',
	RUN: 'a task was started again without being asked; ×n is how often it ran',
	HANG: 'a promise did not settle; +n are those of other tasks',
	DEAD: 'the pool takes tasks and finishes none, from then on',
	ORPH: 'a process, or a loop, was left running',
	HOST: 'the program that uses the pool died',
};

const words = Object.keys(codes);

/** How bad a remark such as `RUN ×4` is. */
export const severity = remark => words.findIndex(word => remark.split(' ').includes(word));
