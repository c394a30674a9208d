/** `idle.js` as workerpool wants it. */
import workerpool from 'workerpool';
import {clock, hold, idle} from './idle.js';

workerpool.worker({clock, hold, idle});
