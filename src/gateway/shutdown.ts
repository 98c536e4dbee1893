import type { Clock } from '../core/time.ts';
import { within } from './waiting.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** To answer and record what is cut takes milliseconds; a client that does not take its answer gets no more than this. */
const cutMs = 2000;

/**
 * Ends a worker: it gets `drainMs`, or until `atOnce`, for what is under way. What is still under way then is
 * answered `drained`, or cut short where an answer has begun, and recorded, before the thread ends.
 */
export async function drainWorker(
  worker: WorkerHandle,
  clock: Clock,
  drainMs: number,
  atOnce: Promise<void>,
): Promise<void> {
  const drained = worker.drain();
  await within(clock, drainMs, drained, atOnce);
  worker.cut();
  await within(clock, cutMs, drained);
  await worker.terminate();
}
