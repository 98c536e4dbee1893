import type { MetricFamily } from './metric-family.ts';
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
type QueuedFor = 'endpoint' | 'connection' | 'turn';

export type WaitingFor = QueuedFor | 'response';

/** Requests that wait, in all workers. */
export interface WaitingCount {
  readonly for: WaitingFor;
  readonly count: number;
  /** For how long the one has waited that has waited longest. */
  readonly oldestMs: number;
}

/** The metrics of requests that wait at routes and upstreams. */
export function waitingFamilies(
  scopes: readonly { readonly kind: string; readonly id: string; readonly waiting: readonly WaitingCount[] }[],
): readonly MetricFamily[] {
  const waiting = scopes.flatMap(({ kind, id, waiting: counts }) =>
    counts.map((one) => ({ labels: { kind, id, for: one.for }, one })),
  );
  return [
    {
      name: 'candor_requests_waiting',
      help: 'Requests that wait: for their turn (`concurrency`), until an endpoint is ready, for a connection, or for a response longer than usual.',
      samples: waiting.map(({ labels, one }) => [labels, one.count]),
    },
    {
      name: 'candor_requests_waiting_oldest_seconds',
      help: 'For how long the one of them has waited that has waited longest.',
      samples: waiting.map(({ labels, one }) => [labels, one.oldestMs / 1000]),
    },
  ];
}
