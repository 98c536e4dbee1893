import type { SiblingEvent } from './sibling-outliers.ts';

/** When traffic takes endpoints of an upstream out, as it is configured. */
export interface OutlierDetectionSpec {
  readonly windowMs: number;
  /** Fewer requests within the window decide nothing. */
  readonly requestsMin: number;
  /** A larger share of failures makes an outlier. */
  readonly failureShareMax: number;
  /** So many failures in a row make an outlier. */
  readonly consecutiveFailuresMax: number;
  /** Responses with a 5xx status count as failures, though only over the whole window. */
  readonly countsServerErrors: boolean;
  /** Responses with status 429 and Retry-After count as failures, and the endpoint rests as long as they say. */
  readonly countsRateLimits: boolean;
  /** By what an endpoint is compared with the others on the same routes. */
  readonly compared: readonly SiblingEvent[];
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** Of the endpoints whose checks pass. */
  readonly ejectedShareMax: number;
}

/** An endpoint that fails and that outlier detection may not eject gets no requests for some time all the same. */
export interface CircuitBreakerSpec {
  /** How long it is open the first time; each further time is twice as long. */
  readonly openMs: number;
  /** The longest time, at least `openMs`; null: 2 s while the endpoint's checks pass, 30 s without checks. */
  readonly openMaxMs: number | null;
  /** How many requests the endpoint gets at a time while the breaker is half-open, over all workers; absent: 1. */
  readonly probesMax?: number;
}

/** When failures make an endpoint an outlier. */
export interface FailureRateSettings {
  readonly windowMs: number;
  /** The window moves by this much at a time. */
  readonly sliceMs: number;
  /** Fewer requests decide nothing. */
  readonly requestsMin: number;
  /** An outlier has a smaller share of successes. */
  readonly successShareMin: number;
  /** Attempts in a row that failed; so many make an outlier, whatever the share. */
  readonly consecutiveFailuresMax: number;
  /** Attempts in a row that got no connection; so many make an outlier, whatever the share. */
  readonly consecutiveUnreachableMax: number;
  /** Responses with a 5xx status are failures too, though only over the whole window. */
  readonly countsServerErrors: boolean;
  /** Responses with status 429 and Retry-After are failures too. */
  readonly countsRateLimits: boolean;
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
  /** Of an outlier that stays because too few others are left: when nothing has spoken against it for so long, that is over. */
  readonly overAfterMs: number;
}

/** What is done about the outliers of one upstream. */
export interface OutlierSettings {
  /** Null: traffic decides nothing. */
  readonly failureRate: FailureRateSettings | null;
  readonly ejection: EjectionSettings;
  /** Null: an outlier that may not be ejected gets requests as before. */
  readonly breaker: CircuitBreakerSpec | null;
  readonly comparison: ComparisonSettings;
}

/** How endpoints are compared with each other. */
interface ComparisonSettings {
  readonly events: readonly SiblingEvent[];
  /** An endpoint that became ready so short a time ago is not called late. */
  readonly beginningMs: number;
  /** Clients stay at an endpoint. */
  readonly byClient: boolean;
}

export const defaultComparison: ComparisonSettings = {
  events: ['server_error', 'late'],
  // Caches are cold, and code is not compiled.
  beginningMs: 30_000,
  byClient: false,
};

/** The figures of other gateways are the defaults of their documentation. */
export const defaultFailureRate: FailureRateSettings = {
  // Long enough for twenty requests of a quiet site, short enough to forget a fault that was fixed.
  windowMs: 30_000,
  // An endpoint all of whose requests begin to fail is found within a second, where it has twenty of them by then.
  sliceMs: 2000,
  // A half of fewer requests is chance. (Envoy's failure percentage: 50 requests in 10 s.)
  requestsMin: 20,
  // Envoy's failure percentage ejects at 85 % failures; but its count of 5xx in a row ejects much earlier.
  successShareMin: 0.5,
  // An endpoint half of whose requests fail has ten in a row once in a thousand. (Envoy's consecutive_5xx: 5.)
  consecutiveFailuresMax: 10,
  // One refused connection is a restart. After five in a row nothing listens, and the next check may be seconds away.
  // (Envoy's consecutive_5xx: 5. nginx's max_fails: 1.)
  consecutiveUnreachableMax: 5,
  // A 500 is the same on every instance more often than not.
  countsServerErrors: false,
  // A quota is more often that of one client than that of all.
  countsRateLimits: false,
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
  overAfterMs: 30_000,
};

/** The longest rest that an endpoint is given because it asked for one. */
export const longestRestMs = 300_000;

/** How long a breaker is open at most, by default. A check that passes says that the next try may succeed. */
const openMaxMs = { checked: 2000, unchecked: 30_000 } as const;

export function breakerEjection(
  { openMs, openMaxMs: longest }: CircuitBreakerSpec,
  ejection: EjectionSettings,
  isChecked: boolean,
): EjectionSettings {
  const longestPauseMs = longest ?? (isChecked ? openMaxMs.checked : openMaxMs.unchecked);
  return { ...ejection, firstPauseMs: openMs, longestPauseMs: Math.max(openMs, longestPauseMs) };
}

/** `spec`: null: traffic decides nothing; absent: the defaults. */
export function outlierSettingsOf(
  spec?: OutlierDetectionSpec | null,
  breaker: CircuitBreakerSpec | null = null,
  comparison: ComparisonSettings = defaultComparison,
): OutlierSettings {
  if (spec === undefined) return { failureRate: defaultFailureRate, ejection: defaultEjection, breaker, comparison };
  if (spec === null)
    return { failureRate: null, ejection: defaultEjection, breaker: null, comparison: { ...comparison, events: [] } };
  const { windowMs, requestsMin, consecutiveFailuresMax, countsServerErrors, countsRateLimits } = spec;
  return {
    failureRate: {
      ...defaultFailureRate,
      ...{ windowMs, requestsMin, consecutiveFailuresMax, countsServerErrors, countsRateLimits },
      sliceMs: windowMs / slicesPerWindow,
      successShareMin: 1 - spec.failureShareMax,
      consecutiveUnreachableMax: Math.min(consecutiveFailuresMax, defaultFailureRate.consecutiveUnreachableMax),
    },
    ejection: {
      ...defaultEjection,
      firstPauseMs: spec.firstPauseMs,
      longestPauseMs: Math.max(spec.firstPauseMs, spec.longestPauseMs),
      stayingShareMin: 1 - spec.ejectedShareMax,
      overAfterMs: windowMs,
    },
    breaker,
    comparison: { ...comparison, events: spec.compared },
  };
}

export const slicesPerWindow = defaultFailureRate.windowMs / defaultFailureRate.sliceMs;
