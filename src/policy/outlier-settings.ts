/** When the share of failures makes an endpoint an outlier. */
export interface FailureRateSettings {
  readonly windowMs: number;
  /** The window moves by this much at a time. */
  readonly sliceMs: number;
  /** Fewer requests within the window decide nothing. */
  readonly requestsMin: number;
  /** An outlier has a smaller share of successes. */
  readonly successShareMin: number;
  /** Attempts in a row that got no connection; so many make an outlier, whatever the share. */
  readonly consecutiveUnreachableMax: number;
}

/** What follows where an endpoint is an outlier. */
export interface EjectionSettings {
  /** The first ejection lasts so long; each further one is longer by `pauseFactor`. */
  readonly firstPauseMs: number;
  readonly pauseFactor: number;
  readonly longestPauseMs: number;
  /** Each pause is longer by a random part, up to this one. */
  readonly pauseSpread: number;
  /** Successes in a row that end a probation. */
  readonly probationSuccesses: number;
  /** An endpoint that was trusted for so long begins with the first pause again. */
  readonly forgetAfterMs: number;
  /** The share of the endpoints with passing checks that stays, and never fewer than one. */
  readonly stayingShareMin: number;
  /** While an outlier stays because too few others are left: how often that is reported. */
  readonly reportEveryMs: number;
}

/** ADR 8 says where the figures come from. Those of others are the defaults of their documentation. */
export const defaultFailureRate: FailureRateSettings = {
  // Long enough for twenty requests of a quiet site, short enough to forget a fault that was fixed.
  windowMs: 30_000,
  sliceMs: 5000,
  // A half of fewer requests is chance. (Envoy's failure percentage: 50 requests in 10 s.)
  requestsMin: 20,
  // Envoy's failure percentage ejects at 85 % failures; but its count of 5xx in a row ejects much earlier.
  successShareMin: 0.5,
  // One refused connection is a restart. After five in a row nothing listens, and the next check may be seconds away.
  // (Envoy's consecutive_5xx: 5. nginx's max_fails: 1.)
  consecutiveUnreachableMax: 5,
};

export const defaultEjection: EjectionSettings = {
  // About two checks, and nginx's fail_timeout. Each further pause doubles, up to what an operator notices anyway, which is
  // Envoy's max_ejection_time.
  firstPauseMs: 10_000,
  pauseFactor: 2,
  longestPauseMs: 300_000,
  // Endpoints that were ejected for one reason are not to come back at the same moment.
  pauseSpread: 0.2,
  probationSuccesses: 3,
  forgetAfterMs: 600_000,
  // What most endpoints fail at is seldom their own fault (a database, a network), and the few that are left could not carry
  // the load of all. (Envoy's max_ejection_percent keeps 90 %.)
  stayingShareMin: 0.5,
  // The window: after it, all requests that count are new.
  reportEveryMs: 30_000,
};
