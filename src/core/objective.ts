/** What users of a route were promised (`slo`). */
export interface SloSpec {
  /** The share of requests without failure, such as 0.999; null: no objective. */
  readonly availability: number | null;
  /** The share of responses that take at most `underMs`; null: no objective. */
  readonly latency: { readonly underMs: number; readonly share: number } | null;
}

export type ObjectiveKind = 'availability' | 'latency';
