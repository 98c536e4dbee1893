import type { DrainSpec } from '../core/configuration.ts';
import type { Clock } from '../core/time.ts';
import { lastRequestMs } from '../core/drain.ts';
import { forceCloseMs, type DrainingWorker } from './shutdown.ts';
import { withTimeout } from '../core/condition.ts';

/**
 * Ends one worker while others serve on the same ports: its listeners close at once, connections may send a last
 * request, and requests in flight have the drain time to finish.
 */
export async function retireWorker(
  worker: DrainingWorker,
  clock: Clock,
  { timeoutMs, tunnels }: DrainSpec,
): Promise<void> {
  const idleMs = Math.min(timeoutMs, lastRequestMs);
  const drained = worker.drain({ why: 'worker_replaced', tunnels, idleMs, hasSuccessor: true });
  await withTimeout(clock, timeoutMs, drained);
  worker.forceClose(false);
  await withTimeout(clock, forceCloseMs, drained);
  await worker.terminate();
}
