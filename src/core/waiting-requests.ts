import type { Instant } from './time.ts';

/** Requests that wait in one worker. */
export interface WaitingRequests {
  /** Such as 'route /api' or 'upstream app'. */
  readonly at: string;
  /** `endpoint`: until one is ready; `connection`: until one is free; `turn`: until fewer requests are in flight than may be; `response`: they are sent, and no response has begun. */
  readonly for: WaitingFor;
  readonly count: number;
  /** Since when the one waits that has waited longest, on the process-wide monotonic clock. */
  readonly sinceInstant: Instant;
  /** Of those that wait for a response, since when the last one does. */
  readonly newestInstant?: Instant;
}

/** What requests wait for before they are sent. */
export type QueuedFor = 'endpoint' | 'connection' | 'turn';

export type WaitingFor = QueuedFor | 'response';
