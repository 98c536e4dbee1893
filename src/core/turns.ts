import { delay } from './condition.ts';
import type { Clock } from './time.ts';

/** Work that takes longer is divided, so that the event loop gets its turns. A worker that is waited for loses no more than this. */
const sliceMs = 5;

/**
 * Calls `work` with each item, in order. After each slice of some milliseconds the event loop gets a turn, so that the
 * thread answers meanwhile. A single call of `work` is not divided.
 *
 * Resolves after the last item. Rejects with the first error that `work` or `items` throws; no further item is worked on then.
 */
export async function inTurns<T>(items: Iterable<T>, clock: Clock, work: (item: T) => void): Promise<void> {
  let endAt = clock.now() + sliceMs;
  for (const item of items) {
    if (clock.now() >= endAt) {
      await delay(clock, 0);
      endAt = clock.now() + sliceMs;
    }
    work(item);
  }
}
