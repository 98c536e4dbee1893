import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../system/system.ts';
import { splitRead } from './configuration-parts.ts';
import { readToServe } from './read-configuration.ts';

/** What the thread reads, and where it puts the parts. */
export interface ConfigurationThreadInit {
  readonly file: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly parts: MessagePort;
}

// The whole thread: reads one configuration, sends it in parts, and ends (`read-in-thread.ts`).
const { file, directory, env, parts } = workerData as ConfigurationThreadInit;
const read = await readToServe(file, { directory, env, clock: systemClock });
for (const part of splitRead(read)) parts.postMessage(part);
parentPort?.postMessage('read');
