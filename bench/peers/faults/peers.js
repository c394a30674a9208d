/** The pools that are compared, each in each of its modes; `deadline` says for what a time limit can be given: each task, all tasks of a pool, or nothing. */
const configurations = [
	['loky', 'process', 'task'],
	['tinypool', 'process', 'task'],
	['workerpool', 'process', 'task'],
	['poolifier', 'process', 'task'],
	['jest-worker', 'process', 'none'],
	['worker-farm', 'process', 'pool'],
	['worker-nodes', 'process', 'pool'],
	['multiprocess-pool', 'process', 'task'],
	['piscina', 'thread', 'task'],
	['tinypool', 'thread', 'task'],
	['workerpool', 'thread', 'task'],
	['poolifier', 'thread', 'task'],
	['jest-worker', 'thread', 'none'],
	['worker-nodes', 'thread', 'pool'],
	['threads', 'thread', 'none'],
	['node-worker-threads-pool', 'thread', 'task'],
];

/** `id` is what the command line takes; a plain name means all modes of the peer. */
export const peers = configurations.map(([name, mode, deadline]) => ({
	id: `${name}/${mode}`, name, mode, deadline,
}));

export const adapterOf = async ({name}) => import(`./adapters/${name}.js`);
