/**
 * The entry of a worker process. The supervisor gives it the descriptors 3 to 6; see `worker_end.rs` for what they are.
 */
import {openWorker} from '../native.js';
import {WorkerOutput} from './output.js';
import {TaskLoop} from './task-loop.js';

const end = openWorker();
const loop = new TaskLoop(end, new WorkerOutput());
end.watch(() => {
	loop.wake();
});
