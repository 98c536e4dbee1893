import { conditionText } from './exchange-query.ts';

/** What users of a route were promised (`slo`). */
export interface SloSpec {
  /** The share of requests without failure, such as 0.999; null: no objective. */
  readonly availability: number | null;
  /** The share of responses that take at most `underMs`; null: no objective. */
  readonly latency: { readonly underMs: number; readonly share: number } | null;
}

export type ObjectiveKind = 'availability' | 'latency';

/** Finds the requests that an objective of a route counts against it. `underMs`: how long responses may take; null: of availability. */
export function missingRequestsQuery(route: string, underMs: number | null): string {
  return `${conditionText('route', route)} ${underMs === null ? '-shape:none,client_abort' : `duration:>${underMs}ms`}`;
}
