/**
 * What an origin does with requests. 'stalled': it never answers. 'slow': it takes ten times as long. 'uneven': one request of twenty takes
 * 25 times as long.
 */
export type OriginMode = 'good' | 'status_500' | 'stalled' | 'reset' | 'garbage' | 'slow' | 'uneven';

/** How the health check is answered: as requests are, or apart from them. 'fails': with 404, as where its page has gone. */
export type CheckMode = 'as_requests' | 'passes' | 'fails';

export interface OriginSetting {
  readonly port: number;
  /** How long a request takes. */
  readonly tookMs: number;
  /** How many requests it handles at a time. */
  readonly concurrency: number;
  /** What becomes of more: they wait in it; or all of them take longer, by the square of how many there are. */
  readonly beyond: 'wait' | 'slow_down';
  /** From its start until it listens. */
  readonly bootMs: number;
}

export type OriginOrder =
  | { readonly kind: 'mode'; readonly mode: OriginMode; readonly check: CheckMode }
  | { readonly kind: 'listen'; readonly open: boolean }
  /** Reports its counts. */
  | { readonly kind: 'count' }
  /** Finishes requests in flight and ends, as after SIGTERM. */
  | { readonly kind: 'finish' }
  /** Reports its counts and kills itself by SIGKILL, so that no count is lost. */
  | { readonly kind: 'die' };

/** Counts since the last report. */
interface OriginCounts {
  /** Those of the load, without those of slow clients. */
  readonly requests: number;
  readonly checks: number;
  readonly connections: number;
  /** The numbers of POSTs whose body was received whole. */
  readonly executed: readonly number[];
}

export type OriginReport =
  | { readonly kind: 'listening' }
  | { readonly kind: 'done' }
  | { readonly kind: 'counts'; readonly counts: OriginCounts; readonly isAnswer: boolean };
