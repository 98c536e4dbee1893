import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../system/system.ts';
import { type ConfigurationThreadInit, splitRead } from './read-in-thread.ts';
import { readToServe } from './read-configuration.ts';

// The whole thread: reads one configuration, sends it in parts, and ends (`read-in-thread.ts`).
const { file, directory, env, parts } = workerData as ConfigurationThreadInit;
const read = await readToServe(file, { directory, env, clock: systemClock });
for (const part of splitRead(read)) parts.postMessage(part);
parentPort?.postMessage('read');
