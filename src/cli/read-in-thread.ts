import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { siblingModule } from '../core/sibling-module.ts';
import { inTurns } from '../core/turns.ts';
import { type ConfigurationPart, JoinedRead } from './configuration-parts.ts';
import type { ConfigurationThreadInit } from './configuration-thread.ts';
import { type ConfigurationRead, type ReadContext, readConfiguration } from './read-configuration.ts';

/** Reading a file of this size takes the main thread some 50 ms; a thread needs a second of its own time to start. */
export const threadFromBytes = 32 * 1024;

/**
 * Reads a configuration like `readConfiguration`, without its text. A large file is read in a thread of its own, because reading
 * 5,000 routes takes half a second, and meanwhile the main thread would answer no request of an operator. If the thread cannot run, the main thread
 * reads the file.
 */
export async function readInThread(file: string, context: ReadContext): Promise<ConfigurationRead> {
  const size = await stat(resolve(context.directory, file)).then(
    (found) => found.size,
    () => 0,
  );
  const read = size < threadFromBytes ? null : await readBeside(file, context);
  return read ?? readConfiguration(file, context);
}

async function readBeside(file: string, { directory, env, clock }: ReadContext): Promise<ConfigurationRead | null> {
  const { port1: ours, port2: parts } = new MessageChannel();
  const workerData: ConfigurationThreadInit = { file, directory, env: { ...env }, parts };
  const thread = new Worker(new URL(siblingModule(import.meta.url, './configuration-thread')), {
    workerData,
    transferList: [parts],
    name: 'candor configuration',
  });
  const hasRead = await new Promise<boolean>((settle) => {
    thread.once('message', () => settle(true));
    thread.once('error', () => settle(false));
    thread.once('exit', () => settle(false));
  });
  const joined = new JoinedRead();
  try {
    if (hasRead) await inTurns(received(ours), clock, (part) => joined.add(part));
  } finally {
    ours.close();
    await thread.terminate();
  }
  return joined.read;
}

/** The parts are cloned as they are taken: a listener would get all of them in one turn of the event loop. */
function* received(port: MessagePort): Generator<ConfigurationPart> {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
    yield next.message as ConfigurationPart;
}
