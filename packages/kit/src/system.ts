import { randomUUID } from 'node:crypto';
import type { KitClock } from './clock.ts';

/** The real clock and chance of the kit. No other file of it uses those of the platform. */
export const systemKitClock: KitClock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(ms, fire) {
    // Timers of Node fire at once where the time is longer.
    const timer = setTimeout(fire, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  afterEvents: (fire) => void setImmediate(fire),
};

export function newRequestId(): string {
  return randomUUID();
}
