import type { Instant } from './time.ts';

/** Requests that have been sent and whose responses have not begun, gathered for each report of a worker: nothing is kept per request. */
export class AwaitedResponses {
  count = 0;
  /** When the first and the last of them were sent; without meaning while there is none. */
  oldest: Instant = Infinity as Instant;
  newest: Instant = -Infinity as Instant;

  note(sentAt: Instant): void {
    this.count += 1;
    if (sentAt < this.oldest) this.oldest = sentAt;
    if (sentAt > this.newest) this.newest = sentAt;
  }
}
