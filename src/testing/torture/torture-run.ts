import type { TorturePart, ConnectionUse, TortureVerdict, TortureObservation, CauseNamed } from './torture-case.ts';

/** One line of the matrix. Its form in JSON is documented in docs/torture.md. */
export interface TortureRun {
  readonly case: string;
  readonly part: TorturePart;
  readonly group: string;
  readonly does: string;
  readonly method: string;
  readonly body_bytes: number;
  readonly on: ConnectionUse;
  /** Null if the gateway has no route to that part, or if this process was held up each time that it was tried. */
  readonly verdict: TortureVerdict | null;
  readonly why: string;
  /** Null if the gateway has no route to that part. */
  readonly seen: SeenRun | null;
}

export interface SeenRun {
  readonly status: number | null;
  readonly interim: readonly number[];
  /** The sender of the response: the origin, whose body it contains, or the gateway; null without a response. */
  readonly by: 'origin' | 'gateway' | null;
  readonly completeness: TortureObservation['completeness'];
  readonly ms: number;
  readonly origin_saw: number;
  readonly reused_at_origin: boolean;
  readonly proxy_status: string | null;
  readonly errors_named: readonly string[];
  /** Whether these are right; null if none names a cause. */
  readonly cause_named: CauseNamed | null;
  readonly server: string | null;
  readonly body_bytes: number;
  /** The first 200 bytes, as Latin-1. */
  readonly excerpt: string;
  readonly stray_bytes: number;
  readonly next_request: TortureObservation['neighbour'];
}
