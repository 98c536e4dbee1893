import type { DrainSpec } from '../core/configuration.ts';
import type { Clock } from '../core/time.ts';
import { cutMs, type LeavingWorker, lastRequestMs } from './shutdown.ts';
import { within } from './waiting.ts';

/**
 * Ends one worker while others serve on the same ports: its listeners close at once, connections may send a last
 * request, and what is under way has the time of a drain.
 */
export async function retireWorker(
  worker: LeavingWorker,
  clock: Clock,
  { timeoutMs, tunnels }: DrainSpec,
): Promise<void> {
  const idleMs = Math.min(timeoutMs, lastRequestMs);
  const drained = worker.drain({ why: 'worker_replaced', tunnels, idleMs, hasSuccessor: true });
  await within(clock, timeoutMs, drained);
  worker.cut(false);
  await within(clock, cutMs, drained);
  await worker.terminate();
}
