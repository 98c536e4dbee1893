export const slowStartName = 'slow_start';

export interface SlowStartSpec {
  /** For how long the share of an endpoint that became ready grows. */
  readonly rampMs: number;
}
