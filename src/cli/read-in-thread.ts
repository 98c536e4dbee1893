import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { siblingModule } from '../core/sibling-module.ts';
import { inTurns } from '../core/turns.ts';
import { type ConfigurationPart, JoinedRead } from './configuration-parts.ts';
import type { ConfigurationThreadInit } from './configuration-thread.ts';
import type { ReadContext, ServedRead } from './configuration-read.ts';
import { withCompileCache } from '../system/compile-cache.ts';

/**
 * Reads a configuration like `readToServe`, in a thread of its own. What reads and checks configurations (the parser of YAML, the schema and
 * its package) then takes memory for as long as it reads, and a large file does not keep the main thread from answering requests of an operator: 5,000 routes
 * take half a second. `text` is returned only if it has errors or warnings, which are shown in it. If the thread cannot run, the main thread reads the file.
 */
export async function readInThread(file: string, context: ReadContext): Promise<ServedRead> {
  const read = await readBeside(file, context);
  if (read !== null) return read;
  const { readToServe } = await import('./read-configuration.ts');
  return readToServe(file, context);
}

async function readBeside(file: string, { directory, env, clock }: ReadContext): Promise<ServedRead | null> {
  const { port1: ours, port2: parts } = new MessageChannel();
  const workerData: ConfigurationThreadInit = { file, directory, env: { ...env }, parts };
  const thread = startThread(workerData);
  if (thread === null) {
    ours.close();
    return null;
  }
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

/** Null if the system has no thread or descriptors for it. */
function startThread(workerData: ConfigurationThreadInit): Worker | null {
  const options = { workerData, transferList: [workerData.parts], name: 'candor configuration', ...withCompileCache() };
  try {
    return new Worker(new URL(siblingModule(import.meta.url, '../cli/configuration-thread')), options);
  } catch {
    return null;
  }
}

/** The parts are cloned as they are taken: a listener would get all of them in one turn of the event loop. */
function* received(port: MessagePort): Generator<ConfigurationPart> {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
    yield next.message as ConfigurationPart;
}
