/** What users of a route were promised (`slo`). */
export interface SloSpec {
  /** The share of requests without failure, such as 0.999; null: no objective. */
  readonly availability: number | null;
  /** The share of responses that take at most `underMs`; null: no objective. */
  readonly latency: { readonly underMs: number; readonly share: number } | null;
}

export type ObjectiveKind = 'availability' | 'latency';

/** An objective of a route, and how fast its error budget is used up. */
export interface ObjectiveStatus {
  readonly route: string;
  readonly kind: ObjectiveKind;
  readonly target: number;
  /** Of latency; else null. */
  readonly underMs: number | null;
  /** The fastest pair of windows in which the budget is used up too fast; null: none. */
  readonly burning: 'fast' | 'medium' | 'slow' | null;
  readonly sinceS: number | null;
  /** Of the budget of three days: 1 is all, 0 and below nothing. */
  readonly budgetLeft: number;
  readonly burnRates: readonly {
    readonly tier: 'fast' | 'medium' | 'slow';
    /** At which it is reported: in both windows. */
    readonly limit: number;
    readonly shortS: number;
    readonly longS: number;
    readonly short: number;
    readonly long: number;
  }[];
}
